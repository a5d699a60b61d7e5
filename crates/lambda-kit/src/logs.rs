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

/// Names what every further log line of this invocation is about: the gateway,
/// and as far as they are known the execution and the recording.
pub fn about(gateway: &NatGatewayId, execution: Option<&str>, recording: Option<&Recording>) {
    let span = Span::current();
    span.record("gateway", gateway.as_str());
    if let Some(execution) = execution {
        span.record("execution", execution);
    }
    if let Some(recording) = recording {
        span.record("recording", recording.id());
    }
}
