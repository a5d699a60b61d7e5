//! Recordings in a bucket: where their objects are, and how Athena and `natflow` find them.

use flowlog::queries::{Query, athena};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use crate::{gateway::NatGateway, link::Console};

/// The objects of all recordings of a stack.
#[derive(Clone, Copy, Debug)]
pub struct Bucket<'a> {
    /// The folder that AWS writes to, `s3://bucket/recorder/`.
    pub folder: &'a str,
    /// The Athena work group with the saved queries.
    pub work_group: &'a str,
}

/// One recording among them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordingPart<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The execution's ARN: it names the account and the region.
    pub execution: &'a str,
    /// The gateway.
    pub gateway: &'a NatGateway,
    /// What its records name as their origin; with several interfaces there is no one.
    pub recorded_on: Option<&'a str>,
    /// From when, with what an aggregation interval adds.
    pub from: Timestamp,
    /// Until when, likewise.
    pub to: Timestamp,
}

/// AWS publishes the objects of flow logs every 5 minutes, and says that this can take longer;
/// 10 minutes is what it took.
const DELIVERY: SignedDuration = SignedDuration::from_mins(10);

impl Bucket<'_> {
    /// The folders of the days on which AWS writes the objects of a time, as their keys have it:
    /// `AWSLogs/account/vpcflowlogs/region/2026/11/21/`.
    #[must_use]
    pub fn folders(self, execution: &str, from: Timestamp, to: Timestamp) -> Vec<String> {
        let mut arn = execution.split(':').skip(3);
        let (region, account) = (arn.next().unwrap_or("?"), arn.next().unwrap_or("?"));
        let all = format!("{}AWSLogs/{account}/vpcflowlogs/{region}/", self.folder);
        days(from, to).map(|day| format!("{all}{}/", day.strftime("%Y/%m/%d"))).collect()
    }

    /// When the last objects of a recording that ended then should be there.
    #[must_use]
    pub fn complete_at(self, ended_at: Timestamp) -> Timestamp {
        ended_at.saturating_add(DELIVERY).unwrap_or(ended_at)
    }

    /// What to read and where to go for it: a label, and lines to be copied.
    pub(crate) fn links(self, part: &RecordingPart<'_>) -> Vec<(String, String)> {
        let saved = |query: Query| format!("\"{}/{}\"", part.stack, query.title());
        vec![
            (
                format!(
                    "Who talked with whom: the saved query {}\n\
                     Every record: the saved query {}\n\
                     Choose the work group {} in Athena",
                    saved(Query::TopPairs),
                    saved(Query::Decode),
                    self.work_group,
                ),
                Console::of_arn(part.execution).athena_saved_queries(),
            ),
            (
                "This recording alone, to be put where the query says so".to_owned(),
                conditions(part),
            ),
            ("Or without Athena, on a machine of your own".to_owned(), self.natflow(part)),
        ]
    }

    /// The same question for `natflow`.
    fn natflow(self, part: &RecordingPart<'_>) -> String {
        let moment = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let (from, to) = (moment(part.from), moment(part.to));
        let mut command =
            vec!["natflow top --by pair".to_owned(), format!("  --since {from} --until {to}")];
        let names = part.recorded_on.iter().copied();
        let names = names.chain(part.gateway.private_addresses.iter().map(String::as_str));
        command.extend(names.map(|name| format!("  --gateway {name}")));
        let folders = self.folders(part.execution, part.from, part.to);
        command.extend(folders.iter().map(|folder| format!("  {folder}")));
        command.join(" \\\n")
    }
}

/// What picks this recording in a saved query. Without the day, Athena would look through all.
fn conditions(part: &RecordingPart<'_>) -> String {
    let (from, to) = (part.from, part.to);
    let mut lines = vec![];
    if let Some(recorded_on) = part.recorded_on {
        lines.push(format!("AND {} = '{recorded_on}'", athena::RECORDED_ON));
    }
    lines.push(format!("AND \"start\" BETWEEN {} AND {}", from.as_second(), to.as_second()));
    let days: Vec<_> = days(from, to).map(|day| day.strftime("%Y/%m/%d").to_string()).collect();
    if let (Some(first), Some(last)) = (days.first(), days.last()) {
        lines.push(format!("AND {} BETWEEN '{first}' AND '{last}'", athena::DAY));
    }
    lines.join("\n")
}

/// The days (UTC) on which the objects of a time are written.
fn days(from: Timestamp, to: Timestamp) -> impl Iterator<Item = Date> {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let last = day(to.saturating_add(DELIVERY).unwrap_or(to));
    day(from).series(1.day()).take_while(move |day| *day <= last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: Bucket<'_> = Bucket { folder: "s3://b/recorder/", work_group: "recorder" };
    const EXECUTION: &str = "arn:aws-cn:states:cn-north-1:123456789012:execution:r:e";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn objects_are_in_the_folders_of_their_days() {
        let folders = |from, to| BUCKET.folders(EXECUTION, at(from), at(to));
        let day =
            |day| format!("s3://b/recorder/AWSLogs/123456789012/vpcflowlogs/cn-north-1/{day}/");
        assert_eq!(folders("2026-11-21T04:00:00Z", "2026-11-21T04:15:00Z"), [day("2026/11/21")]);
        // What was recorded before midnight is written after it.
        assert_eq!(
            folders("2026-12-31T23:40:00Z", "2026-12-31T23:55:00Z"),
            [day("2026/12/31"), day("2027/01/01")]
        );
    }

    #[test]
    fn the_conditions_pick_a_gateway_its_time_and_its_days() {
        let part = RecordingPart {
            stack: "recorder",
            execution: EXECUTION,
            gateway: &NatGateway::default(),
            recorded_on: Some("eni-1"),
            from: at("2026-11-21T04:00:00Z"),
            to: at("2026-11-21T04:15:00Z"),
        };
        assert_eq!(
            conditions(&part),
            "AND coalesce(interface_id, resource_id) = 'eni-1'\n\
             AND \"start\" BETWEEN 1795233600 AND 1795234500\n\
             AND day BETWEEN '2026/11/21' AND '2026/11/21'"
        );
        let several = RecordingPart { recorded_on: None, ..part };
        assert!(conditions(&several).starts_with("AND \"start\" BETWEEN"));
    }
}
