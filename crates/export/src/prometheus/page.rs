//! The page that Prometheus scrapes.
//!
//! Sources: [text format 0.0.4] and [OpenMetrics 1.0.0]. They differ in the names of counters'
//! families (with `_total` or without), in what is escaped in help, and in the last line.
//!
//! [text format 0.0.4]: https://prometheus.io/docs/instrumenting/exposition_formats/
//! [OpenMetrics 1.0.0]: https://prometheus.io/docs/specs/om/open_metrics_spec/

use std::fmt::{Display, Write as _};

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageFormat {
    /// Prometheus's own text format, version 0.0.4.
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl PageFormat {
    /// What stands in the header `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that a header `Accept` prefers ([RFC 9110, 12.5.1]). Who accepts anything, or
    /// nothing that there is, gets the text format, which people can read, too.
    ///
    /// [RFC 9110, 12.5.1]: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
    #[must_use]
    pub fn accepted(accept: &str) -> Self {
        let quality = |format: Self| {
            let ranges = accept.split(',').filter_map(Range::parse);
            let fitting = ranges.filter(|range| range.is_met_by(format));
            // The most specific range counts, whatever the others say.
            let best = fitting.max_by_key(|range| (range.precision, range.thousandths));
            best.map_or(0, |range| range.thousandths)
        };
        if quality(Self::OpenMetrics) > quality(Self::Text) {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    const fn media_type(self) -> [&'static str; 2] {
        match self {
            Self::Text => ["text", "plain"],
            Self::OpenMetrics => ["application", "openmetrics-text"],
        }
    }

    const fn version(self) -> &'static str {
        match self {
            Self::Text => "0.0.4",
            Self::OpenMetrics => "1.0.0",
        }
    }
}

/// A part of a header `Accept`.
struct Range<'a> {
    media_type: [&'a str; 2],
    version: Option<&'a str>,
    /// How much of the type it names.
    precision: usize,
    /// How welcome it is: 1000 times `q`.
    thousandths: u32,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (group, name) = parts.next()?.split_once('/')?;
        let (mut version, mut thousandths) = (None, 1000);
        for parameter in parts {
            match parameter.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                Some(("version", value)) => version = Some(value.trim_matches('"')),
                Some(("q", value)) => thousandths = in_thousandths(value)?,
                _ => {}
            }
        }
        let named = [group != "*", name != "*", version.is_some()];
        let precision = named.iter().filter(|named| **named).count();
        Some(Self { media_type: [group, name], version, precision, thousandths })
    }

    fn is_met_by(&self, format: PageFormat) -> bool {
        let is_met =
            |wanted: &str, offered: &str| wanted == "*" || wanted.eq_ignore_ascii_case(offered);
        self.media_type.iter().zip(format.media_type()).all(|(a, b)| is_met(a, b))
            && self.version.is_none_or(|version| version == format.version())
    }
}

/// `q`, which has three decimals at most.
fn in_thousandths(text: &str) -> Option<u32> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) || decimals.len() > 3 {
        return None;
    }
    let number: u32 = format!("{whole}{decimals:0<3}").parse().ok()?;
    (number <= 1000).then_some(number)
}

/// A page: families, one after the other, each with its samples.
#[derive(Clone, Debug)]
pub struct Page {
    format: PageFormat,
    text: String,
    /// What the samples of the family are called.
    sample_name: String,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub const fn new(format: PageFormat) -> Self {
        Self { format, text: String::new(), sample_name: String::new() }
    }

    /// Begins a family of counters. `name` has no `_total`: the page adds it.
    pub fn counter(&mut self, name: &str, help: &str) {
        self.sample_name = format!("{name}_total");
        match self.format {
            PageFormat::Text => self.family(&format!("{name}_total"), "counter", help),
            PageFormat::OpenMetrics => self.family(name, "counter", help),
        }
    }

    /// Begins a family of gauges.
    pub fn gauge(&mut self, name: &str, help: &str) {
        name.clone_into(&mut self.sample_name);
        self.family(name, "gauge", help);
    }

    /// A sample of the family that was begun last. A number that is no integer must be finite.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(&self.sample_name);
        for (place, (name, value)) in labels.iter().enumerate() {
            self.text.push(if place == 0 { '{' } else { ',' });
            self.text.push_str(name);
            self.text.push_str("=\"");
            escape(value, true, &mut self.text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        // Writing to a text does not fail.
        let _ = writeln!(self.text, " {value}");
    }

    /// The whole text.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.format == PageFormat::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.text, "# HELP {name} ");
        escape(help, self.format == PageFormat::OpenMetrics, &mut self.text);
        let _ = writeln!(self.text, "\n# TYPE {name} {kind}");
    }
}

fn escape(text: &str, has_quotes: bool, target: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => target.push_str("\\\\"),
            '\n' => target.push_str("\\n"),
            '"' if has_quotes => target.push_str("\\\""),
            other => target.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(format: PageFormat) -> String {
        let mut page = Page::new(format);
        page.counter("flowlog_events", "Events: \"all\" of\nthem.");
        page.sample(&[], 7);
        page.gauge("flowlog_shard_lag_seconds", "Lag.");
        page.sample(&[("shard", "a\"b\\c\nd"), ("stream", "s")], 0.5);
        page.finish()
    }

    #[test]
    fn the_text_format_names_counters_as_their_samples() {
        let expected = r#"# HELP flowlog_events_total Events: "all" of\nthem.
# TYPE flowlog_events_total counter
flowlog_events_total 7
# HELP flowlog_shard_lag_seconds Lag.
# TYPE flowlog_shard_lag_seconds gauge
flowlog_shard_lag_seconds{shard="a\"b\\c\nd",stream="s"} 0.5
"#;
        assert_eq!(page(PageFormat::Text), expected);
    }

    #[test]
    fn openmetrics_names_families_and_says_where_it_ends() {
        let expected = r#"# HELP flowlog_events Events: \"all\" of\nthem.
# TYPE flowlog_events counter
flowlog_events_total 7
# HELP flowlog_shard_lag_seconds Lag.
# TYPE flowlog_shard_lag_seconds gauge
flowlog_shard_lag_seconds{shard="a\"b\\c\nd",stream="s"} 0.5
# EOF
"#;
        assert_eq!(page(PageFormat::OpenMetrics), expected);
    }

    #[test]
    fn scrapers_get_what_they_prefer() {
        use PageFormat::{OpenMetrics, Text};
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,\
                            application/openmetrics-text;version=0.0.1;q=0.75,\
                            text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                            application/openmetrics-text;version=0.0.1;q=0.5,\
                            text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let cases = [
            (prometheus_2, OpenMetrics),
            (prometheus_3, OpenMetrics),
            ("", Text),
            ("*/*", Text),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Text),
            ("application/json", Text),
            ("application/openmetrics-text", OpenMetrics),
            ("Application/OpenMetrics-Text; version=\"1.0.0\"", OpenMetrics),
            ("application/openmetrics-text; version=2.0.0", Text),
            ("application/openmetrics-text;q=0.3, text/plain;q=0.4", Text),
            ("application/openmetrics-text;q=0, */*", Text),
            ("application/*, text/plain;q=0.9", OpenMetrics),
            ("application/openmetrics-text;q=nonsense", Text),
            ("text/plain;version=0.0.4;q=0.2, application/openmetrics-text;q=0.25", OpenMetrics),
        ];
        for (accept, expected) in cases {
            assert_eq!(PageFormat::accepted(accept), expected, "{accept}");
        }
    }
}
