//! The report, as programs get it, and how it is made.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::advice::{self, Advice};
use crate::cause::Cause;
use crate::costs::Costs;
use crate::email::cut;
use crate::facts::{Destination, Facts, Gateway, Link, NOT_ANSWERED, Recording};
use crate::interface::Owner;
use crate::metered::MeteredMinute;
use crate::timeline::Timeline;
use crate::traffic::{Bytes, Count, Peer, Port, Ranking, Records, Totals};
use crate::words;

/// The version of the report's JSON. It rises when a field is renamed, removed or changes its
/// meaning; new fields may come at any time.
pub const VERSION: u32 = 1;

/// How many clients, peers and pairs are listed.
const ROWS: usize = 10;

/// What a recording says. Bytes, percents, seconds and dollars are named as such; moments are
/// RFC 3339 in UTC; what is not known is null or missing, and `missing` says why.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`VERSION`]
    pub version: u32,
    /// What was recorded.
    pub gateway: Gateway,
    /// When and why.
    pub recording: Recording,
    /// Who caused the spike.
    pub cause: Cause,
    /// The busiest minute.
    pub peak: Option<Peak>,
    /// What CloudWatch metered.
    pub metered: Option<Metered>,
    /// What the records add up to.
    pub recorded: Option<Totals>,
    /// How much of what CloudWatch metered during the recording the records explain.
    pub explained_percent: Option<u64>,
    /// How many records of each kind there are.
    pub records: Option<Records>,
    /// The clients with the most bytes.
    pub clients: Option<List<Client>>,
    /// The peers with the most bytes.
    pub peers: Option<List<NamedPeer>>,
    /// The pairs with the most bytes.
    pub pairs: Option<List<Pair>>,
    /// The ports with the most bytes.
    pub ports: Option<List<NamedPort>>,
    /// The AWS services that were reached through the gateway.
    pub services: Option<List<Service>>,
    /// Bytes over time, by client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// Which endpoints would carry what passed the gateway.
    pub advice: Vec<Advice>,
    /// What the spike and the recording cost.
    pub costs: Costs,
    /// What does not bode well.
    pub warnings: Vec<String>,
    /// What could not be found out.
    pub missing: Vec<String>,
    /// Where to look further.
    pub links: Vec<Link>,
    /// What was left out, for there was no room for it: `metered.minutes`, `links`, …
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// The busiest minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peak {
    /// When it begins.
    pub at: Timestamp,
    /// What passed in it.
    #[serde(flatten)]
    pub bytes: Bytes,
    /// Whether the records say so, for want of what CloudWatch metered.
    pub is_from_records: bool,
}

/// What CloudWatch metered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metered {
    /// When the first minute begins: before the recording did.
    pub from: Timestamp,
    /// When the last minute ends.
    pub to: Timestamp,
    /// What passed in all of them.
    #[serde(flatten)]
    pub bytes: Bytes,
    /// What passed in the minutes of the recording.
    pub during_recording: Bytes,
    /// Each minute.
    pub minutes: Vec<MeteredMinute>,
}

/// The rows with the most bytes, and what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct List<T> {
    /// The most bytes first.
    pub rows: Vec<Row<T>>,
    /// Everything that is not in the rows, where the totals are known.
    pub others: Option<Others>,
}

impl<T> List<T> {
    /// Everything: the rows, and what is not in them.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        let shown: u64 = self.rows.iter().map(|row| row.total_bytes).sum();
        shown + self.others.map_or(0, |others| others.bytes.total())
    }
}

/// A row of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<T> {
    /// Who or what.
    #[serde(flatten)]
    pub what: T,
    /// What it exchanged.
    #[serde(flatten)]
    pub bytes: Bytes,
    /// Both directions.
    pub total_bytes: u64,
    /// Its share of all bytes.
    pub share_percent: u64,
}

/// What is not among a list's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Others {
    /// How many they are.
    pub count: Option<Count>,
    /// What they exchanged.
    #[serde(flatten)]
    pub bytes: Bytes,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// Its address.
    pub client: IpAddr,
    /// Who is behind it.
    pub owner: Option<Owner>,
}

/// A peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedPeer {
    /// Its address.
    pub peer: IpAddr,
    /// AWS's service there.
    pub service: Option<String>,
    /// AWS's region there.
    pub region: Option<String>,
}

/// Who with whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// The client.
    #[serde(flatten)]
    pub client: Client,
    /// The peer.
    #[serde(flatten)]
    pub peer: NamedPeer,
}

/// A port of the peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedPort {
    /// 0 for protocols without ports.
    pub port: u16,
    /// `TCP`, `UDP`, …
    pub transport: String,
}

/// An AWS service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// As the flow logs spell it; nothing: peers that are no AWS service.
    pub service: Option<String>,
}

impl Report {
    /// The report of what is known.
    #[must_use]
    pub fn new(facts: Facts) -> Self {
        let metered = facts.metered.as_deref().and_then(|minutes| metered(minutes, &facts));
        let totals = facts.traffic.as_ref().and_then(|traffic| traffic.totals);
        let explained_percent = explained_percent(totals.as_ref(), metered.as_ref());
        Self {
            version: VERSION,
            cause: cause(&facts),
            peak: peak(&facts),
            costs: Costs::of(&facts, metered.as_ref().map(|metered| metered.bytes)),
            advice: advice::of(&facts),
            clients: list(
                &facts,
                |traffic| traffic.clients.as_ref(),
                ROWS,
                |client| client_of(&facts, *client),
            ),
            peers: list(
                &facts,
                |traffic| traffic.peers.as_ref(),
                ROWS,
                |peer| peer_of(&facts, peer),
            ),
            pairs: list(
                &facts,
                |traffic| traffic.pairs.as_ref(),
                ROWS,
                |(client, peer)| Pair {
                    client: client_of(&facts, *client),
                    peer: peer_of(&facts, peer),
                },
            ),
            ports: list(&facts, |traffic| traffic.ports.as_ref(), ROWS / 2, port_of),
            services: list(
                &facts,
                |traffic| traffic.services.as_ref(),
                ROWS,
                |service| Service { service: service.clone() },
            ),
            warnings: short(&warnings(&facts)),
            recorded: totals,
            metered,
            explained_percent,
            records: facts.records,
            timeline: facts.timeline,
            gateway: facts.gateway,
            recording: facts.recording,
            missing: short(&facts.missing),
            links: facts.links,
            left_out: vec![],
        }
    }

    /// The report that programs got as this JSON, or why it is none.
    pub fn read(json: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let Versioned { version } =
            serde_json::from_str(json).map_err(|error| format!("it is no report: {error}"))?;
        if version != VERSION {
            return Err(format!("it has version {version}; expected {VERSION}"));
        }
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// The report with what it lacks, by its records: the bytes over time, and everything about
    /// the traffic if it does not have that. What else it says stays.
    #[must_use]
    pub fn with_records(self, records: Facts) -> Self {
        let of_records = Self::new(Facts {
            gateway: self.gateway.clone(),
            recording: self.recording.clone(),
            owners: self.owners(),
            ..records
        });
        if self.recorded.is_some() {
            return Self { timeline: of_records.timeline, ..self };
        }
        let nat_processing = self.costs.nat_processing.or(of_records.costs.nat_processing);
        let is_answered = |missing: &String| !missing.contains(NOT_ANSWERED);
        Self {
            explained_percent: explained_percent(
                of_records.recorded.as_ref(),
                self.metered.as_ref(),
            ),
            version: self.version,
            gateway: self.gateway,
            recording: self.recording,
            peak: self.peak.or(of_records.peak),
            metered: self.metered,
            costs: Costs { nat_processing, ..self.costs },
            warnings: [self.warnings, of_records.warnings].concat(),
            missing: self.missing.into_iter().filter(is_answered).collect(),
            links: self.links,
            left_out: self.left_out,
            ..of_records
        }
    }

    /// Who is behind the addresses in the lists.
    fn owners(&self) -> BTreeMap<IpAddr, Owner> {
        let clients = self.clients.iter().flat_map(|list| &list.rows).map(|row| &row.what);
        let pairs = self.pairs.iter().flat_map(|list| &list.rows).map(|row| &row.what.client);
        let named = clients.chain(pairs);
        named.filter_map(|client| Some((client.client, client.owner.clone()?))).collect()
    }

    /// The report as JSON, in one line of at most so many bytes, if there is a limit above 32 KiB:
    /// what matters least is left out until it fits.
    #[must_use]
    pub fn json(&self, most_bytes: usize) -> String {
        let mut report = self.clone();
        let mut json = to_json(&report);
        for (what, leave_out) in LEFT_OUT_IN_TURN {
            if json.len() <= most_bytes {
                break;
            }
            leave_out(&mut report);
            report.left_out.push(what.to_owned());
            json = to_json(&report);
        }
        json
    }

    /// Cuts every text that somebody else wrote.
    fn shorten(&mut self) {
        const CHARACTERS: usize = 80;
        const SENTENCES: usize = 10;
        let recording = &mut self.recording;
        let clients = self.clients.iter_mut().flat_map(|list| &mut list.rows);
        let clients = clients.map(|row| &mut row.what);
        let pairs = self.pairs.iter_mut().flat_map(|list| &mut list.rows);
        let clients = clients.chain(pairs.map(|row| &mut row.what.client));
        let owners = clients.filter_map(|client| client.owner.as_mut());
        let texts = [&mut self.gateway.name, &mut recording.why_started, &mut recording.stack];
        let sentences = [&mut self.warnings, &mut self.missing, &mut recording.flow_logs];
        let sentences = sentences.into_iter().flat_map(|sentences| {
            sentences.truncate(SENTENCES);
            sentences.iter_mut()
        });
        let texts = texts.into_iter().chain(owners.map(|owner| &mut owner.name)).flatten();
        for text in texts.chain(sentences) {
            *text = cut(text, CHARACTERS);
        }
    }
}

/// Takes something out of a report.
type LeaveOut = fn(&mut Report);

/// What a report can do without, what matters least first: [`Report::left_out`] calls it so.
const LEFT_OUT_IN_TURN: [(&str, LeaveOut); 5] = [
    ("metered.minutes", |report| {
        report.metered.iter_mut().for_each(|metered| metered.minutes.clear());
    }),
    ("links", |report| report.links.clear()),
    ("timeline", |report| report.timeline = None),
    ("long texts", Report::shorten),
    ("lists", |report| {
        report.advice.clear();
        report.peers = None;
        report.pairs = None;
        report.ports = None;
        report.services = None;
    }),
];

/// A sentence with what AWS said in it is not longer than that.
const SENTENCE_CHARACTERS: usize = 500;

fn short(sentences: &[String]) -> Vec<String> {
    sentences.iter().map(|sentence| cut(sentence, SENTENCE_CHARACTERS)).collect()
}

fn explained_percent(recorded: Option<&Totals>, metered: Option<&Metered>) -> Option<u64> {
    let during = metered?.during_recording.total();
    let recorded = recorded?.bytes.total();
    (during > 0).then(|| words::percent(recorded, during))
}

fn to_json(report: &Report) -> String {
    // Nothing of it can fail: it has no maps, and its numbers are finite.
    serde_json::to_string(report).unwrap_or_default()
}

fn cause(facts: &Facts) -> Cause {
    match (&facts.traffic, facts.reading.destination) {
        (None, Some(Destination::S3)) => Cause::InBucket,
        (traffic, _) => Cause::of(traffic.as_ref()),
    }
}

fn list<K: Ord + Clone, T>(
    facts: &Facts,
    ranking: impl Fn(&crate::traffic::Traffic) -> Option<&Ranking<K>>,
    most: usize,
    name: impl Fn(&K) -> T,
) -> Option<List<T>> {
    let traffic = facts.traffic.as_ref()?;
    let ranking = ranking(traffic)?;
    let mut shown = Bytes::default();
    let mut known = Bytes::default();
    ranking.rows.iter().take(most).for_each(|(_, bytes)| shown.add(*bytes));
    ranking.rows.iter().for_each(|(_, bytes)| known.add(*bytes));
    let all = traffic.totals.map_or(known, |totals| totals.bytes);
    let rows: Vec<_> = ranking
        .rows
        .iter()
        .take(most)
        .map(|(key, bytes)| Row {
            what: name(key),
            bytes: *bytes,
            total_bytes: bytes.total(),
            share_percent: words::percent(bytes.total(), all.total()),
        })
        .collect();
    let number = words::length(rows.len());
    let left = ranking.count.map(|count| Count {
        number: count.number.saturating_sub(number),
        is_exact: count.is_exact,
    });
    let others = Others { count: left, bytes: all.without(shown) };
    let has_others = traffic.totals.is_some() && others.bytes.total() > 0;
    Some(List { rows, others: has_others.then_some(others) })
}

fn client_of(facts: &Facts, client: IpAddr) -> Client {
    Client { client, owner: facts.owners.get(&client).cloned() }
}

fn peer_of(facts: &Facts, peer: &Peer) -> NamedPeer {
    let region = facts.ranges.as_ref().and_then(|ranges| ranges.region(peer.address));
    let region = region.map(str::to_owned);
    NamedPeer { peer: peer.address, service: peer.service.clone(), region }
}

fn port_of(port: &Port) -> NamedPort {
    NamedPort { port: port.number, transport: port.transport.clone() }
}

/// The clients that a report names, so that their owners can be looked up.
#[must_use]
pub fn clients_to_name(traffic: &crate::traffic::Traffic) -> Vec<IpAddr> {
    let clients = traffic.clients.iter().flat_map(|clients| clients.rows.iter().take(ROWS));
    let pairs = traffic.pairs.iter().flat_map(|pairs| pairs.rows.iter().take(ROWS));
    let mut named: Vec<_> =
        clients.map(|(client, _)| *client).chain(pairs.map(|((client, _), _)| *client)).collect();
    named.sort_unstable();
    named.dedup();
    named
}

fn bytes_of(minute: &MeteredMinute) -> Bytes {
    Bytes { upload_bytes: minute.upload_bytes, download_bytes: minute.download_bytes }
}

fn metered(minutes: &[MeteredMinute], facts: &Facts) -> Option<Metered> {
    let (first, last) = (minutes.first()?, minutes.last()?);
    let (mut bytes, mut during_recording) = (Bytes::default(), Bytes::default());
    for minute in minutes {
        bytes.add(bytes_of(minute));
        if is_during(minute, &facts.recording) {
            during_recording.add(bytes_of(minute));
        }
    }
    Some(Metered {
        from: first.at,
        to: minute_after(last.at),
        bytes,
        during_recording,
        minutes: minutes.to_vec(),
    })
}

fn minute_after(at: Timestamp) -> Timestamp {
    at.saturating_add(jiff::SignedDuration::from_mins(1)).unwrap_or(at)
}

/// Whether any of the minute lies in the recording.
fn is_during(minute: &MeteredMinute, recording: &Recording) -> bool {
    let begins_in_time = recording.to.is_none_or(|to| minute.at < to);
    let ends_in_time = recording.from.is_none_or(|from| minute_after(minute.at) > from);
    begins_in_time && ends_in_time
}

fn peak(facts: &Facts) -> Option<Peak> {
    let highest = |minutes: &Option<Vec<MeteredMinute>>| {
        let minutes = minutes.as_deref().unwrap_or_default();
        // The first of equal ones.
        let highest = minutes.iter().rev().max_by_key(|minute| minute.total_bytes());
        highest.copied().filter(|minute| minute.total_bytes() > 0)
    };
    let of = |is_from_records| {
        move |minute: MeteredMinute| Peak {
            at: minute.at,
            bytes: bytes_of(&minute),
            is_from_records,
        }
    };
    highest(&facts.metered).map(of(false)).or_else(|| highest(&facts.minutes).map(of(true)))
}

/// Records that end so much before the recording did are not all of them.
const LATE_SECONDS: i64 = 120;

fn warnings(facts: &Facts) -> Vec<String> {
    let mut warnings = facts.warnings.clone();
    if let Some(records) = &facts.records {
        if records.skipped > 0 {
            warnings.push(format!(
                "{} with the status SKIPDATA: AWS did not record some flows, so all sums are \
                 too low.",
                words::counted(records.skipped, "record")
            ));
        }
        if records.all == 0 {
            warnings.push(
                "No record has arrived: a flow log takes minutes to start, and records come \
                 minutes late. Look again with the links below."
                    .to_owned(),
            );
        }
        warnings.extend(late(records, &facts.recording));
    }
    let metered = facts.metered.as_deref().unwrap_or_default();
    let errors: u64 = metered.iter().map(|minute| minute.port_allocation_errors).sum();
    if errors > 0 {
        warnings.push(format!(
            "The gateway found no free port for {}: too many connections to one destination at \
             once (ErrorPortAllocation).",
            words::counted(errors, "connection")
        ));
    }
    let dropped: u64 = metered.iter().map(|minute| minute.dropped_packets).sum();
    if dropped > 0 {
        warnings.push(format!(
            "The gateway dropped {} (PacketsDropCount).",
            words::counted(dropped, "packet")
        ));
    }
    warnings
}

fn late(records: &Records, recording: &Recording) -> Option<String> {
    let (last, to) = (records.last_end?, recording.to?);
    let gap = to.duration_since(last);
    (gap.as_secs() > LATE_SECONDS).then(|| {
        format!(
            "The last record ends at {}, {} before the recording did: later ones had not \
             arrived when this was written.",
            words::moment(last),
            words::duration(gap)
        )
    })
}
