//! The queries about single records.

use super::words::{directions, protocols, tcp_flags, traffic_paths, words_of};
use super::{MOST_ROWS, MOST_TALKERS, RECORDED_ON, Scope, parse_message, scope_filter, text_of};
use crate::{Action, Field, LogStatus, RecordedFormat};

const DECODE_COMMENT: &str = "\
# Which traffic was recorded? Every record, readable, newest first. Records without traffic
# (NODATA) are left out; a SKIPDATA record stands for flows that were lost.";

pub(super) fn decode(scope: &Scope<'_>) -> String {
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

const REJECTED_COMMENT: &str = "\
# Which traffic was rejected, by a network ACL or because its connection was closed? A rejected
# packet is recorded once, so every leg counts. Bytes are missing where Block Public Access
# rejected it.";

pub(super) fn rejected_traffic(scope: &Scope<'_>) -> String {
    let mut lines = vec![REJECTED_COMMENT.to_owned(), parse_message()];
    lines.push(format!("| filter action = \"{}\"", Action::Reject));
    lines.extend(scope_filter(scope));
    lines.push(format!("| fields {} as transport", words_of(Field::Protocol, &protocols())));
    lines.push(
        "| stats sum(packets) as totalPackets, sum(bytes) as totalBytes, count(*) as records \
         by flowDirection, pktSrcAddr, pktDstAddr, dstPort, transport"
            .into(),
    );
    lines.push("| sort totalPackets desc".into());
    lines.push(format!("| limit {MOST_TALKERS}"));
    text_of(&lines)
}
