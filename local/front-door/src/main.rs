//! The local AWS's front door: every AWS API call of the stack, its functions and its tests
//! comes here. It runs Lambda functions, delivers EventBridge events, refuses what AWS refuses,
//! fails on request, and passes the rest on to moto.

mod address_ranges;
mod alarms;
mod aws;
mod aws_calls;
mod callers;
mod clock;
mod control;
mod door;
mod events;
mod faults;
mod flow_logs;
mod flow_records;
mod journal;
mod lambda;
mod log_groups;
mod logs_insights;
mod mailbox;
mod nat_gateways;
mod nat_metrics;
mod pipeline;
mod server;
mod service_metrics;
mod sns;
mod throttling;
mod xml;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Parser;
use hyper::Uri;
use hyper::http::uri::Authority;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use crate::door::Door;

/// Serves a local AWS on one address until its standard input ends or it is told to stop.
#[derive(Parser)]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where moto listens: `http://127.0.0.1:PORT`
    #[arg(long)]
    moto: Uri,
}

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into()))
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(serve(arguments));
    // Nothing may hold the exit up: what still runs are connections and timers.
    runtime.shutdown_background();
    outcome
}

async fn serve(arguments: Arguments) -> anyhow::Result<()> {
    ensure!(arguments.listen.ip().is_loopback(), "{} is no loopback address", arguments.listen);
    let moto = moto_authority(&arguments.moto)?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let address = listener.local_addr()?;
    let door = Arc::new(Door::new(address, moto)?);
    let stop = stop_requested()?;
    announce(address)?;
    tokio::select! {
        result = server::serve(listener, Arc::clone(&door)) => result?,
        () = stop => {}
    }
    door.functions.stop().await;
    Ok(())
}

fn moto_authority(moto: &Uri) -> anyhow::Result<Authority> {
    moto.authority()
        .filter(|_| moto.scheme_str() == Some("http"))
        .cloned()
        .with_context(|| format!("--moto takes http://HOST:PORT, not {moto}"))
}

/// Tells whoever started this that it is ready.
fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")?;
    stdout.flush().context("cannot write to standard output")
}

/// Completes on SIGTERM, on SIGINT, and at the end of standard input: whoever started this is
/// gone then.
fn stop_requested() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (ended, input_ended) = oneshot::channel();
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut buffer = [0; 256];
        while !matches!(stdin.read(&mut buffer), Ok(0) | Err(_)) {}
        // The receiver is gone when a signal came first.
        let _ = ended.send(());
    });
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = input_ended => {}
        }
    })
}
