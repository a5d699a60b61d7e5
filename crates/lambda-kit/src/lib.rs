//! What every Lambda function of the recorder shares: the loop that answers
//! invocations, JSON logs, settings from the environment, and errors under the
//! names that the state machine knows.
//!
//! A function's `main` is one line:
//!
//! ```no_run
//! # use lambda_kit::Failure;
//! fn main() -> Result<(), lambda_kit::RuntimeError> {
//!     lambda_kit::run(async |name: String| Ok::<_, Failure>(format!("Hello {name}")))
//! }
//! ```

pub mod custom_resource;
mod failure;
mod guard;
mod logs;
mod place;
pub mod settings;

use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tracing::{Instrument as _, error, info_span};

pub use failure::Failure;
pub use guard::within;
pub use logs::{Subject, about, about_execution, about_recording};
pub use place::StackPlace;

/// Why the loop itself ended: Lambda's runtime API could not be reached.
pub type RuntimeError = lambda_runtime::Error;

/// What Lambda says of an invocation beside its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The same when Lambda tries an event again.
    pub request_id: String,
    /// How long the function may still run.
    pub time_left: Duration,
}

impl From<&Context> for Invocation {
    fn from(context: &Context) -> Self {
        let time_left = context.deadline().duration_since(SystemTime::now());
        Self {
            request_id: context.request_id.clone(),
            time_left: time_left.unwrap_or(Duration::ZERO),
        }
    }
}

/// Answers invocations until Lambda ends the process.
///
/// One thread is enough: an execution environment answers one invocation at a
/// time, and starting threads would be a third of the cold start.
///
/// Whatever goes wrong is answered under a stable name: an input that cannot be
/// read is `EventRefused`, a panic is `Panicked`.
pub fn run<I, O, H>(handler: H) -> Result<(), RuntimeError>
where
    I: DeserializeOwned,
    O: Serialize,
    H: AsyncFn(I) -> Result<O, Failure>,
{
    let handler = &handler;
    run_invocations(async |input, _| handler(input).await)
}

/// The same for a handler that must know how long it may run, or whether this is
/// an event that Lambda tries again.
pub fn run_invocations<I, O, H>(handler: H) -> Result<(), RuntimeError>
where
    I: DeserializeOwned,
    O: Serialize,
    H: AsyncFn(I, Invocation) -> Result<O, Failure>,
{
    let handler = &handler;
    serve(async |input: serde_json::Value, invocation| {
        handler(serde_json::from_value(input)?, invocation).await
    })
}

/// The same for a handler that reads and writes JSON itself: megabytes of it, without a tree in
/// between.
#[expect(clippy::needless_pass_by_value, reason = "as the other two take it")]
pub fn run_raw<H>(handler: H) -> Result<(), RuntimeError>
where
    H: AsyncFn(&str, Invocation) -> Result<Box<RawValue>, Failure>,
{
    let handler = &handler;
    serve(async |input: Box<RawValue>, invocation| handler(input.get(), invocation).await)
}

fn serve<I, O, H>(handler: H) -> Result<(), RuntimeError>
where
    I: DeserializeOwned,
    O: Serialize,
    H: AsyncFn(I, Invocation) -> Result<O, Failure>,
{
    logs::init();
    let handler = &handler;
    let answer_invocation = service_fn(async |event: LambdaEvent<I>| {
        let span = info_span!(
            "invocation",
            requestId = event.context.request_id,
            gateway = tracing::field::Empty,
            execution = tracing::field::Empty,
            recording = tracing::field::Empty,
        );
        answer(handler, event).instrument(span).await
    });
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(lambda_runtime::run(answer_invocation))
}

async fn answer<I, O, H>(handler: &H, event: LambdaEvent<I>) -> Result<O, Failure>
where
    H: AsyncFn(I, Invocation) -> Result<O, Failure>,
{
    let invocation = Invocation::from(&event.context);
    let answer = guard::catching(handler(event.payload, invocation)).await;
    if let Err(failure) = &answer {
        error!(error = failure.name(), "{failure}");
    }
    answer
}
