//! *Report*: the e-mail about a recording, in plain text.

use std::{fmt::Write as _, net::IpAddr};

use flowlog::queries::{Query, Scope};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    NatGatewayId,
    alarm::ClearedHow,
    bucket::{Bucket, RecordingPart},
    gateway::NatGateway,
    link::Console,
    state::{Ended, Failure, QuotaPlace, Recording, Started, State},
};

/// What SNS sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Email {
    /// At most [`SUBJECT_CHARACTERS`] printable ASCII characters.
    pub subject: String,
    /// At most [`BODY_BYTES`] of UTF-8.
    pub body: String,
}

/// SNS takes a subject of fewer than 100 characters.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
pub const SUBJECT_CHARACTERS: usize = 99;

/// An eighth of what a state of an execution can hold, and enough to read.
pub const BODY_BYTES: usize = 32 * 1024;

/// What the report is told by the stack.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// Where the records are.
    pub records: Records<'a>,
}

/// Where the records of a stack are.
#[derive(Clone, Copy, Debug)]
pub enum Records<'a> {
    /// In a log group of this name.
    LogGroup(&'a str),
    /// In a bucket.
    Bucket(Bucket<'a>),
}

/// The e-mail about a recording that ended as it should.
#[must_use]
pub fn recorded(state: &State, place: Place<'_>) -> Email {
    let recording = &state.recording;
    let length = recorded_for(state).map_or_else(|| "for no time".to_owned(), duration);
    let mut facts = Facts::new(&format!(
        "NAT gateway {} was recorded for {length}.",
        gateway_words(recording, state.started.as_ref())
    ));
    facts.add("Why it started", &why_it_started(recording));
    facts.add("Why it stopped", &why_it_stopped(state));
    add_window(&mut facts, state);
    add_flow_logs(&mut facts, state);
    add_place(&mut facts, place, Some(state), &recording.execution);
    add_quota(&mut facts, recording.quota.as_ref(), recording);
    add_warnings(&mut facts, state);
    add_links(&mut facts, state, place);
    facts.email(&format!("{} recorded for {length}: {}", recording.nat_gateway_id, ending(state)))
}

/// What is known of an execution that failed.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// The gateway, when the input names one.
    pub gateway: Option<&'a NatGatewayId>,
    /// The execution's ARN.
    pub execution: &'a str,
    /// Its data, when it had reserved a recording.
    pub state: Option<&'a State>,
    /// What failed.
    pub failure: &'a Failure,
    /// What failed in cleaning up afterwards.
    pub clean_up_failure: Option<&'a Failure>,
}

/// The e-mail about a recording that failed.
#[must_use]
pub fn failed(failed: &Failed<'_>, place: Place<'_>) -> Email {
    let gateway = failed.gateway.map_or("an unknown NAT gateway", NatGatewayId::as_str);
    let mut facts = Facts::new(&format!("The recording of {gateway} failed."));
    facts.add("What failed", &failure_words(failed.failure));
    match failed.clean_up_failure {
        Some(failure) => facts.add(
            "NOT cleaned up",
            &format!(
                "{} A flow log may still be running and costing money: look for flow logs with \
                 the tag {}={} and delete them.",
                failure_words(failure),
                crate::start::tag_key::EXECUTION,
                failed.execution
            ),
        ),
        None => facts.add("Cleaned up", "No flow log of this recording is left."),
    }
    if let Some(state) = failed.state {
        facts.add("Why it started", &why_it_started(&state.recording));
        add_window(&mut facts, state);
        add_flow_logs(&mut facts, state);
        add_quota(&mut facts, state.recording.quota.as_ref(), &state.recording);
        add_warnings(&mut facts, state);
    }
    add_place(&mut facts, place, failed.state, failed.execution);
    facts
        .link("Every step it took", &Console::of_arn(failed.execution).execution(failed.execution));
    facts.email(&format!("{gateway}: the recording failed, {}", failed.failure.error))
}

/// "nat-… (egress-a, vpc-…)"
fn gateway_words(recording: &Recording, started: Option<&Started>) -> String {
    let Some(Started { gateway, .. }) = started else {
        return recording.nat_gateway_id.to_string();
    };
    let name = gateway.name.as_deref().map(|name| format!("{name}, ")).unwrap_or_default();
    format!("{} ({name}{})", recording.nat_gateway_id, gateway.vpc_id)
}

fn why_it_started(recording: &Recording) -> String {
    match &recording.alarm {
        Some(alarm) => {
            format!("The alarm {} rose at {}. {}", alarm.name, moment(alarm.at), alarm.reason)
        }
        None => "Somebody started it by hand.".to_owned(),
    }
}

fn why_it_stopped(state: &State) -> String {
    let longest = duration(SignedDuration::from_secs(state.recording.recording_seconds));
    let came_back = match state.came_back {
        0 => String::new(),
        1 => " In between the spike came back once and went on being recorded.".to_owned(),
        times => {
            format!(" In between the spike came back {times} times and went on being recorded.")
        }
    };
    let why = match (&state.ended, &state.recording.alarm) {
        (Some(Ended::Cleared(cleared)), _) => {
            let how = match cleared.how {
                ClearedHow::Ok => "The traffic is back below the threshold since",
                ClearedHow::InsufficientData => "The gateway reports no more traffic since",
                ClearedHow::Deleted => "The alarm was deleted at",
            };
            format!("{how} {}.", moment(cleared.at))
        }
        (Some(Ended::Error(failure)), Some(_)) if failure.error == "States.Timeout" => {
            format!("The recording time of {longest} was used up. The spike may still be going on.")
        }
        (Some(Ended::Error(_)), Some(_)) => {
            "The alarm had cleared before the recording began to wait.".to_owned()
        }
        _ => format!("The {longest} that were asked for are over."),
    };
    why + &came_back
}

/// The end of the subject, in few words.
fn ending(state: &State) -> &'static str {
    match (&state.ended, &state.recording.alarm) {
        (Some(Ended::Cleared(cleared)), _) => match cleared.how {
            ClearedHow::Ok => "the alarm cleared",
            ClearedHow::InsufficientData => "no more traffic",
            ClearedHow::Deleted => "the alarm was deleted",
        },
        (Some(Ended::Error(failure)), Some(_)) if failure.error == "States.Timeout" => {
            "recording time used up"
        }
        (_, Some(_)) => "the alarm cleared",
        (_, None) => "as asked",
    }
}

fn recorded_for(state: &State) -> Option<SignedDuration> {
    let (from, to) = window(state)?;
    Some(to.duration_since(from))
}

fn window(state: &State) -> Option<(Timestamp, Timestamp)> {
    Some((state.started.as_ref()?.at, state.stop.as_ref()?.at))
}

fn add_window(facts: &mut Facts, state: &State) {
    if let Some((from, to)) = window(state) {
        facts.add("Recorded", &format!("{} to {}", moment(from), moment(to)));
    }
}

fn add_flow_logs(facts: &mut Facts, state: &State) {
    let Some(started) = &state.started else { return };
    let deleted = state.stop.as_ref().map(|stop| stop.deleted.as_slice()).unwrap_or_default();
    for flow_log in &started.flow_logs {
        let fate = if deleted.contains(&flow_log.id) { "deleted" } else { "NOT known as deleted" };
        facts.add("Flow log", &format!("{} on {}, {fate}", flow_log.id, flow_log.resource_id));
    }
}

fn add_place(facts: &mut Facts, place: Place<'_>, state: Option<&State>, execution: &str) {
    match place.records {
        Records::LogGroup(name) => facts.add("Records", &format!("log group {name}")),
        Records::Bucket(bucket) => add_objects(facts, bucket, state, execution),
    }
    let mut arn = execution.split(':').skip(3);
    let (region, account) = (arn.next().unwrap_or("?"), arn.next().unwrap_or("?"));
    facts.add("Stack", &format!("{} in {region}, account {account}", place.stack));
}

/// Without a window nobody knows whether there are any, nor of which day.
fn add_objects(facts: &mut Facts, bucket: Bucket<'_>, state: Option<&State>, execution: &str) {
    let Some((from, to)) = state.and_then(window) else {
        facts.add("Records", "in the bucket, if there are any");
        return facts.link("The folder of the records", bucket.folder);
    };
    let complete = moment(bucket.complete_at(to));
    facts.add("Records", &format!("in the bucket, the last by about {complete}"));
    for folder in bucket.folders(execution, from, to) {
        facts.link("The folder of the records", &folder);
    }
}

fn add_quota(facts: &mut Facts, quota: Option<&QuotaPlace>, recording: &Recording) {
    let Some(quota) = quota.filter(|quota| quota.allowed > 0) else { return };
    let at = recording.alarm.as_ref().map_or(recording.reserved_at, |alarm| alarm.at);
    let renewal = match quota.period.renews_on(at) {
        Some(day) => format!("the count starts again on {day} (UTC)"),
        None => "the count does not start again".to_owned(),
    };
    facts.add("Quota", &format!("recording {} of {}; {renewal}", quota.number, quota.allowed));
}

fn add_warnings(facts: &mut Facts, state: &State) {
    let Some(stop) = &state.stop else { return };
    for error in &stop.delivery_errors {
        facts.add("Incomplete", &format!("EC2 says of the delivery: {error}"));
    }
    if stop.given_back {
        facts.add("Quota", "Nothing was recorded, so this recording does not count.");
    }
}

/// Records of the first and last minute lie up to an aggregation interval outside.
fn add_links(facts: &mut Facts, state: &State, place: Place<'_>) {
    let arn = &state.recording.execution;
    let console = Console::of_arn(arn);
    if let (Some((from, to)), Some(started)) = (window(state), &state.started) {
        let minute = SignedDuration::from_mins(1);
        let from = from.saturating_sub(minute).unwrap_or(from);
        let to = to.saturating_add(minute).unwrap_or(to);
        match place.records {
            Records::LogGroup(name) => {
                add_insights_links(facts, &console, name, (from, to), started);
            }
            Records::Bucket(bucket) => {
                let (stack, gateway) = (place.stack, &started.gateway);
                let recorded_on = recorded_on(started);
                let part = RecordingPart { stack, execution: arn, gateway, recorded_on, from, to };
                bucket.links(&part).iter().for_each(|(label, text)| facts.link(label, text));
            }
        }
    }
    facts.link("Every step of the execution", &console.execution(arn));
}

fn add_insights_links(
    facts: &mut Facts,
    console: &Console,
    log_group: &str,
    (from, to): (Timestamp, Timestamp),
    started: &Started,
) {
    let addresses = private_addresses(&started.gateway);
    let scope = Scope { recorded_on: recorded_on(started), gateway_addresses: &addresses };
    for (label, query) in
        [("Who talked with whom", Query::TopPairs), ("Every record", Query::Decode)]
    {
        let link = console.logs_insights(log_group, from, to, &query.text(&scope));
        facts.link(&format!("{label}, in Logs Insights"), &link);
    }
}

/// What the records name as their origin; with several interfaces there is no one.
fn recorded_on(started: &Started) -> Option<&str> {
    match started.flow_logs.as_slice() {
        [flow_log] => Some(&flow_log.resource_id),
        _ => None,
    }
}

fn private_addresses(gateway: &NatGateway) -> Vec<IpAddr> {
    gateway.private_addresses.iter().filter_map(|address| address.parse().ok()).collect()
}

fn failure_words(failure: &Failure) -> String {
    let sentence = failure.sentence();
    let stop = if sentence.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}: {sentence}{stop}", failure.error)
}

/// `2026-11-21 04:11:03 UTC`
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `12 min 4 s`
fn duration(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let parts = [(seconds / 3600, "h"), (seconds % 3600 / 60, "min"), (seconds % 60, "s")];
    let words: Vec<_> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}")).collect();
    if words.is_empty() { "less than a second".to_owned() } else { words.join(" ") }
}

/// Labels and facts in two columns of 80 characters, then links a line each.
struct Facts {
    body: String,
    links: String,
}

const LABEL_WIDTH: usize = 16;
const LINE_WIDTH: usize = 80;

impl Facts {
    fn new(answer: &str) -> Self {
        let mut facts = Self { body: String::new(), links: String::new() };
        facts.wrapped(answer, 0);
        facts.body.push('\n');
        facts
    }

    fn add(&mut self, label: &str, fact: &str) {
        let _ = write!(self.body, "{label:LABEL_WIDTH$}");
        self.wrapped(fact, LABEL_WIDTH);
    }

    fn link(&mut self, label: &str, url: &str) {
        let _ = write!(self.links, "\n{label}:\n{url}\n");
    }

    /// Breaks a fact into lines; the first continues the line that is begun.
    fn wrapped(&mut self, fact: &str, indent: usize) {
        let mut column = indent;
        let mut first = true;
        for word in fact.split_whitespace() {
            let width = word.chars().count();
            if !first && column + 1 + width > LINE_WIDTH {
                let _ = write!(self.body, "\n{:indent$}", "");
                column = indent;
                first = true;
            }
            if !first {
                self.body.push(' ');
                column += 1;
            }
            self.body.push_str(word);
            column += width;
            first = false;
        }
        self.body.push('\n');
    }

    fn email(self, subject: &str) -> Email {
        let body = format!("{}{}", self.body, self.links);
        Email { subject: printable(subject), body: shortened(body) }
    }
}

/// What SNS takes as a subject: printable ASCII, and not too long.
fn printable(subject: &str) -> String {
    subject
        .chars()
        .map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' })
        .take(SUBJECT_CHARACTERS)
        .collect()
}

fn shortened(mut body: String) -> String {
    const MARK: &str = "\n(shortened)\n";
    if body.len() > BODY_BYTES {
        let mut end = BODY_BYTES - MARK.len();
        while !body.is_char_boundary(end) {
            end -= 1;
        }
        body.truncate(end);
        body.push_str(MARK);
    }
    body
}
