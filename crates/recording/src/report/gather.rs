//! Finds out what the report says. Nothing here fails: what cannot be found out is missing.

use std::{
    collections::BTreeMap, future::poll_fn, net::IpAddr, pin::pin, task::Poll, time::Duration,
};

use flowlog::queries::{self as texts, ReportQuery, Scope};
use jiff::{SignedDuration, Timestamp};
use report::facts::{Destination, Facts, NOT_ANSWERED, Reading};
use report::interface::owners;
use report::ranges::Ranges;
use report::timeline::{SERIES, Timeline, step_minutes};
use report::traffic::{Totals, Traffic};

use super::{
    Place, Records, Sources, links,
    queries::{self, Answer},
    rows::{self, Rankings},
    why,
};
use crate::{
    Error, NatGatewayId,
    ports::{
        AddressRanges, Clock, GatewayMetrics, Gateways, LogsQueries, LogsQuery, NetworkInterfaces,
        QueryResults, VpcEndpoints,
    },
    state::{Started, State},
};

/// When the report stops waiting for its first queries, and for all of them. The function's own
/// time is longer, so that what is known can still be sent.
const FIRST_END: Duration = Duration::from_secs(140);
const ALL_END: Duration = Duration::from_secs(210);

/// An alarm rises some minutes after the traffic that raised it.
const BEFORE_THE_ALARM: SignedDuration = SignedDuration::from_mins(5);

/// The steps of the state machine for a recording, and of each time that its spike comes back.
const STEPS: u32 = 11;
const STEPS_OF_A_RETURN: u32 = 4;

/// Everything but links, which need the answer.
pub(super) async fn facts(state: &State, place: Place<'_>, sources: &impl Sources) -> Facts {
    let mut facts = known(state, place);
    let (Some(started), Some((from, to))) = (&state.started, why::window(state)) else {
        facts.missing.push("Everything about the traffic: nothing was recorded.".to_owned());
        return facts;
    };
    let gateway = &state.recording.nat_gateway_id;
    look_at_gateway(&mut facts, sources.gateways(), gateway).await;
    let alarm_at = state.recording.alarm.as_ref().map_or(from, |alarm| alarm.at.min(from));
    let before = alarm_at.saturating_sub(BEFORE_THE_ALARM).unwrap_or(alarm_at);
    look_at_metrics(&mut facts, sources.metrics(), gateway, before, to).await;
    if let (Records::LogGroup { name, .. }, Some(window)) =
        (place.records, links::window_of_records(state))
    {
        let logs = (sources.logs(), sources.clock());
        look_at_records(&mut facts, logs, name, window, started).await;
    }
    look_at_vpc(&mut facts, sources, &started.gateway.vpc_id).await;
    facts
}

/// What the state says, without asking anybody.
fn known(state: &State, place: Place<'_>) -> Facts {
    let recording = &state.recording;
    let (region, account) = links::region_and_account(&recording.execution);
    let described = state.started.as_ref().map(|started| &started.gateway);
    let window = why::window(state);
    Facts {
        gateway: report::facts::Gateway {
            nat_gateway_id: recording.nat_gateway_id.to_string(),
            name: described.and_then(|gateway| gateway.name.clone()),
            vpc_id: described.map(|gateway| gateway.vpc_id.clone()),
            region: region.map(str::to_owned),
            account_id: account.map(str::to_owned),
            is_regional: described.is_some_and(|gateway| gateway.regional),
        },
        recording: report::facts::Recording {
            stack: Some(links::stack_words(place.stack, &recording.execution)),
            execution: Some(recording.execution.clone()),
            why_started: Some(why::it_started(recording)),
            why_stopped: Some(why::it_stopped(state)),
            from: window.map(|(from, _)| from),
            to: window.map(|(_, to)| to),
            flow_logs: why::flow_logs(state),
            quota: why::quota(recording),
            place: Some(links::place_words(place, Some(state))),
            records: links::records_at(state, place),
        },
        reading: Reading {
            destination: Some(match place.records {
                Records::LogGroup { destination, .. } => destination,
                Records::Bucket(_) => Destination::S3,
            }),
            state_transitions: STEPS + state.came_back * STEPS_OF_A_RETURN,
            ..Reading::default()
        },
        warnings: why::it_is_incomplete(state),
        ..Facts::default()
    }
}

async fn look_at_gateway(facts: &mut Facts, gateways: &impl Gateways, gateway: &NatGatewayId) {
    match gateways.describe(gateway).await {
        Ok(described) if matches!(described.state.as_str(), "deleted" | "deleting") => {
            facts.warnings.push(format!("The gateway is {} by now.", described.state));
        }
        Ok(_) => {}
        Err(Error::GatewayNotFound { .. }) => {
            facts.warnings.push("The gateway no longer exists.".to_owned());
        }
        Err(error) => facts.missing.push(format!("Whether the gateway still exists: {error}.")),
    }
}

async fn look_at_metrics(
    facts: &mut Facts,
    metrics: &impl GatewayMetrics,
    gateway: &NatGatewayId,
    from: Timestamp,
    to: Timestamp,
) {
    match metrics.minutes(gateway, from, to).await {
        Ok(minutes) if minutes.is_empty() => {
            facts.missing.push("What CloudWatch metered: it has no data points.".to_owned());
        }
        Ok(minutes) => facts.metered = Some(minutes),
        Err(error) => facts.missing.push(format!("What CloudWatch metered: {error}.")),
    }
}

async fn look_at_vpc(facts: &mut Facts, sources: &impl Sources, vpc_id: &str) {
    match sources.endpoints().of_vpc(vpc_id).await {
        Ok(endpoints) => facts.endpoints = Some(endpoints),
        Err(error) => facts.missing.push(format!("The VPC's endpoints: {error}.")),
    }
    let Some(traffic) = &facts.traffic else { return };
    let reaches_aws = traffic
        .services
        .as_ref()
        .is_some_and(|services| services.rows.iter().any(|(service, _)| service.is_some()));
    let clients = report::clients_to_name(traffic);
    if reaches_aws {
        look_at_ranges(facts, sources.ranges(), sources.clock()).await;
    }
    if !clients.is_empty() {
        look_at_clients(facts, sources.interfaces(), vpc_id, &clients).await;
    }
}

/// The list is no part of AWS's API: a function without a way to the internet must not wait
/// for it.
const RANGES_TIME: Duration = Duration::from_secs(10);

async fn look_at_ranges(facts: &mut Facts, ranges: &impl AddressRanges, clock: &impl Clock) {
    let parsed = match within(clock, RANGES_TIME, ranges.document()).await {
        Some(Ok(document)) => Ranges::parse(&document),
        Some(Err(error)) => Err(error.to_string()),
        None => Err(format!("their list was not there within {} s", RANGES_TIME.as_secs())),
    };
    match parsed {
        Ok(ranges) => facts.ranges = Some(ranges),
        Err(problem) => facts.missing.push(format!("The regions of AWS's addresses: {problem}.")),
    }
}

/// What a future answers, unless it takes longer.
async fn within<T>(
    clock: &impl Clock,
    length: Duration,
    answer: impl Future<Output = T>,
) -> Option<T> {
    let (mut answer, mut end) = (pin!(answer), pin!(clock.sleep(length)));
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

async fn look_at_clients(
    facts: &mut Facts,
    interfaces: &impl NetworkInterfaces,
    vpc_id: &str,
    clients: &[IpAddr],
) {
    let found = match interfaces.with_addresses(vpc_id, clients).await {
        Ok(found) => found,
        Err(error) => {
            facts.missing.push(format!("Who is behind the clients' addresses: {error}."));
            return;
        }
    };
    let mut instances: Vec<_> =
        found.iter().filter_map(|interface| interface.instance_id.clone()).collect();
    instances.sort_unstable();
    instances.dedup();
    let tags = if instances.is_empty() {
        Ok(BTreeMap::new())
    } else {
        interfaces.instance_tags(&instances).await
    };
    let tags = tags.unwrap_or_else(|error| {
        facts.missing.push(format!("The names of the clients' instances: {error}."));
        BTreeMap::new()
    });
    facts.owners = owners(&found, &tags);
}

/// The questions that are always put.
const FIRST: [ReportQuery; 3] =
    [ReportQuery::Totals, ReportQuery::Statuses, ReportQuery::Conversations];

/// Those that are put when there are too many conversations.
const ONE_BY_ONE: [ReportQuery; 5] = [
    ReportQuery::Clients,
    ReportQuery::Pairs,
    ReportQuery::Services,
    ReportQuery::Peers,
    ReportQuery::Ports,
];

/// Whom and what the questions about the records are for.
struct Questions<'a, L, C> {
    logs: &'a L,
    clock: &'a C,
    log_group: &'a str,
    window: (Timestamp, Timestamp),
    scope: Scope<'a>,
}

impl<L: LogsQueries, C: Clock> Questions<'_, L, C> {
    /// The answers in the order of the questions; what they do not answer is noted.
    async fn ask(&self, facts: &mut Facts, asked: &[ReportQuery], until: Duration) -> Vec<Answer> {
        let query = |query: &ReportQuery| self.query(query.text(&self.scope), query.most_rows());
        let queries: Vec<_> = asked.iter().map(query).collect();
        let answers = queries::run(self.logs, self.clock, until, &queries).await;
        for (query, answer) in asked.iter().zip(&answers) {
            note(facts, what(*query), answer);
        }
        answers
    }

    fn query(&self, text: String, limit: u32) -> LogsQuery {
        let (from, to) = self.window;
        LogsQuery { log_group: self.log_group.to_owned(), from, to, text, limit }
    }
}

async fn look_at_records<L: LogsQueries, C: Clock>(
    facts: &mut Facts,
    (logs, clock): (&L, &C),
    log_group: &str,
    window: (Timestamp, Timestamp),
    started: &Started,
) {
    let addresses = links::private_addresses(&started.gateway);
    let scope = Scope { recorded_on: links::recorded_on(started), gateway_addresses: &addresses };
    let questions = Questions { logs, clock, log_group, window, scope };
    let answers = questions.ask(facts, &FIRST, FIRST_END).await;
    let [totals, statuses, conversations] = answers.as_slice() else { return };
    if usable(statuses) {
        let records = rows::records(&statuses.results.rows);
        facts.reading.record_bytes = record_bytes(&statuses.results, records.all);
        facts.records = Some(records);
    }
    let totals = usable(totals).then(|| rows::totals(&totals.results.rows));
    facts.traffic = all_conversations(conversations, totals);
    look_further(facts, &questions, totals).await;
    look_at_time(facts, &questions).await;
}

/// What all conversations add up to, if they are all of them.
fn all_conversations(answer: &Answer, totals: Option<Totals>) -> Option<Traffic> {
    let most = usize::try_from(ReportQuery::Conversations.most_rows()).unwrap_or(usize::MAX);
    let rows = &answer.results.rows;
    let is_complete = answer.incomplete.is_none() && rows.len() < most;
    is_complete.then(|| {
        Traffic::of_conversations(
            &rows::conversations(rows),
            totals.and_then(|totals| totals.packets),
            totals.and_then(|totals| totals.records),
        )
    })
}

/// Asks for what is not known yet.
async fn look_further<L: LogsQueries, C: Clock>(
    facts: &mut Facts,
    questions: &Questions<'_, L, C>,
    totals: Option<Totals>,
) {
    let mut further = vec![];
    if facts.traffic.is_none() {
        further.extend(ONE_BY_ONE);
    }
    if facts.metered.is_none() {
        further.push(ReportQuery::Minutes);
    }
    if further.is_empty() {
        return;
    }
    let answers = questions.ask(facts, &further, ALL_END).await;
    let rows_of = |query| {
        let mut asked = further.iter().zip(&answers);
        let (_, answer) = asked.find(|(asked, _)| **asked == query)?;
        usable(answer).then_some(answer.results.rows.as_slice())
    };
    facts.minutes = rows_of(ReportQuery::Minutes).map(rows::minutes);
    if facts.traffic.is_none() {
        let rankings = Rankings {
            totals,
            clients: rows_of(ReportQuery::Clients),
            peers: rows_of(ReportQuery::Peers),
            pairs: rows_of(ReportQuery::Pairs),
            ports: rows_of(ReportQuery::Ports),
            services: rows_of(ReportQuery::Services),
        };
        facts.traffic = rankings.is_anything().then(|| rankings.traffic());
    }
}

/// Asks for the bytes of the largest clients over time, once it is known who they are.
async fn look_at_time<L: LogsQueries, C: Clock>(
    facts: &mut Facts,
    questions: &Questions<'_, L, C>,
) {
    let clients = facts.traffic.iter().flat_map(|traffic| &traffic.clients);
    let clients = clients.flat_map(|clients| clients.rows.iter().take(SERIES));
    let clients: Vec<_> = clients.map(|(client, _)| *client).collect();
    if clients.is_empty() {
        return;
    }
    let (from, to) = questions.window;
    let step = step_minutes(from, to);
    let text = texts::bytes_over_time(&clients, step, &questions.scope);
    let query = questions.query(text, ReportQuery::Minutes.most_rows());
    let answers = queries::run(questions.logs, questions.clock, ALL_END, &[query]).await;
    for answer in answers {
        note(facts, Some("Bytes over time, by client"), &answer);
        if usable(&answer) {
            let steps = rows::steps(&answer.results.rows, clients.len());
            facts.timeline = Timeline::of_steps(&clients, step, &steps);
        }
    }
}

/// Rows of a query that did not end are better than none.
fn usable(answer: &Answer) -> bool {
    answer.incomplete.is_none() || !answer.results.rows.is_empty()
}

/// What is missing without an answer.
fn what(query: ReportQuery) -> Option<&'static str> {
    Some(match query {
        ReportQuery::Totals => "What all connections add up to",
        ReportQuery::Statuses => "How many records there are, and of which status",
        // Then the questions are put one by one.
        ReportQuery::Conversations => return None,
        ReportQuery::Clients => "The top clients",
        ReportQuery::Peers => "The top peers",
        ReportQuery::Pairs => "The top pairs",
        ReportQuery::Ports => "The ports",
        ReportQuery::Services => "The AWS services",
        ReportQuery::Minutes => "The bytes of each minute",
    })
}

/// Notes what a query took, and what it did not answer.
fn note(facts: &mut Facts, what: Option<&str>, answer: &Answer) {
    facts.reading.queries += 1;
    facts.reading.scanned_bytes += whole(answer.results.statistics.bytes_scanned);
    let (Some(what), Some(why)) = (what, &answer.incomplete) else { return };
    let part = if answer.results.rows.is_empty() { "" } else { " (only a part is known)" };
    facts.missing.push(format!("{what}{part}: {NOT_ANSWERED}, {why}."));
}

/// What this gateway's records take, by the size of those that a query looked at.
#[expect(clippy::cast_precision_loss, reason = "a number of records")]
fn record_bytes(results: &QueryResults, records: u64) -> Option<u64> {
    let statistics = &results.statistics;
    (statistics.records_scanned > 0.0)
        .then(|| whole(statistics.bytes_scanned / statistics.records_scanned * records as f64))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size, which is not negative"
)]
fn whole(number: f64) -> u64 {
    number.round() as u64
}
