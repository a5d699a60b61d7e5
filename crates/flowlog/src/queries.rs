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

use crate::{Action, protocol_keyword};
use crate::{Field, FlowDirection, LogStatus, RecordedFormat, TcpFlags, TrafficPath};

/// The column that says on which interface, or on which regional gateway, a record was seen.
/// Both recorded formats share one log group, so that one name must do for both.
pub const RECORDED_ON: &str = "recordedOn";

/// What stands in a saved query where the gateway's private addresses belong.
pub const ADDRESS_PLACEHOLDER: &str = "GATEWAY-ADDRESS";

/// The most rows that Logs Insights answers.
const MOST_ROWS: u32 = 10_000;

/// The most talkers that a query lists.
const MOST_TALKERS: u32 = 100;

/// The protocols that a query names; others stay numbers, so that the text stays readable. A
/// NAT gateway passes on ICMP, TCP and UDP.
const NAMED_PROTOCOLS: [u8; 8] = [1, 6, 17, 47, 50, 51, 58, 132];

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
}

impl Query {
    /// Every query.
    pub const ALL: [Self; 4] = [Self::Decode, Self::TopClients, Self::TopPeers, Self::TopPairs];

    /// The query's name: its file is `queries/<name>.query`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::TopClients => "top-clients",
            Self::TopPeers => "top-peers",
            Self::TopPairs => "top-pairs",
        }
    }

    /// The query's text for a scope. It ends with a line feed.
    #[must_use]
    pub fn text(self, scope: &Scope<'_>) -> String {
        match self {
            Self::Decode => decode(scope),
            Self::TopClients => top(&TOP_CLIENTS, scope),
            Self::TopPeers => top(&TOP_PEERS, scope),
            Self::TopPairs => top(&TOP_PAIRS, scope),
        }
    }

    /// The query's text as it is installed: for every gateway, with a placeholder.
    #[must_use]
    pub fn saved_text(self) -> String {
        self.text(&Scope::default())
    }
}

const DECODE_COMMENT: &str = "\
# Which traffic was recorded? Every record, readable, newest first. Records without traffic
# (NODATA) are left out; a SKIPDATA record stands for flows that were lost.";

fn decode(scope: &Scope<'_>) -> String {
    let mut lines = vec![DECODE_COMMENT.to_owned(), parse_message()];
    lines.push(format!("| filter logStatus != \"{}\"", LogStatus::NoData));
    lines.extend(scope_filter(scope));
    // Powers of 1,000, as prices and alarm thresholds count. The small summand keeps the
    // logarithm of an exact power from falling just short of a whole number.
    lines
        .push("| fields floor(log(greatest(bytes, 1)) / log(1000) + 0.000001) as thousands".into());
    lines.push(format!("| fields {} as size", size()));
    lines.push(format!("| fields {} as way", words_of(Field::FlowDirection, &directions())));
    lines.push(format!("| fields {} as path", words_of(Field::TrafficPath, &traffic_paths())));
    lines.push(format!("| fields {} as transport", words_of(Field::Protocol, &protocols())));
    lines.push(format!("| fields {} as flags", words_of(Field::TcpFlags, &tcp_flags())));
    lines.push(format!("| display {}", decoded_columns().join(", ")));
    lines.push("| sort @timestamp desc".into());
    lines.push(format!("| limit {MOST_ROWS}"));
    text_of(&lines)
}

/// `1.5 MB` from bytes and how many times they hold a factor of 1,000.
fn size() -> String {
    let number = "floor(bytes / (1000 ^ thousands) * 10) / 10";
    let unit = "trim(substr(\"B kBMBGBTBPB\", thousands * 2, 2))";
    format!("concat({number}, \" \", {unit})")
}

fn directions() -> Vec<(String, &'static str)> {
    vec![
        (FlowDirection::Ingress.to_string(), "into the gateway"),
        (FlowDirection::Egress.to_string(), "out of the gateway"),
    ]
}

fn traffic_paths() -> Vec<(String, &'static str)> {
    TrafficPath::ALL.iter().map(|path| (path.number().to_string(), path.words())).collect()
}

fn protocols() -> Vec<(String, &'static str)> {
    let named = NAMED_PROTOCOLS.into_iter();
    named.filter_map(|number| Some((number.to_string(), protocol_keyword(number)?))).collect()
}

fn tcp_flags() -> Vec<(String, &'static str)> {
    TcpFlags::DOCUMENTED.iter().map(|flags| (flags.0.to_string(), flags.words())).collect()
}

/// An expression that turns the values of a field into words and leaves others as they are.
///
/// Slashes on both sides keep `replace` from finding one number inside another; no word has a
/// slash.
fn words_of(field: Field, words: &[(String, &str)]) -> String {
    let delimited = format!("concat(\"/\", {}, \"/\")", field.insights_name());
    let replaced = words.iter().fold(delimited, |inner, (value, word)| {
        format!("replace({inner}, \"/{value}/\", \"{word}\")")
    });
    format!("trim({replaced}, \"/\")")
}

/// The columns of the decoded record: those of the recorded format in its order, coded values
/// as words.
fn decoded_columns() -> Vec<&'static str> {
    let columns = RecordedFormat::Zonal.fields().flat_map(|field| match field {
        Field::FlowDirection => vec!["way"],
        Field::TrafficPath => vec!["path"],
        Field::Protocol => vec!["transport"],
        Field::TcpFlags => vec!["flags"],
        Field::Bytes => vec!["size", "bytes"],
        // It is @timestamp, which Logs Insights shows as a time.
        Field::Start => vec![],
        Field::InterfaceId => vec![RECORDED_ON],
        field => vec![field.insights_name()],
    });
    ["@timestamp"].into_iter().chain(columns).collect()
}

/// What a query about talkers groups by.
struct Talkers {
    question: &'static str,
    columns: &'static str,
}

const TOP_CLIENTS: Talkers =
    Talkers { question: "Which clients moved the most bytes?", columns: "client" };
const TOP_PEERS: Talkers =
    Talkers { question: "With which peers were the most bytes exchanged?", columns: "peer" };
const TOP_PAIRS: Talkers = Talkers {
    question: "Which clients moved the most bytes with which peers?",
    columns: "client, peer",
};

const TOP_COMMENT: &str = "\
# Each connection is recorded four times. Only the two records on the client's side name both
# ends: what the client sent, and what it got. The others would count everything twice.
# Rejected traffic and what a SKIPDATA record hides are not counted.";

const PLACEHOLDER_COMMENT: &str = "\
# If the gateway has secondary private addresses, list all of its private addresses in place of";

fn top(talkers: &Talkers, scope: &Scope<'_>) -> String {
    let [ingress, egress] = [FlowDirection::Ingress, FlowDirection::Egress];
    let mut lines = vec![format!("# {}", talkers.question), TOP_COMMENT.to_owned()];
    if scope.gateway_addresses.is_empty() {
        lines.push(format!("{PLACEHOLDER_COMMENT}\n# {ADDRESS_PLACEHOLDER}, both times: [\"10.0.0.5\", \"10.0.0.6\"]."));
    }
    lines.push(parse_message());
    lines.push(format!("| filter action = \"{}\"", Action::Accept));
    lines.extend(scope_filter(scope));
    lines.push(client_side_filter(scope));
    lines.push(
        "| fields concat(flowDirection, \" \", pktSrcAddr, \" \", pktDstAddr) as ends".into(),
    );
    lines.push(format!("| parse ends \"{ingress} * *\" as uploadClient, uploadPeer"));
    lines.push(format!("| parse ends \"{egress} * *\" as downloadPeer, downloadClient"));
    lines.push("| fields coalesce(uploadClient, downloadClient) as client".into());
    lines.push("| fields coalesce(uploadPeer, downloadPeer) as peer".into());
    lines.push(format!("| fields bytes * strcontains(flowDirection, \"{ingress}\") as sent"));
    lines.push(format!("| fields bytes * strcontains(flowDirection, \"{egress}\") as received"));
    lines.push(totals_by(talkers.columns));
    lines.push("| sort totalBytes desc".into());
    lines.push(format!("| limit {MOST_TALKERS}"));
    text_of(&lines)
}

fn totals_by(columns: &str) -> String {
    format!(
        "| stats sum(bytes) as totalBytes, sum(sent) as uploadBytes, sum(received) as \
         downloadBytes, sum(packets) as totalPackets, count(*) as records by {columns}"
    )
}

/// Keeps the records that name both ends: the packet's far end is neither the interface's
/// address in the record nor any other address of the gateway.
///
/// With every private address listed this is the rule "`dstaddr` is the gateway's and
/// `pkt-dstaddr` is not, or `srcaddr` is and `pkt-srcaddr` is not": on the gateway's own
/// interface, `dstaddr` of ingress and `srcaddr` of egress to a client are its own by nature.
/// It never asks for the VPC's CIDR, since clients may be outside it.
///
/// A regional gateway's records may name the far end in `dstaddr` already (AWS does not say),
/// so that only the list of its addresses can tell.
fn client_side_filter(scope: &Scope<'_>) -> String {
    let addresses = addresses(scope);
    let is_regional = scope.recorded_on.is_some_and(|id| id.starts_with("nat-"));
    let side = |direction, addr, pkt_addr| {
        let differs =
            if is_regional { String::new() } else { format!("{addr} != {pkt_addr} and ") };
        format!("(flowDirection = \"{direction}\" and {differs}{pkt_addr} not in [{addresses}])")
    };
    let upload = side(FlowDirection::Ingress, "dstAddr", "pktDstAddr");
    let download = side(FlowDirection::Egress, "srcAddr", "pktSrcAddr");
    format!("| filter {upload}\n    or {download}")
}

/// The gateway's addresses, or the placeholder, as the inside of a list.
fn addresses(scope: &Scope<'_>) -> String {
    if scope.gateway_addresses.is_empty() {
        return format!("\"{ADDRESS_PLACEHOLDER}\"");
    }
    let quoted = scope.gateway_addresses.iter().map(|address| format!("\"{address}\""));
    quoted.collect::<Vec<_>>().join(", ")
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
    const FUNCTIONS: [&str; 13] = [
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
        for query in Query::ALL {
            let skeleton = skeleton(&query.saved_text());
            for command in skeleton.split('|') {
                let name = command.split_whitespace().next().unwrap();
                assert!(COMMANDS.contains(&name), "{}: {name}", query.name());
            }
            let mut before_parentheses = skeleton.split('(').collect::<Vec<_>>();
            before_parentheses.pop();
            let names: BTreeSet<_> = before_parentheses
                .iter()
                .filter_map(|text| text.rsplit(|c: char| !c.is_ascii_alphanumeric()).next())
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
    fn replaced_words_cannot_be_replaced_again() {
        let words = [directions(), traffic_paths(), protocols(), tcp_flags()].concat();
        assert!(words.iter().all(|(_, word)| !word.contains(['/', '"', '\\'])));
        assert_eq!(protocols().len(), NAMED_PROTOCOLS.len());
    }
}
