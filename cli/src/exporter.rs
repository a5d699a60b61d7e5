//! `natflow exporter`: counts records as they come, for Prometheus.
//!
//! Readers ([`stream`], [`follow`]) count what comes and put counters, places and the events seen
//! into one [`state`], piece by piece. With a checkpoint, that state is written as a whole
//! every few seconds, and `/metrics` shows what was written: after a restart, however sudden,
//! no counter is lower than a scrape has seen it, and nothing is counted twice.

mod checkpoint;
mod denials;
mod follow;
mod health;
mod networks;
mod pace;
mod page;
mod server;
mod shards;
mod state;
mod stream;

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_adapters::{SdkConfig, profile};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::arguments::{Account, ExporterArguments};
use crate::error::Error;

use checkpoint::Checkpointer;
use denials::Denials;
use health::Health;
use networks::Networks;
use state::State;

/// Counts and serves until a signal ends it.
pub(crate) fn run(arguments: &ExporterArguments, account: &Account) -> Result<(), Error> {
    let runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::input("the threads of the exporter"))?;
    let outcome = runtime.block_on(export(arguments, account));
    // A name that is still being looked up is nobody's concern.
    runtime.shutdown_background();
    outcome
}

/// What all tasks share.
pub(crate) struct Exporter {
    state: Mutex<State>,
    networks: Networks,
    health: Health,
    denials: Option<Denials>,
    has_checkpoint: bool,
    settings: Settings,
}

/// What the command line says about counting.
pub(crate) struct Settings {
    ends: export::prometheus::Ends,
    most_subnets: usize,
    format: Option<flowlog::Format>,
    poll: std::time::Duration,
    is_quiet: bool,
}

impl Exporter {
    /// What was counted. Whoever holds it holds up everybody else.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a note. Nobody may be there to listen, which is no failure.
    fn note(&self, note: &str) {
        if !self.settings.is_quiet {
            let _ = writeln!(io::stderr(), "natflow: {note}");
        }
    }
}

/// Ends when a signal has come; every task waits for it beside its work.
pub(crate) type Stop = watch::Receiver<bool>;

/// Until it is time to end.
pub(crate) async fn stopped(stop: &mut Stop) {
    // Without anybody who could say so, it is time, too.
    let _ = stop.wait_for(|is_stopped| *is_stopped).await;
}

async fn export(arguments: &ExporterArguments, account: &Account) -> Result<(), Error> {
    let config = profile::load(account.profile.as_deref(), account.region.as_deref()).await;
    let mut checkpointer = Checkpointer::open(arguments, &config).await?;
    let restored = checkpointer.as_mut().and_then(Checkpointer::take_restored);
    let state = State::new(restored, arguments.window);
    let exporter = Arc::new(exporter(arguments, &config, state, checkpointer.is_some()).await?);
    let source = Source::find(arguments, &config, &exporter).await?;
    let listener = TcpListener::bind(arguments.listen).await;
    let name = format!("--listen {}", arguments.listen);
    let listener = listener.map_err(Error::input(&name))?;
    let address = listener.local_addr().map_err(Error::input(&name))?;
    if let Some(checkpointer) = &mut checkpointer {
        // Whoever wrote it before must not go on.
        checkpointer.claim(&exporter).await?;
    }
    exporter.note(&format!("listening on http://{address}/metrics"));
    let (stopper, stop) = watch::channel(false);
    tokio::spawn(server::serve(listener, Arc::clone(&exporter)));
    tokio::spawn(networks::refresh(Arc::clone(&exporter), arguments.refresh));
    let outcome = read(source, checkpointer.as_mut(), &exporter, (stopper, stop)).await;
    if let Some(checkpointer) = &mut checkpointer
        && outcome.as_ref().is_ok_and(|end| *end == End::Asked)
    {
        checkpointer.write(&exporter).await?;
    }
    outcome.map(|_| ())
}

async fn exporter(
    arguments: &ExporterArguments,
    config: &SdkConfig,
    state: State,
    has_checkpoint: bool,
) -> Result<Exporter, Error> {
    Ok(Exporter {
        state: Mutex::new(state),
        networks: Networks::find(arguments, config).await?,
        health: Health::default(),
        denials: arguments.log_denied.then(Denials::default),
        has_checkpoint,
        settings: Settings {
            ends: arguments.ends.into(),
            most_subnets: arguments.max_subnets,
            format: arguments.format.as_ref().map(|format| format.0.clone()),
            poll: arguments.poll,
            is_quiet: arguments.quiet,
        },
    })
}

/// Where records come from.
enum Source {
    Stream(stream::Reader),
    Files(Vec<follow::Follower>),
}

impl Source {
    async fn find(
        arguments: &ExporterArguments,
        config: &SdkConfig,
        exporter: &Exporter,
    ) -> Result<Self, Error> {
        if let Some(name) = &arguments.stream {
            let reader = stream::Reader::find(name, arguments.start, config, exporter).await?;
            return Ok(Self::Stream(reader));
        }
        let followers = arguments.follow.iter();
        let followers =
            followers.map(|path| follow::Follower::find(path, arguments.start, exporter));
        followers.collect::<Result<_, _>>().map(Self::Files)
    }

    async fn read(self, exporter: Arc<Exporter>, stop: Stop) -> Result<(), Error> {
        match self {
            Self::Stream(reader) => reader.read(exporter, stop).await,
            Self::Files(followers) => follow::read(followers, exporter, stop).await,
        }
    }
}

/// Why reading ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// A signal came.
    Asked,
}

/// Reads until a signal comes, or something fails for good.
async fn read(
    source: Source,
    checkpointer: Option<&mut Checkpointer>,
    exporter: &Arc<Exporter>,
    (stopper, stop): (watch::Sender<bool>, Stop),
) -> Result<End, Error> {
    let failed = |name: &'static str| Error::input(name);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed("SIGTERM"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed("SIGINT"))?;
    let mut reading = tokio::spawn(source.read(Arc::clone(exporter), stop));
    let checkpointing = async {
        match checkpointer {
            Some(checkpointer) => checkpointer.keep_writing(exporter).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ended = &mut reading => {
            return match ended {
                Ok(outcome) => outcome.map(|()| End::Asked),
                Err(_) => Err(Error::Refused("a task of the exporter has failed".to_owned())),
            };
        }
        error = checkpointing => return Err(error),
    }
    exporter.note("ending, as asked");
    let _ = stopper.send(true);
    match reading.await {
        Ok(outcome) => outcome.map(|()| End::Asked),
        Err(_) => Err(Error::Refused("a task of the exporter has failed".to_owned())),
    }
}
