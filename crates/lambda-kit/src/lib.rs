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

mod failure;
mod logs;
pub mod settings;

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use tracing::{Instrument as _, error, info_span};

pub use failure::Failure;
pub use logs::{Subject, about, about_recording};

/// Why the loop itself ended: Lambda's runtime API could not be reached.
pub type RuntimeError = lambda_runtime::Error;

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
    logs::init();
    let handler = &handler;
    let answer_invocation = service_fn(async |event: LambdaEvent<serde_json::Value>| {
        let span = info_span!(
            "invocation",
            requestId = event.context.request_id,
            gateway = tracing::field::Empty,
            execution = tracing::field::Empty,
            recording = tracing::field::Empty,
        );
        answer(handler, event.payload).instrument(span).await
    });
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(lambda_runtime::run(answer_invocation))
}

async fn answer<I, O, H>(handler: &H, payload: serde_json::Value) -> Result<O, Failure>
where
    I: DeserializeOwned,
    O: Serialize,
    H: AsyncFn(I) -> Result<O, Failure>,
{
    let answering = async { handler(serde_json::from_value(payload)?).await };
    let answer = AssertUnwindSafe(answering).catch_unwind().await;
    let answer = answer.unwrap_or_else(|panic| Err(Failure::panicked(panic.as_ref())));
    if let Err(failure) = &answer {
        error!(error = failure.name(), "{failure}");
    }
    answer
}
