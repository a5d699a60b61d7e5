//! The report as a page for a browser: one file that needs no network and runs no script.
//!
//! It keeps to WCAG 2.2 AA: a language, one heading of the first rank, captions and scopes in
//! tables, a table behind the chart, patterns beside colours, contrast, and everything that
//! scrolls can be reached with the keyboard. Whatever a tag says is escaped.

mod chart;
mod html;

use std::fmt::Write as _;

use html::{Table, escaped, facts};

use crate::report::{List, Report};
use crate::text;
use crate::timeline::Timeline;
use crate::words::{about, clock, duration, moment, share, size};

const STYLE: &str = include_str!("page/style.css");

/// Nothing is loaded and nothing runs, whatever a name might try.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

impl Report {
    /// The report as a self-contained page.
    #[must_use]
    pub fn page(&self) -> String {
        let title = format!("Who used NAT gateway {}", self.gateway.words());
        let title = escaped(&title);
        let mut body =
            format!("<h1>{title}</h1>\n<p class=\"answer\">{}</p>\n", escaped(&self.answer()));
        body.push_str(&self.notes());
        body.push_str(&self.chart());
        body.push_str(&self.lists());
        body.push_str(&self.endpoints());
        let _ = write!(
            body,
            "<section aria-labelledby=\"recording\">\n<h2 id=\"recording\">The recording</h2>\n{}</section>\n",
            facts(&self.facts())
        );
        body.push_str(&self.minutes());
        body.push_str(&self.prices());
        body.push_str(&self.further());
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
             <body>\n<main>\n{body}</main>\n</body>\n</html>\n"
        )
    }

    /// Warnings and what is missing.
    fn notes(&self) -> String {
        let notes: String = self
            .warnings
            .iter()
            .map(|note| format!("<li>{}</li>\n", escaped(note)))
            .chain(self.missing.iter().map(|note| format!("<li>Missing: {}</li>\n", escaped(note))))
            .collect();
        if notes.is_empty() {
            return notes;
        }
        format!(
            "<section class=\"warnings\" aria-labelledby=\"warnings\">\n\
             <h2 id=\"warnings\">To be kept in mind</h2>\n<ul>\n{notes}</ul>\n</section>\n"
        )
    }

    fn chart(&self) -> String {
        let Some(timeline) = &self.timeline else { return String::new() };
        let names: Vec<_> =
            timeline.series.iter().map(|series| self.series_name(series.client)).collect();
        let title = "Bytes over time, by client";
        format!(
            "<section aria-labelledby=\"time\">\n<h2 id=\"time\">{title}</h2>\n<figure>\n{}{}\
             <figcaption>Upload and download together, in steps of {} (UTC).</figcaption>\n\
             </figure>\n<details>\n<summary>The numbers of the chart</summary>\n{}</details>\n\
             </section>\n",
            chart::svg(timeline, &names, title),
            chart::legend(&names),
            duration(jiff::SignedDuration::from_secs(timeline.step_seconds)),
            numbers(timeline, &names).html()
        )
    }

    fn series_name(&self, client: Option<std::net::IpAddr>) -> String {
        match client {
            Some(client) => match self.owner(client) {
                Some(owner) => format!("{client} {}", owner.words()),
                None => client.to_string(),
            },
            None => "all others".to_owned(),
        }
    }

    fn lists(&self) -> String {
        let tables = [
            list("Top clients", "Client", self.clients.as_ref(), text::client_words, "client"),
            list("Top peers", "Peer", self.peers.as_ref(), text::peer_words, "peer"),
            list("Top pairs", "Client and peer", self.pairs.as_ref(), text::pair_words, "pair"),
            list("Ports of the peers", "Port", self.ports.as_ref(), text::port_words, "port"),
            list("AWS services", "Service", self.services.as_ref(), text::service_words, "service"),
        ];
        let tables = tables.concat();
        if tables.is_empty() {
            return tables;
        }
        format!(
            "<section aria-labelledby=\"who\">\n<h2 id=\"who\">Who with whom</h2>\n{tables}</section>\n"
        )
    }

    fn endpoints(&self) -> String {
        let advice: Vec<_> =
            self.advice.iter().map(|advice| (advice.service.as_str(), advice.words())).collect();
        if advice.is_empty() {
            return String::new();
        }
        format!(
            "<section aria-labelledby=\"endpoints\">\n\
             <h2 id=\"endpoints\">What an endpoint would carry</h2>\n{}</section>\n",
            facts(&advice)
        )
    }

    fn facts(&self) -> Vec<(&str, String)> {
        let recording = &self.recording;
        let recorded = recording.from.zip(recording.to).map(|(from, to)| {
            let length = duration(to.duration_since(from));
            format!("{} to {}: {length}", moment(from), moment(to))
        });
        let known = [
            ("Gateway", Some(self.gateway.words())),
            ("VPC", self.gateway.vpc_id.clone()),
            ("Why it started", recording.why_started.clone()),
            ("Why it stopped", recording.why_stopped.clone()),
            ("Recorded", recorded),
            ("Records", recording.place.clone()),
            ("Stack", recording.stack.clone()),
            ("Quota", recording.quota.clone()),
            ("Traffic", self.recorded.as_ref().map(text::totals_words)),
            ("CloudWatch", self.metered_words()),
            ("Peak", self.peak.as_ref().map(text::peak_words)),
            ("The spike cost", self.spike_words()),
            ("The recording cost", self.costs.recording_dollars.map(about)),
        ];
        let known = known.into_iter().filter_map(|(term, fact)| Some((term, fact?)));
        let flow_logs = recording.flow_logs.iter().map(|log| ("Flow log", log.clone()));
        known.chain(flow_logs).collect()
    }

    fn minutes(&self) -> String {
        let Some(metered) = &self.metered else { return String::new() };
        let rows = metered.minutes.iter().map(|minute| {
            vec![
                clock(minute.at),
                size(minute.upload_bytes),
                size(minute.download_bytes),
                size(minute.total_bytes()),
            ]
        });
        let table = Table {
            caption: "Each minute as CloudWatch metered it",
            columns: &["Minute (UTC)", "Up", "Down", "Together"],
            rows: rows.collect(),
        };
        format!(
            "<section aria-labelledby=\"minutes\">\n<h2 id=\"minutes\">Minute by minute</h2>\n\
             <details>\n<summary>What CloudWatch metered</summary>\n{}</details>\n</section>\n",
            table.html()
        )
    }

    fn prices(&self) -> String {
        let rows = self.costs.prices.iter().map(|price| {
            vec![
                price.what.to_string(),
                format!("${} per {}", price.dollars, price.unit),
                price.region.to_string(),
                price.noted_on.to_string(),
                price.source.to_string(),
            ]
        });
        let table = Table {
            caption: "The prices that this report counts with",
            columns: &["What", "Price", "Region", "Noted on", "AWS's page"],
            rows: rows.collect(),
        };
        format!(
            "<section aria-labelledby=\"prices\">\n<h2 id=\"prices\">Prices</h2>\n<p>{}</p>\n\
             <details>\n<summary>All prices</summary>\n{}</details>\n</section>\n",
            escaped(&self.costs.note),
            table.html()
        )
    }

    fn further(&self) -> String {
        if self.links.is_empty() {
            return String::new();
        }
        let items = self.links.iter().fold(String::new(), |mut items, link| {
            let (label, text) = (escaped(&link.label), escaped(&link.text));
            let _ = if link.text.starts_with("https://") {
                writeln!(items, "<li><a href=\"{text}\" rel=\"noreferrer\">{label}</a></li>")
            } else {
                writeln!(items, "<li>{label}:<pre>{text}</pre></li>")
            };
            items
        });
        format!(
            "<section aria-labelledby=\"further\">\n<h2 id=\"further\">Look further</h2>\n\
             <ul>\n{items}</ul>\n</section>\n"
        )
    }
}

fn list<T>(
    caption: &str,
    column: &str,
    list: Option<&List<T>>,
    words_of: impl Fn(&T) -> String,
    one: &str,
) -> String {
    let Some(list) = list.filter(|list| !list.rows.is_empty()) else { return String::new() };
    let all = list.total_bytes();
    let cells = |name: String, bytes: crate::traffic::Bytes| {
        vec![
            name,
            size(bytes.total()),
            share(bytes.total(), all),
            size(bytes.upload_bytes),
            size(bytes.download_bytes),
        ]
    };
    let mut rows: Vec<_> =
        list.rows.iter().map(|row| cells(words_of(&row.what), row.bytes)).collect();
    rows.extend(list.others.map(|others| cells(text::others_words(&others, one), others.bytes)));
    Table { caption, columns: &[column, "Bytes", "Share", "Up", "Down"], rows }.html()
}

fn numbers<'a>(timeline: &Timeline, names: &'a [String]) -> Numbers<'a> {
    let rows = (0..timeline.steps()).map(|step| {
        let bytes = timeline.series.iter().map(|series| series.bytes.get(step).copied());
        let cells = bytes.map(|bytes| size(bytes.unwrap_or(0)));
        std::iter::once(clock(timeline.at(step))).chain(cells).collect()
    });
    let columns = std::iter::once("From (UTC)").chain(names.iter().map(String::as_str));
    Numbers { columns: columns.collect(), rows: rows.collect() }
}

/// The table behind the chart.
struct Numbers<'a> {
    columns: Vec<&'a str>,
    rows: Vec<Vec<String>>,
}

impl Numbers<'_> {
    fn html(self) -> String {
        let caption = "Bytes over time, by client, in numbers";
        Table { caption, columns: &self.columns, rows: self.rows }.html()
    }
}
