//! What a query looks at.

use crate::value::Value;

/// The field that finds an event again.
pub(crate) const POINTER: &str = "@ptr";

/// A log event, on loan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// `@timestamp`, milliseconds since 1970-01-01T00:00:00Z. For a flow log, the record's start.
    pub timestamp: i64,
    /// `@message`: a record, as it was written.
    pub message: &'a str,
    /// `@logStream`; missing when empty.
    pub log_stream: &'a str,
    /// `@log`: account and log group; missing when empty.
    pub log: &'a str,
    /// `@ingestionTime`, milliseconds since 1970-01-01T00:00:00Z.
    pub ingestion_time: Option<i64>,
    /// `@ptr`: what `GetLogRecord` finds the event by; missing when empty.
    pub pointer: &'a str,
    /// Fields that Logs Insights discovers in the message by itself, such as `srcAddr` in AWS's
    /// default format. It discovers none in the recorded format.
    pub discovered: &'a [(&'a str, &'a str)],
}

impl<'a> Event<'a> {
    /// An event with nothing but its time, in milliseconds, and its message.
    #[must_use]
    pub const fn new(timestamp: i64, message: &'a str) -> Self {
        Self {
            timestamp,
            message,
            log_stream: "",
            log: "",
            ingestion_time: None,
            pointer: "",
            discovered: &[],
        }
    }

    /// The field with a name.
    pub(crate) fn value(&self, name: &str) -> Value<'a> {
        let filled = |text: &'a str| {
            if text.is_empty() { Value::Missing } else { Value::text(text) }
        };
        match name {
            "@timestamp" => Value::Time(self.timestamp),
            "@message" => Value::text(self.message),
            "@logStream" => filled(self.log_stream),
            "@log" => filled(self.log),
            POINTER => filled(self.pointer),
            "@ingestionTime" => self.ingestion_time.map_or(Value::Missing, Value::Time),
            _ => {
                let found = self.discovered.iter().find(|(field, _)| *field == name);
                found.map_or(Value::Missing, |(_, text)| Value::text(*text))
            }
        }
    }
}
