//! The saved queries for CloudWatch Logs Insights, generated from the recorded format.
//!
//! They keep to what AWS documents ([commands], [functions]) and to what a log group of the
//! class `INFREQUENT_ACCESS` answers. Logs Insights has no conditional: a value becomes a word
//! by `replace`, a sum of one direction by multiplying with `strcontains` (1 or 0), and a
//! column that depends on the direction by `parse` with the direction in the pattern and
//! `coalesce`.
//!
//! The time window is none of the query's business: `StartQuery` and the console take it beside
//! the text. `@timestamp` is a record's `start`.
//!
//! [commands]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
//! [functions]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::{Field, RecordedFormat};

pub mod athena;
mod connections;
mod records;
mod report;
mod words;

pub use report::{ReportQuery, bytes_over_time};

/// The column that says on which interface, or on which regional gateway, a record was seen.
/// Both recorded formats share one log group, so that one name must do for both.
pub const RECORDED_ON: &str = "recordedOn";

/// What stands in a saved query where the gateway's private addresses belong.
pub const ADDRESS_PLACEHOLDER: &str = "GATEWAY-ADDRESS";

/// What stands in a saved query where the address of a client belongs.
pub const CLIENT_PLACEHOLDER: &str = "CLIENT-ADDRESS";

/// The most rows that Logs Insights answers.
const MOST_ROWS: u32 = 10_000;

/// The most rows of a query about the most traffic.
const MOST_TALKERS: u32 = 100;

/// What a query looks at. The default is everything in the log group.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// The gateway's network interface (`eni-…`), or the ID of a regional gateway (`nat-…`);
    /// without it, the recordings of all gateways.
    pub recorded_on: Option<&'a str>,
    /// The gateway's private addresses, secondary ones included. Without them only a gateway
    /// with one private address is counted right.
    pub gateway_addresses: &'a [IpAddr],
}

/// A question about a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// Every record, readable.
    Decode,
    /// Which clients moved the most bytes.
    TopClients,
    /// Which peers the most bytes were exchanged with.
    TopPeers,
    /// Which clients moved the most bytes with which peers.
    TopPairs,
    /// Which AWS services were reached through the gateway, and so not through an endpoint.
    AwsServices,
    /// How many bytes passed in each minute.
    TrafficOverTime,
    /// Which ports and protocols the bytes were exchanged with.
    Ports,
    /// With whom one client exchanged bytes, and when.
    ClientConversations,
    /// What was kept out.
    RejectedTraffic,
}

impl Query {
    /// Every query.
    pub const ALL: [Self; 9] = [
        Self::Decode,
        Self::TopClients,
        Self::TopPeers,
        Self::TopPairs,
        Self::AwsServices,
        Self::TrafficOverTime,
        Self::Ports,
        Self::ClientConversations,
        Self::RejectedTraffic,
    ];

    /// The query's name: its file is `queries/<name>.query`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::TopClients => "top-clients",
            Self::TopPeers => "top-peers",
            Self::TopPairs => "top-pairs",
            Self::AwsServices => "aws-services",
            Self::TrafficOverTime => "traffic-over-time",
            Self::Ports => "ports",
            Self::ClientConversations => "client-conversations",
            Self::RejectedTraffic => "rejected-traffic",
        }
    }

    /// The name under which the stack saves the query, in a folder with the stack's name.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Decode => "Decoded records",
            Self::TopClients => "Top clients",
            Self::TopPeers => "Top peers",
            Self::TopPairs => "Top pairs",
            Self::AwsServices => "AWS services without an endpoint",
            Self::TrafficOverTime => "Traffic over time",
            Self::Ports => "Ports",
            Self::ClientConversations => "A client's conversations",
            Self::RejectedTraffic => "Rejected traffic",
        }
    }

    /// The query's text for a scope. It ends with a line feed.
    #[must_use]
    pub fn text(self, scope: &Scope<'_>) -> String {
        match self {
            Self::Decode => records::decode(scope),
            Self::RejectedTraffic => records::rejected_traffic(scope),
            Self::TopClients => connections::TOP_CLIENTS.text(scope),
            Self::TopPeers => connections::TOP_PEERS.text(scope),
            Self::TopPairs => connections::TOP_PAIRS.text(scope),
            Self::AwsServices => connections::AWS_SERVICES.text(scope),
            Self::TrafficOverTime => connections::TRAFFIC_OVER_TIME.text(scope),
            Self::Ports => connections::PORTS.text(scope),
            Self::ClientConversations => connections::CLIENT_CONVERSATIONS.text(scope),
        }
    }

    /// The query's text as it is installed: for every gateway, with placeholders.
    #[must_use]
    pub fn saved_text(self) -> String {
        self.text(&Scope::default())
    }
}

/// The text of [`Query::ClientConversations`] about one client.
#[must_use]
pub fn conversations_of(client: IpAddr, scope: &Scope<'_>) -> String {
    let text = Query::ClientConversations.text(scope);
    text.replace(CLIENT_PLACEHOLDER, &client.to_string())
}

/// Keeps the records of one gateway.
fn scope_filter(scope: &Scope<'_>) -> Option<String> {
    let recorded_on = scope.recorded_on?;
    // An ID needs no quoting; whatever is not part of one could only end the string early.
    let id: String =
        recorded_on.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Some(format!("| filter {RECORDED_ON} = \"{id}\""))
}

/// Splits a record into its fields: one star for each.
fn parse_message() -> String {
    let names: Vec<_> = RecordedFormat::Zonal
        .fields()
        .map(|field| match field {
            Field::InterfaceId => RECORDED_ON,
            field => field.insights_name(),
        })
        .collect();
    let stars = vec!["*"; names.len()].join(" ");
    format!("parse @message \"{stars}\"\n    as {}", wrap(&names))
}

/// Names separated by commas, in lines of moderate length.
fn wrap(names: &[&str]) -> String {
    const NAMES_PER_LINE: usize = 10;
    let lines = names.chunks(NAMES_PER_LINE).map(|names| names.join(", "));
    lines.collect::<Vec<_>>().join(",\n    ")
}

fn text_of(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What the queries may use: documented, and answered by the class `INFREQUENT_ACCESS`
    /// (which refuses pattern, diff, unmask and filterIndex).
    const COMMANDS: [&str; 7] = ["parse", "filter", "fields", "display", "stats", "sort", "limit"];
    const FUNCTIONS: [&str; 17] = [
        "concat",
        "replace",
        "trim",
        "substr",
        "strcontains",
        "coalesce",
        "floor",
        "log",
        "greatest",
        "sum",
        "count",
        "count_distinct",
        "min",
        "max",
        "bin",
        "ispresent",
        "in",
    ];

    fn without_comments(text: &str) -> String {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The query without comments and with every quoted text emptied.
    fn skeleton(text: &str) -> String {
        let parts = without_comments(text);
        let outside = parts.split('"').step_by(2);
        outside.collect::<Vec<_>>().join("\"\"")
    }

    #[test]
    fn every_recorded_field_has_one_star_and_one_name() {
        for query in Query::ALL {
            let text = without_comments(&query.saved_text());
            let stars = text.split('"').nth(1).unwrap();
            assert_eq!(stars.split(' ').count(), RecordedFormat::Zonal.fields().count());
            let names = text.split(" as ").nth(1).unwrap().split('|').next().unwrap();
            assert_eq!(names.split(',').count(), RecordedFormat::Zonal.fields().count());
        }
    }

    #[test]
    fn queries_use_documented_commands_and_functions_only() {
        let saved = Query::ALL.map(Query::saved_text);
        let reported = ReportQuery::ALL.map(|query| query.text(&Scope::default()));
        let over_time = bytes_over_time(&["10.0.1.5".parse().unwrap()], 2, &Scope::default());
        for text in saved.iter().chain(&reported).chain([&over_time]) {
            let skeleton = skeleton(text);
            for command in skeleton.split('|') {
                let name = command.split_whitespace().next().unwrap();
                assert!(COMMANDS.contains(&name), "{name} in {text}");
            }
            let mut before_parentheses = skeleton.split('(').collect::<Vec<_>>();
            before_parentheses.pop();
            let names: BTreeSet<_> = before_parentheses
                .iter()
                .filter_map(|text| {
                    text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()
                })
                .filter(|name| !name.is_empty())
                .collect();
            assert!(names.iter().all(|name| FUNCTIONS.contains(name)), "{names:?}");
            assert_eq!(skeleton.matches('(').count(), skeleton.matches(')').count());
        }
    }

    #[test]
    fn a_saved_query_fits_a_query_definition() {
        // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutQueryDefinition.html
        assert!(Query::ALL.iter().all(|query| query.saved_text().len() <= 10_000));
        assert!(Query::ALL.iter().all(|query| query.saved_text().is_ascii()));
    }

    #[test]
    fn a_scope_names_the_gateway_and_its_addresses() {
        let addresses = ["10.0.0.220".parse().unwrap(), "10.0.0.221".parse().unwrap()];
        let scope =
            Scope { recorded_on: Some("eni-0a1b2c3d4e5f60718"), gateway_addresses: &addresses };
        let text = Query::TopPairs.text(&scope);
        assert!(text.contains("\n| filter recordedOn = \"eni-0a1b2c3d4e5f60718\"\n"));
        assert_eq!(text.matches("not in [\"10.0.0.220\", \"10.0.0.221\"]").count(), 2);
        assert!(!text.contains(ADDRESS_PLACEHOLDER));
        assert!(Query::Decode.text(&scope).contains("recordedOn = \"eni-0a1b2c3d4e5f60718\""));
    }

    #[test]
    fn a_regional_gateway_is_told_by_its_addresses_alone() {
        let addresses = ["10.0.0.220".parse().unwrap()];
        let scope = Scope { recorded_on: Some("nat-0a1b"), gateway_addresses: &addresses };
        let text = Query::TopPeers.text(&scope);
        assert!(!text.contains("!="));
        assert!(text.contains("pktSrcAddr not in [\"10.0.0.220\"]"));
        assert!(Query::TopPeers.saved_text().contains("srcAddr != pktSrcAddr"));
    }

    #[test]
    fn an_id_cannot_end_its_string() {
        let scope = Scope { recorded_on: Some("eni-1\" or 1 = \"1"), ..Scope::default() };
        assert!(Query::Decode.text(&scope).contains("recordedOn = \"eni-1or11\""));
    }

    #[test]
    fn a_clients_conversations_are_about_one_client() {
        let saved = Query::ClientConversations.saved_text();
        assert_eq!(without_comments(&saved).matches(CLIENT_PLACEHOLDER).count(), 1);
        let text = conversations_of("10.0.1.5".parse().unwrap(), &Scope::default());
        assert!(text.contains("| filter client = \"10.0.1.5\"\n"));
        assert!(!text.contains(CLIENT_PLACEHOLDER));
    }
}
