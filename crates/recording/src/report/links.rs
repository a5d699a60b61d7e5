//! Where the records of a recording are, and links that open them.

use std::net::IpAddr;

use flowlog::queries::{self, Query, Scope};
use jiff::{SignedDuration, Timestamp};
use report::facts::{Link, RecordsAt};
use report::words::moment;

use super::{Place, Records, why};
use crate::{
    bucket::{Bucket, RecordingPart},
    gateway::NatGateway,
    link::Console,
    state::{Started, State},
};

/// Where the records are, in words.
pub(super) fn place_words(place: Place<'_>, state: Option<&State>) -> String {
    match (place.records, state.and_then(why::window)) {
        (Records::LogGroup { name, .. }, _) => format!("log group {name}"),
        (Records::Bucket(bucket), Some((_, to))) => {
            format!("in the bucket, the last by about {}", moment(bucket.complete_at(to)))
        }
        // Without a window nobody knows whether there are any, nor of which day.
        (Records::Bucket(_), None) => "in the bucket, if there are any".to_owned(),
    }
}

/// `recorder in eu-west-1, account 123456789012`
pub(super) fn stack_words(stack: &str, execution: &str) -> String {
    let (region, account) = region_and_account(execution);
    format!("{stack} in {}, account {}", region.unwrap_or("?"), account.unwrap_or("?"))
}

/// `arn:partition:service:region:account:…`
pub(super) fn region_and_account(arn: &str) -> (Option<&str>, Option<&str>) {
    let mut arn = arn.split(':').skip(3);
    (arn.next(), arn.next())
}

/// Where `natflow` finds the records of a recording.
pub(super) fn records_at(state: &State, place: Place<'_>) -> Option<RecordsAt> {
    let (since, until) = window_of_records(state)?;
    let started = state.started.as_ref()?;
    let execution = &state.recording.execution;
    let inputs = match place.records {
        Records::LogGroup { name, .. } => vec![log_group_arn(execution, name)],
        Records::Bucket(bucket) => bucket.folders(execution, since, until),
    };
    let gateway = recorded_on(started).map(str::to_owned).into_iter();
    let gateway = gateway.chain(started.gateway.private_addresses.iter().cloned()).collect();
    Some(RecordsAt { inputs, gateway, since, until })
}

/// The ARN of a log group beside the execution.
fn log_group_arn(execution: &str, name: &str) -> String {
    let partition = execution.split(':').nth(1).unwrap_or("aws");
    let (region, account) = region_and_account(execution);
    let (region, account) = (region.unwrap_or_default(), account.unwrap_or_default());
    format!("arn:{partition}:logs:{region}:{account}:log-group:{name}")
}

/// The folders of the records, when they are in a bucket.
pub(super) fn folders(place: Place<'_>, state: Option<&State>, execution: &str) -> Vec<Link> {
    let Records::Bucket(bucket) = place.records else { return vec![] };
    let folders = match state.and_then(why::window) {
        Some((from, to)) => bucket.folders(execution, from, to),
        None => vec![bucket.folder.to_owned()],
    };
    folders.into_iter().map(|folder| link("The folder of the records", folder)).collect()
}

/// Everything that leads further; `client` is the one whose conversations are of interest.
pub(super) fn of(state: &State, place: Place<'_>, client: Option<IpAddr>) -> Vec<Link> {
    let arn = &state.recording.execution;
    let console = Console::of_arn(arn);
    let mut links = folders(place, Some(state), arn);
    if let (Some(window), Some(started)) = (window_of_records(state), &state.started) {
        links.extend(match place.records {
            Records::LogGroup { name, .. } => insights(&console, name, window, started, client),
            Records::Bucket(bucket) => in_bucket(place.stack, bucket, arn, window, started),
        });
    }
    links.push(link("Every step of the execution", console.execution(arn)));
    links
}

/// Records of the first and last minute lie up to an aggregation interval outside.
pub(super) fn window_of_records(state: &State) -> Option<(Timestamp, Timestamp)> {
    let (from, to) = why::window(state)?;
    let minute = SignedDuration::from_mins(1);
    Some((from.saturating_sub(minute).unwrap_or(from), to.saturating_add(minute).unwrap_or(to)))
}

fn in_bucket(
    stack: &str,
    bucket: Bucket<'_>,
    execution: &str,
    (from, to): (Timestamp, Timestamp),
    started: &Started,
) -> Vec<Link> {
    let gateway = &started.gateway;
    let recorded_on = recorded_on(started);
    let part = RecordingPart { stack, execution, gateway, recorded_on, from, to };
    bucket.links(&part).into_iter().map(|(label, text)| link(&label, text)).collect()
}

/// The saved queries in the order in which they help.
const QUERIES: [(Query, &str); 9] = [
    (Query::TopPairs, "Who talked with whom"),
    (Query::ClientConversations, "What the largest client did"),
    (Query::Decode, "Every record"),
    (Query::TopClients, "Top clients"),
    (Query::TopPeers, "Top peers"),
    (Query::AwsServices, "AWS services without an endpoint"),
    (Query::Ports, "Ports"),
    (Query::TrafficOverTime, "Traffic over time"),
    (Query::RejectedTraffic, "Rejected traffic"),
];

fn insights(
    console: &Console,
    log_group: &str,
    (from, to): (Timestamp, Timestamp),
    started: &Started,
    client: Option<IpAddr>,
) -> Vec<Link> {
    let addresses = private_addresses(&started.gateway);
    let scope = Scope { recorded_on: recorded_on(started), gateway_addresses: &addresses };
    let text = |query| match (query, client) {
        (Query::ClientConversations, Some(client)) => queries::conversations_of(client, &scope),
        (query, _) => query.text(&scope),
    };
    let is_of_use = |query| query != Query::ClientConversations || client.is_some();
    QUERIES
        .into_iter()
        .filter(|(query, _)| is_of_use(*query))
        .map(|(query, label)| {
            let text = without_comments(&text(query));
            let url = console.logs_insights(log_group, from, to, &text);
            link(&format!("{label}, in Logs Insights"), url)
        })
        .collect()
}

/// An e-mail has no room for what the saved query explains.
fn without_comments(query: &str) -> String {
    let lines = query.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
}

fn link(label: &str, text: String) -> Link {
    Link { label: label.to_owned(), text }
}

/// What the records name as their origin; with several interfaces there is no one.
pub(super) fn recorded_on(started: &Started) -> Option<&str> {
    match started.flow_logs.as_slice() {
        [flow_log] => Some(&flow_log.resource_id),
        _ => None,
    }
}

pub(super) fn private_addresses(gateway: &NatGateway) -> Vec<IpAddr> {
    gateway.private_addresses.iter().filter_map(|address| address.parse().ok()).collect()
}
