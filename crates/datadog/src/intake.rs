//! Sending requests.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::{Duration, Instant};

use crate::Request;

/// Where requests go.
pub trait Intake {
    /// Posts a body that is packed with deflate. An error says why there was no answer within
    /// `time`.
    fn post(
        &self,
        request: &Request,
        time: Duration,
    ) -> impl Future<Output = Result<Answer, String>>;
}

/// What the intake answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// After how many seconds the intake wants to be asked again, if it says so.
    pub retry_after: Option<u64>,
    /// The begin of the body.
    pub body: String,
}

/// How requests are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// When to give up: an attempt must have ended by then.
    pub deadline: Instant,
    /// How long an attempt may take.
    pub attempt: Duration,
    /// The pause after the first attempt, on average; the next is twice as long, and so on.
    pub pause: Duration,
}

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why points did not get into the intake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IntakeError {
    /// The intake does not know the API key.
    #[error(
        "Datadog refused the API key with HTTP status {status}; check the key, and DD_SITE: a key \
         is of one site"
    )]
    KeyRefused {
        /// The HTTP status.
        status: u16,
    },
    /// The intake would refuse the request again.
    #[error("Datadog refused {path} with HTTP status {status}: {said}")]
    Refused {
        /// The request's path.
        path: &'static str,
        /// The HTTP status.
        status: u16,
        /// What the intake said.
        said: String,
    },
    /// No attempt succeeded in the time that there was.
    #[error("Datadog did not take {path} in {attempts} attempts, at last: {last}")]
    Unavailable {
        /// The request's path.
        path: &'static str,
        /// How often it was tried.
        attempts: u32,
        /// What came of the last attempt.
        last: String,
    },
}

/// Sends requests one after the other. The first that fails for good ends it.
pub async fn deliver(
    intake: &impl Intake,
    requests: &[Request],
    retries: Retries,
) -> Result<(), IntakeError> {
    for request in requests {
        deliver_one(intake, request, retries).await?;
    }
    Ok(())
}

async fn deliver_one(
    intake: &impl Intake,
    request: &Request,
    retries: Retries,
) -> Result<(), IntakeError> {
    let mut attempts = 0;
    let mut last = "no time was left".to_owned();
    let mut pause = Duration::ZERO;
    loop {
        let left = retries.deadline.saturating_duration_since(Instant::now());
        let Some(left) = left.checked_sub(pause).filter(|left| !left.is_zero()) else {
            return Err(IntakeError::Unavailable { path: request.path, attempts, last });
        };
        tokio::time::sleep(pause).await;
        attempts += 1;
        let mut asked = None;
        match intake.post(request, left.min(retries.attempt)).await.map(judge) {
            Ok(Verdict::Taken) => return Ok(()),
            Ok(Verdict::Refused(answer)) => return Err(refused(request, answer)),
            Ok(Verdict::Later(answer)) => {
                asked = answer.retry_after.map(Duration::from_secs);
                last = format!("HTTP status {}", answer.status);
            }
            Err(error) => last = error,
        }
        pause = pause_after(attempts, retries.pause).max(asked.unwrap_or_default());
    }
}

enum Verdict {
    Taken,
    Later(Answer),
    Refused(Answer),
}

/// Statuses: <https://docs.datadoghq.com/api/latest/metrics/#submit-metrics>
fn judge(answer: Answer) -> Verdict {
    match answer.status {
        200..=299 if has_no_errors(&answer.body) => Verdict::Taken,
        408 | 429 | 500..=599 => Verdict::Later(answer),
        _ => Verdict::Refused(answer),
    }
}

/// Whether an accepted request was accepted as a whole: `{"errors":[]}`.
fn has_no_errors(body: &str) -> bool {
    let answer = serde_json::from_str::<serde_json::Value>(body).unwrap_or_default();
    answer.get("errors").and_then(serde_json::Value::as_array).is_none_or(Vec::is_empty)
}

fn refused(request: &Request, answer: Answer) -> IntakeError {
    match answer.status {
        401 | 403 => IntakeError::KeyRefused { status: answer.status },
        status => IntakeError::Refused { path: request.path, status, said: answer.body },
    }
}

/// Twice as long each time, and between half and one and a half of that by chance, so that many
/// processes do not come back at once.
fn pause_after(attempts: u32, first: Duration) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    let chance = RandomState::new().build_hasher().finish() % 1000;
    let percent = 500 + u32::try_from(chance).unwrap_or_default();
    doubled.min(LONGEST_PAUSE).saturating_mul(percent) / 1000
}
