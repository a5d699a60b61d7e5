//! What `/metrics` shows.

use export::prometheus::{Page, PageFormat};
use jiff::Timestamp;

use super::Exporter;

/// The page. Counters of records are those of the last checkpoint, where there is one.
pub(super) fn page(exporter: &Exporter, format: PageFormat) -> String {
    let totals = {
        let state = exporter.state();
        if exporter.has_checkpoint { state.checkpointed.clone() } else { state.totals.clone() }
    };
    let mut page = Page::new(format);
    totals.write(&mut page);
    write_health(exporter, &mut page);
    page.gauge("flowlog_subnets", "Subnets that are known.");
    page.sample(&[], exporter.networks.known().labels().len());
    page.gauge("flowlog_build_info", "Always 1, with the version of natflow.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.finish()
}

fn write_health(exporter: &Exporter, page: &mut Page) {
    let seen = exporter.health.seen();
    page.gauge(
        "flowlog_shard_lag_seconds",
        "How long ago the last record arrived in the stream that was read of a shard.",
    );
    for (shard, lag) in &seen.shard_lags {
        page.sample(&[("shard", shard)], lag);
    }
    page.gauge("flowlog_file_lag_bytes", "Bytes of a file that were not read yet.");
    for (file, lag) in &seen.file_lags {
        page.sample(&[("file", file)], lag);
    }
    page.counter(
        "flowlog_failed_calls",
        "Calls of AWS that failed since the start, throttled ones included.",
    );
    for ((call, code), count) in &seen.failed_calls {
        page.sample(&[("call", call), ("code", code)], count);
    }
    let times = [
        (
            "flowlog_checkpoint_timestamp_seconds",
            "When the checkpoint was written last.",
            seen.checkpointed,
        ),
        (
            "flowlog_subnets_timestamp_seconds",
            "When subnets were looked up last.",
            seen.subnets_found,
        ),
    ];
    for (name, help, time) in times {
        page.gauge(name, help);
        if let Some(time) = time {
            page.sample(&[], seconds(time));
        }
    }
}

/// Unix seconds, with milliseconds.
fn seconds(time: Timestamp) -> String {
    let milliseconds = time.as_millisecond();
    format!("{}.{:03}", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
}
