//! A function for the front door's own tests: it does what its event says.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

/// What to do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
enum Deed {
    /// Answer with the event, the process and its count of invocations.
    Answer,
    /// Answer with an environment variable.
    Environment { name: String },
    /// Write a line to each output.
    Log { line: String },
    /// Answer after some milliseconds.
    Sleep { milliseconds: u64 },
    /// Fail in words.
    Fail { message: String },
    /// Fail the first times.
    FailUntil { invocation: u32 },
    /// Make these calls one after the other, as CloudWatch Logs' client would.
    Call { operations: Vec<String> },
    /// Leave, with this code.
    Exit { code: u8 },
    /// Start a process that would outlive this one, with a connection to this address that
    /// both hold open, and never answer.
    Fork { address: SocketAddr },
}

/// A failure with a name of its own.
#[derive(Debug)]
struct Refused(String);

impl From<Refused> for Diagnostic {
    fn from(Refused(message): Refused) -> Self {
        Self { error_type: "ProbeFailed".to_owned(), error_message: message }
    }
}

static INVOCATIONS: AtomicU32 = AtomicU32::new(0);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    if std::env::var_os("PROBE_FAILS_TO_START").is_some() {
        return ExitCode::from(3);
    }
    match lambda_runtime::run(service_fn(handle)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Refused> {
    let invocation = INVOCATIONS.fetch_add(1, Ordering::Relaxed) + 1;
    let pid = std::process::id();
    let deed = Deed::deserialize(&event.payload).unwrap_or(Deed::Answer);
    match deed {
        Deed::Answer => Ok(json!({
            "event": event.payload,
            "pid": pid,
            "invocation": invocation,
            "request_id": event.context.request_id,
            "function": event.context.invoked_function_arn,
        })),
        Deed::Environment { name } => Ok(json!(std::env::var(name).ok())),
        Deed::Log { line } => {
            write_lines(&line);
            Ok(Value::Null)
        }
        Deed::Sleep { milliseconds } => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            Ok(json!({"pid": pid}))
        }
        Deed::Fail { message } => Err(Refused(message)),
        Deed::FailUntil { invocation: first } if invocation < first => {
            Err(Refused(format!("invocation {invocation}")))
        }
        Deed::FailUntil { .. } => Ok(json!({"invocation": invocation})),
        Deed::Call { operations } => call(&operations),
        Deed::Exit { code } => std::process::exit(code.into()),
        Deed::Fork { address } => fork(address).await,
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what it writes is what it tests")]
fn write_lines(line: &str) {
    println!("out: {line}");
    eprintln!("err: {line}");
}

/// What the calls' log group is.
const BODY: &str = r#"{"logGroupName": "probe"}"#;

/// Calls the front door; answers the status lines, empty where there was no answer.
fn call(operations: &[String]) -> Result<Value, Refused> {
    let variable = |name: &str| std::env::var(name).map_err(|error| Refused(error.to_string()));
    let endpoint = variable("AWS_ENDPOINT_URL")?;
    let host = endpoint.trim_start_matches("http://");
    let key = variable("AWS_ACCESS_KEY_ID")?;
    let mut answers = Vec::new();
    for operation in operations {
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nX-Amz-Target: Logs_20140328.{operation}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/logs/aws4_request\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{BODY}",
            BODY.len()
        );
        let answer = TcpStream::connect(host).and_then(|mut connection| {
            connection.write_all(request.as_bytes())?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer)?;
            Ok(answer)
        });
        let answer = answer.map_err(|error| Refused(error.to_string()))?;
        answers.push(answer.lines().next().unwrap_or_default().to_owned());
    }
    Ok(json!(answers))
}

async fn fork(address: SocketAddr) -> Result<Value, Refused> {
    let refused = |error: std::io::Error| Refused(error.to_string());
    let connection = TcpStream::connect(address).map_err(refused)?;
    let inherited = OwnedFd::from(connection.try_clone().map_err(refused)?);
    let mut child = Command::new("sleep").arg("600").stdin(inherited).spawn().map_err(refused)?;
    std::future::pending::<()>().await;
    child.kill().map_err(refused)?;
    drop(connection);
    Ok(Value::Null)
}
