use recording::{NatGatewayId, state::Recording};
use tracing::Span;
use tracing_subscriber::EnvFilter;

/// One JSON object per line on standard output, which Lambda sends to the
/// function's log group. `RUST_LOG` chooses the level; default `info`.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .init();
}

/// What the log lines of an invocation are about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The gateway.
    pub gateway: &'a NatGatewayId,
    /// The execution's ARN, when there is one.
    pub execution: Option<&'a str>,
    /// [`Recording::id`](recording::state::Recording::id), when one is reserved.
    pub recording: Option<&'a str>,
}

/// Names what every further log line of this invocation is about.
pub fn about(subject: Subject<'_>) {
    let span = Span::current();
    span.record("gateway", subject.gateway.as_str());
    span.record("execution", subject.execution.unwrap_or("none"));
    span.record("recording", subject.recording.unwrap_or("none"));
}

/// The same for a recording that is reserved.
pub fn about_recording(recording: &Recording) {
    about(Subject {
        gateway: &recording.nat_gateway_id,
        execution: Some(&recording.execution),
        recording: Some(&recording.id()),
    });
}
