//! Times as AWS writes them.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

/// RFC 3339 in UTC with milliseconds: `2026-01-02T03:04:05.678Z`.
pub(crate) fn rfc3339_millis(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    PRINTER.timestamp_to_string(&at)
}

/// RFC 3339 in UTC with seconds, as an EventBridge event's `time`: `2026-01-02T03:04:05Z`.
pub(crate) fn rfc3339_seconds(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    PRINTER.timestamp_to_string(&at)
}

/// As CloudWatch writes times in alarm events: `2026-01-02T03:04:05.678+0000`.
pub(crate) fn alarm_timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times_as_aws_does() {
        let at: Timestamp = "2026-01-02T03:04:05.678912Z".parse().unwrap();
        assert_eq!(rfc3339_millis(at), "2026-01-02T03:04:05.678Z");
        assert_eq!(rfc3339_seconds(at), "2026-01-02T03:04:05Z");
        assert_eq!(alarm_timestamp(at), "2026-01-02T03:04:05.678+0000");
        let whole: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        assert_eq!(alarm_timestamp(whole), "2026-01-02T03:04:05.000+0000");
    }
}
