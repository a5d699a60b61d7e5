//! What the records of a recording add up to, for a report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ::report::metered::MeteredMinute;
use ::report::timeline::Timeline;
use ::report::traffic::{Bytes, Conversation, Peer, Port, Records, Traffic};
use flowlog::{Action, Field, Format, Leg, LogStatus, Value, protocol_keyword};
use jiff::Timestamp;

use crate::column::{Column, Row};
use crate::error::Error;
use crate::reading::Visitor;

/// How many sums by client and time there may be before times are rounded more coarsely: memory
/// must not grow with the length of a recording.
const MOST_TIMES: usize = 1 << 20;

/// Everything that a report says about records.
#[derive(Debug, Default)]
pub(super) struct Sums {
    conversations: HashMap<Ends, Bytes>,
    services: Names,
    packets: u64,
    counted: u64,
    minutes: BTreeMap<i64, Bytes>,
    by_client: Times,
    /// Records of each kind.
    pub records: Records,
    first_start: Option<u64>,
    last_end: Option<u64>,
    /// The gateways whose traffic was counted.
    pub gateways: BTreeSet<String>,
    /// Where they are, as the records say it.
    pub place: Place,
}

/// Who talks to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ends {
    client: IpAddr,
    peer: IpAddr,
    service: Option<usize>,
    port: u16,
    protocol: u8,
}

/// What records say about where they are from; the first one that says something counts.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub vpc_id: Option<String>,
    pub region: Option<String>,
    pub account_id: Option<String>,
}

impl Visitor for Sums {
    fn start(&mut self, _: &Format) -> Result<(), Error> {
        Ok(())
    }

    fn visit(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.count(row);
        match row.record.status() {
            LogStatus::NoData => self.records.no_data += 1,
            LogStatus::SkipData => self.records.skipped += 1,
            LogStatus::Ok if row.record.action() == Some(Action::Reject) => {
                self.records.rejected += 1;
                let bytes = row.record.number(Field::Bytes).unwrap_or_default();
                self.records.rejected_bytes = self.records.rejected_bytes.saturating_add(bytes);
            }
            LogStatus::Ok => self.add(row),
        }
        Ok(())
    }
}

impl Sums {
    fn count(&mut self, row: &Row<'_>) {
        self.records.all += 1;
        if let Some(start) = row.record.number(Field::Start) {
            self.first_start = Some(self.first_start.map_or(start, |first| first.min(start)));
        }
        if let Some(end) = row.record.number(Field::End) {
            self.last_end = Some(self.last_end.map_or(end, |last| last.max(end)));
        }
    }

    /// Adds a record of the client's side, which names both ends; the gateway's own would count
    /// the same bytes again.
    fn add(&mut self, row: &Row<'_>) {
        let Some((leg, client, peer)) = ends(row) else { return };
        let amount = row.record.number(Field::Bytes).unwrap_or_default();
        let bytes = if leg == Leg::Download {
            Bytes { upload_bytes: 0, download_bytes: amount }
        } else {
            Bytes { upload_bytes: amount, download_bytes: 0 }
        };
        let ends = Ends {
            client,
            peer,
            service: text(row, &Column::Service).map(|name| self.services.place(name)),
            port: number(row, &Column::Port),
            protocol: number(row, &Column::Field(Field::Protocol)),
        };
        self.conversations.entry(ends).or_default().add(bytes);
        self.counted += 1;
        let packets = row.record.number(Field::Packets).unwrap_or_default();
        self.packets = self.packets.saturating_add(packets);
        if let Some(minute) = row.record.number(Field::Start).and_then(minute_of) {
            self.minutes.entry(minute).or_default().add(bytes);
            self.by_client.add(client, minute, amount);
        }
        self.look_at_place(row);
    }

    fn look_at_place(&mut self, row: &Row<'_>) {
        if let Some(gateway) = text(row, &Column::Gateway)
            && !self.gateways.contains(gateway)
        {
            self.gateways.insert(gateway.to_owned());
        }
        let Place { vpc_id, region, account_id } = &mut self.place;
        for (known, field) in
            [(vpc_id, Field::VpcId), (region, Field::Region), (account_id, Field::AccountId)]
        {
            if known.is_none() {
                *known = text(row, &Column::Field(field)).map(str::to_owned);
            }
        }
    }

    /// When the first record begins and the last one ends.
    pub(super) fn window(&self) -> Option<(Timestamp, Timestamp)> {
        Some((moment(self.first_start?)?, moment(self.last_end?)?))
    }

    /// Each minute's bytes, in the order of time.
    pub(super) fn minutes(&self) -> Vec<MeteredMinute> {
        let minute = |(minute, bytes): (&i64, &Bytes)| {
            Some(MeteredMinute {
                at: Timestamp::from_second(minute * 60).ok()?,
                upload_bytes: bytes.upload_bytes,
                download_bytes: bytes.download_bytes,
                ..MeteredMinute::default()
            })
        };
        self.minutes.iter().filter_map(minute).collect()
    }

    /// Bytes over time, by client.
    pub(super) fn timeline(&self) -> Option<Timeline> {
        Timeline::new(&self.by_client.sums)
    }

    /// Who exchanged how much with whom.
    pub(super) fn traffic(&self) -> Traffic {
        let conversations = self.conversations.iter().map(|(ends, bytes)| Conversation {
            client: ends.client,
            peer: Peer {
                address: ends.peer,
                service: ends.service.and_then(|place| self.services.name(place)),
            },
            port: Port { number: ends.port, transport: transport(ends.protocol) },
            bytes: *bytes,
        });
        let conversations: Vec<_> = conversations.collect();
        Traffic::of_conversations(&conversations, Some(self.packets), Some(self.counted))
    }
}

fn text<'r>(row: &Row<'r>, column: &Column) -> Option<&'r str> {
    match column.value(row) {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The leg, the client and the peer of a record of the client's side.
fn ends(row: &Row<'_>) -> Option<(Leg, IpAddr, IpAddr)> {
    let leg = row.leg?;
    let client = row.record.address(leg.client_field()?)?;
    Some((leg, client, row.record.address(leg.peer_field())?))
}

/// A number, or 0 for what is missing: a protocol without ports has none.
fn number<N: TryFrom<u64> + Default>(row: &Row<'_>, column: &Column) -> N {
    match column.value(row) {
        Value::Number(number) => N::try_from(number).unwrap_or_default(),
        _ => N::default(),
    }
}

fn transport(protocol: u8) -> String {
    protocol_keyword(protocol).map_or_else(|| protocol.to_string(), str::to_owned)
}

fn minute_of(second: u64) -> Option<i64> {
    i64::try_from(second / 60).ok()
}

fn moment(second: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(second).ok()?).ok()
}

/// Names, each held once.
#[derive(Debug, Default)]
struct Names {
    names: Vec<String>,
}

impl Names {
    /// A name's place. There are some dozens of AWS services, so that looking is fast enough.
    fn place(&mut self, name: &str) -> usize {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        })
    }

    fn name(&self, place: usize) -> Option<String> {
        self.names.get(place).cloned()
    }
}

/// Bytes by client and minute.
#[derive(Debug)]
struct Times {
    sums: BTreeMap<(IpAddr, i64), u64>,
    /// What minutes are rounded down to.
    step: i64,
    most: usize,
}

impl Default for Times {
    fn default() -> Self {
        Self { sums: BTreeMap::new(), step: 1, most: MOST_TIMES }
    }
}

impl Times {
    fn add(&mut self, client: IpAddr, minute: i64, bytes: u64) {
        let sum = self.sums.entry((client, minute - minute.rem_euclid(self.step))).or_default();
        *sum = sum.saturating_add(bytes);
        if self.sums.len() > self.most {
            self.round();
        }
    }

    /// Rounds to steps twice as long. With many more clients than that there is nothing left to
    /// round: then there is one sum for each.
    fn round(&mut self) {
        self.step *= 2;
        for ((client, minute), bytes) in std::mem::take(&mut self.sums) {
            let sum = self.sums.entry((client, minute - minute.rem_euclid(self.step))).or_default();
            *sum = sum.saturating_add(bytes);
        }
        if self.sums.len() > self.most / 2 {
            self.most = self.sums.len().saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_recordings_are_rounded_and_lose_nothing() {
        let mut times = Times { most: 100, ..Times::default() };
        for minute in 0..10_000 {
            times.add(IpAddr::from([10, 0, 1, 1]), minute, 7);
        }
        assert!(times.sums.len() <= 100, "{}", times.sums.len());
        assert_eq!(times.sums.values().sum::<u64>(), 70_000);
    }

    #[test]
    fn many_clients_are_not_rounded_for_ever() {
        let mut times = Times { most: 100, ..Times::default() };
        for client in 0..1000_u32 {
            times.add(IpAddr::from(client.to_be_bytes()), 5, 1);
        }
        assert_eq!(times.sums.values().sum::<u64>(), 1000);
        assert!(times.step <= 16, "{}", times.step);
    }
}
