//! The saved queries in SQL for Athena, over recordings in S3, and the table that they read.
//!
//! Its columns have AWS's Parquet names (`pkt_srcaddr`). In files of text a `-` stays in columns
//! of text and is null in columns of numbers; in Parquet it is null in both. The queries give the
//! same answer either way.
//!
//! One table reads the records of zonal and of regional gateways. Columns of text files are told
//! by their place: the last field of either format is read as `interface_id`. Columns of Parquet
//! files are told by their names: the ID of a regional gateway is in `resource_id`. So one of the
//! two always says on what a record was seen ([`RECORDED_ON`]).

use super::words::{directions, protocols, tcp_flags, traffic_paths};
use super::{ADDRESS_PLACEHOLDER, CLIENT_PLACEHOLDER, MOST_ROWS, MOST_TALKERS, Query, text_of};
use crate::{Action, Field, FlowDirection, LogStatus, RecordedFormat};

/// The table that the queries read.
pub const TABLE: &str = "recorded_flows";

/// The table's partition: the day (UTC) on which AWS wrote an object, as in its key.
pub const DAY: &str = "day";

/// On which interface, or on which regional gateway, a record was seen.
pub const RECORDED_ON: &str = "coalesce(interface_id, resource_id)";

/// Where a query takes the conditions that pick one recording.
const NARROWING: &str = "-- To look at one recording, put the conditions of its e-mail here.";

/// The table's columns with their types in Athena: the fields of a zonal gateway's records, in
/// their order, and what a regional gateway's have in place of the last.
pub fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    let regional = RecordedFormat::Regional.gateway_field();
    let fields = RecordedFormat::Zonal.fields().chain([regional]);
    fields.map(|field| (field.facts().json_name, field.facts().value_type.athena_type()))
}

/// What every question about connections adds up.
const TOTALS: [&str; 5] = [
    "sum(bytes) AS total_bytes",
    "sum(upload_bytes) AS upload_bytes",
    "sum(download_bytes) AS download_bytes",
    "sum(packets) AS total_packets",
    "count(*) AS records",
];

const COMMENT: &str = "\
-- Each connection is recorded four times. Only the two records on the client's side name both
-- ends: what the client sent, and what it got. The others would count everything twice.
-- Rejected traffic and what a SKIPDATA record hides are not counted.
-- If the gateway has secondary private addresses, list all of its private addresses in place of
-- GATEWAY-ADDRESS, both times: ('10.0.0.5', '10.0.0.6'). If it is a regional one, do so, and take
-- out the two comparisons dstaddr <> pkt_dstaddr and srcaddr <> pkt_srcaddr.";

impl Query {
    /// The query's text in Athena's SQL: its file is `queries/athena/<name>.sql`.
    #[must_use]
    pub fn athena_text(self) -> String {
        match self {
            Self::Decode => decode(),
            Self::TopClients => top("Which clients moved the most bytes?", &["client"], &[]),
            Self::TopPeers => {
                top("With which peers were the most bytes exchanged?", &["peer"], &[])
            }
            Self::TopPairs => top(
                "Which clients moved the most bytes with which peers?",
                &["client", "peer"],
                &[],
            ),
            Self::AwsServices => aws_services(),
            Self::TrafficOverTime => traffic_over_time(),
            Self::Ports => ports(),
            Self::ClientConversations => client_conversations(),
            Self::RejectedTraffic => rejected_traffic(),
        }
    }
}

/// A question about connections.
struct Connections<'a> {
    question: &'a str,
    by: &'a [&'a str],
    counts: &'a [&'a str],
    /// Which connections; empty: all.
    condition: &'a str,
    order: &'a str,
    limit: u32,
}

fn top(question: &str, by: &[&str], counts: &[&str]) -> String {
    let order = "total_bytes DESC";
    connections(&Connections { question, by, counts, condition: "", order, limit: MOST_TALKERS })
}

fn aws_services() -> String {
    connections(&Connections {
        question: "Which AWS services were reached through the gateway, and so not by an endpoint?",
        by: &["peer_service"],
        counts: &["count(DISTINCT client) AS clients"],
        condition: "peer_service <> '-'",
        order: "total_bytes DESC",
        limit: MOST_TALKERS,
    })
}

fn traffic_over_time() -> String {
    connections(&Connections {
        question: "How much passed in each minute? A record counts in the minute of its start.",
        by: &["minute"],
        counts: &[],
        condition: "",
        order: "minute",
        limit: MOST_ROWS,
    })
}

fn ports() -> String {
    let counts = ["count(DISTINCT client) AS clients", "count(DISTINCT peer) AS peers"];
    let question = "With which ports of the peers were the most bytes exchanged?";
    top(question, &["peer_port", "transport"], &counts)
}

fn client_conversations() -> String {
    connections(&Connections {
        question: "With whom did one client exchange bytes, and when?\n\
            -- Put its address in place of CLIENT-ADDRESS.",
        by: &["peer", "peer_port", "transport"],
        counts: &["min(started) AS first_seen", "max(started) AS last_seen"],
        condition: &format!("client = '{CLIENT_PLACEHOLDER}'"),
        order: "total_bytes DESC",
        limit: MOST_ROWS,
    })
}

fn connections(ask: &Connections<'_>) -> String {
    let by = ask.by.join(", ");
    let mut lines = vec![
        format!("-- {}", ask.question),
        COMMENT.to_owned(),
        format!("WITH connections AS (\n{}\n)", both_ends()),
        format!("SELECT\n    {}", [ask.by, &TOTALS, ask.counts].concat().join(",\n    ")),
        "FROM connections".to_owned(),
    ];
    if !ask.condition.is_empty() {
        lines.push(format!("WHERE {}", ask.condition));
    }
    lines.push(format!("GROUP BY {by}\nORDER BY {}\nLIMIT {}", ask.order, ask.limit));
    text_of(&lines)
}

/// The records that name both ends, with columns for client and peer.
fn both_ends() -> String {
    let ingress = FlowDirection::Ingress;
    let by_direction = |upload: Field, download: Field, name: &str| {
        format!(
            "CASE {} WHEN '{ingress}' THEN {} ELSE {} END AS {name}",
            column(Field::FlowDirection),
            column(upload),
            column(download)
        )
    };
    let amount = |direction| {
        let bytes = column(Field::Bytes);
        format!("CASE {} WHEN '{direction}' THEN {bytes} ELSE 0 END", column(Field::FlowDirection))
    };
    let columns = [
        by_direction(Field::PktSrcAddr, Field::PktDstAddr, "client"),
        by_direction(Field::PktDstAddr, Field::PktSrcAddr, "peer"),
        by_direction(Field::PktDstAwsService, Field::PktSrcAwsService, "peer_service"),
        by_direction(Field::DstPort, Field::SrcPort, "peer_port"),
        format!("{} AS transport", words_of(Field::Protocol, &protocols())),
        format!("from_unixtime({}) AS started", column(Field::Start)),
        format!("date_trunc('minute', from_unixtime({})) AS minute", column(Field::Start)),
        column(Field::Packets),
        column(Field::Bytes),
        format!("{} AS upload_bytes", amount(ingress)),
        format!("{} AS download_bytes", amount(FlowDirection::Egress)),
    ];
    format!(
        "    SELECT\n        {}\n    FROM {TABLE}\n    WHERE {} = '{}'\n        AND (\n            {}\n            OR {}\n        )\n        {NARROWING}",
        columns.join(",\n        "),
        column(Field::Action),
        Action::Accept,
        client_side(ingress, Field::DstAddr, Field::PktDstAddr),
        client_side(FlowDirection::Egress, Field::SrcAddr, Field::PktSrcAddr),
    )
}

fn client_side(direction: FlowDirection, address: Field, packet_address: Field) -> String {
    let (address, packet_address) = (column(address), column(packet_address));
    format!(
        "({} = '{direction}' AND {address} <> {packet_address} AND {packet_address} NOT IN ('{ADDRESS_PLACEHOLDER}'))",
        column(Field::FlowDirection)
    )
}

fn rejected_traffic() -> String {
    let by =
        [Field::FlowDirection, Field::PktSrcAddr, Field::PktDstAddr, Field::DstPort].map(column);
    let by = by.join(", ");
    let transport = words_of(Field::Protocol, &protocols());
    let lines = [
        "-- Which traffic was rejected, by a network ACL or because its connection was closed?"
            .to_owned(),
        "-- A rejected packet is recorded once, so every leg counts.".to_owned(),
        format!("SELECT\n    {by},\n    {transport} AS transport,"),
        "    sum(packets) AS total_packets,\n    sum(bytes) AS total_bytes,\n    count(*) AS records"
            .to_owned(),
        format!("FROM {TABLE}\nWHERE {} = '{}'", column(Field::Action), Action::Reject),
        format!("    {NARROWING}"),
        format!("GROUP BY {by}, {}", column(Field::Protocol)),
        format!("ORDER BY total_packets DESC\nLIMIT {MOST_TALKERS}"),
    ];
    text_of(&lines)
}

fn decode() -> String {
    let columns = RecordedFormat::Zonal.fields().map(|field| match field {
        Field::FlowDirection => format!("{} AS way", words_of(field, &directions())),
        Field::TrafficPath => format!("{} AS path", words_of(field, &traffic_paths())),
        Field::Protocol => format!("{} AS transport", words_of(field, &protocols())),
        Field::TcpFlags => format!("{} AS flags", words_of(field, &tcp_flags())),
        Field::Bytes => format!("{} AS size,\n    {}", size(), column(field)),
        Field::Start => format!("from_unixtime({}) AS started", column(field)),
        Field::End => format!("from_unixtime({}) AS ended", column(field)),
        Field::InterfaceId => format!("{RECORDED_ON} AS recorded_on"),
        field => column(field),
    });
    let lines = [
        "-- Which traffic was recorded? Every record, readable, newest first. Records without traffic"
            .to_owned(),
        "-- (NODATA) are left out; a SKIPDATA record stands for flows that were lost.".to_owned(),
        format!("SELECT\n    {}", columns.collect::<Vec<_>>().join(",\n    ")),
        format!("FROM {TABLE}\nWHERE {} <> '{}'", column(Field::LogStatus), LogStatus::NoData),
        format!("    {NARROWING}"),
        format!("ORDER BY started DESC\nLIMIT {MOST_ROWS}"),
    ];
    text_of(&lines)
}

/// `1.5 MB`, rounded down; powers of 1,000. A division of whole numbers has no fraction.
fn size() -> String {
    let bytes = column(Field::Bytes);
    let units =
        [("TB", 1_000_000_000_000_u64), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    let cases = units.map(|(unit, factor)| {
        let tenth = factor / 10;
        format!(
            "WHEN {bytes} >= {factor} THEN concat(CAST({bytes} / {factor} AS varchar), '.', \
             CAST({bytes} / {tenth} % 10 AS varchar), ' {unit}')"
        )
    });
    let cases = cases.join("\n        ");
    format!("CASE\n        {cases}\n        ELSE concat(CAST({bytes} AS varchar), ' B')\n    END")
}

/// A word for each value of a field; other values as they are.
fn words_of(field: Field, words: &[(String, &str)]) -> String {
    let is_text = field.facts().value_type.parquet_type() == "STRING";
    let quote = if is_text { "'" } else { "" };
    let cases =
        words.iter().map(|(value, word)| format!("WHEN {quote}{value}{quote} THEN '{word}'"));
    let cases = cases.collect::<Vec<_>>().join(" ");
    let column = column(field);
    let other = if is_text { column.clone() } else { format!("CAST({column} AS varchar)") };
    format!("CASE {column} {cases} ELSE {other} END")
}

/// The field's column. `end` is a word of SQL.
fn column(field: Field) -> String {
    match field {
        Field::Start | Field::End => format!("\"{}\"", field.facts().json_name),
        field => field.facts().json_name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_reads_the_one_table() {
        for query in Query::ALL {
            let text = query.athena_text();
            assert_eq!(text.matches(TABLE).count(), 1, "{}", query.name());
            assert_eq!(text.matches('(').count(), text.matches(')').count());
            assert!(text.is_ascii());
        }
    }

    #[test]
    fn the_table_has_every_field_of_both_formats() {
        let columns: Vec<_> = columns().collect();
        assert_eq!(columns.first(), Some(&("action", "string")));
        assert!(columns.contains(&("traffic_path", "int")));
        assert!(columns.contains(&("bytes", "bigint")));
        // A text file's last field is the twentieth, whichever of the two it is.
        let last = [("interface_id", "string"), ("resource_id", "string")];
        assert_eq!(columns.get(19..), Some(last.as_slice()));
        assert_eq!(RecordedFormat::Regional.fields().count(), 20);
    }

    #[test]
    fn every_query_says_where_one_recording_is_picked() {
        for query in Query::ALL {
            let text = query.athena_text();
            let (before, after) = text.split_once(NARROWING).unwrap();
            assert!(before.contains("WHERE"), "{}", query.name());
            assert!(!after.contains("WHERE") || after.contains("FROM connections\nWHERE"));
        }
    }

    #[test]
    fn the_decoded_record_has_every_recorded_field() {
        let text = Query::Decode.athena_text();
        for field in RecordedFormat::Zonal.fields() {
            assert!(text.contains(&column(field)), "{field:?}");
        }
        assert!(text.contains("CASE protocol WHEN 1 THEN 'ICMP'"));
        assert!(text.contains("CASE flow_direction WHEN 'ingress' THEN 'into the gateway'"));
    }
}
