use recording::{NatGatewayId, state::Recording};
use tracing::Span;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// One JSON object per line on standard output, which Lambda sends to the
/// function's log group. `RUST_LOG` chooses the level; default `info`.
pub(crate) fn init() {
    let lines = fmt::layer().json().flatten_event(true).with_current_span(true);
    tracing_subscriber::registry()
        .with(filter(std::env::var("RUST_LOG").ok().as_deref()))
        .with(lines.with_span_list(false))
        .init();
}

/// Levels and targets, as in `info,hyper=debug`. Filtering by the fields of spans
/// too, as `EnvFilter` can, would bring regular expressions: a fifth of a
/// function's size.
fn filter(setting: Option<&str>) -> Targets {
    setting
        .filter(|setting| !setting.is_empty())
        .and_then(|setting| setting.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
        // The runtime says again what this crate has logged, but not what it is about.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
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

/// The same for an execution; of some, nobody can tell the gateway.
pub fn about_execution(gateway: Option<&NatGatewayId>, execution: &str) {
    let span = Span::current();
    span.record("gateway", gateway.map_or("none", NatGatewayId::as_str));
    span.record("execution", execution);
    span.record("recording", "none");
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::filter;

    #[test]
    fn rust_log_chooses_the_level_of_each_target() {
        let filter = filter(Some("warn,recording=debug"));
        assert!(filter.would_enable("recording::start", &Level::DEBUG));
        assert!(filter.would_enable("hyper", &Level::WARN));
        assert!(!filter.would_enable("hyper", &Level::INFO));
    }

    #[test]
    fn without_a_setting_that_can_be_read_it_is_info() {
        for setting in [None, Some(""), Some("check-quota=everything")] {
            let filter = filter(setting);
            assert!(filter.would_enable("check_quota", &Level::INFO), "{setting:?}");
            assert!(!filter.would_enable("check_quota", &Level::DEBUG), "{setting:?}");
        }
    }
}
