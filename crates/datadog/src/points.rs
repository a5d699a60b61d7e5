//! Records added up.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::ops::RangeInclusive;

use flowlog::{Action, Field, LogStatus, Record};
use rustc_hash::FxHashMap;

use crate::histogram::{Histogram, PERCENTILES};
use crate::metric::Metric;
use crate::subject::{Place, Subject};
use crate::{Interfaces, NEWEST_SECONDS, OLDEST_SECONDS, direction};

/// What is read of a record: for [`flowlog::Parser::checking`].
pub const FIELDS: [Field; 13] = [
    Field::AccountId,
    Field::Region,
    Field::InterfaceId,
    Field::SrcAddr,
    Field::DstAddr,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Start,
    Field::End,
    Field::Action,
    Field::FlowDirection,
    Field::LogStatus,
];

/// Where records without an account or a region of their own are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log<'l> {
    /// The account that owns the log group.
    pub account: &'l str,
    /// The region of the log group.
    pub region: &'l str,
}

/// How many records were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Records, whatever they say.
    pub records: u64,
    /// Records that say that nothing passed the interface.
    pub no_data: u64,
    /// Records that say that flows were lost.
    pub skip_data: u64,
    /// Lines that are no records.
    pub bad_lines: u64,
}

impl Seen {
    pub(crate) const fn add(&mut self, other: Self) {
        self.records += other.records;
        self.no_data += other.no_data;
        self.skip_data += other.skip_data;
        self.bad_lines += other.bad_lines;
    }
}

/// The records of one delivery, added up for each set of tags and each second.
///
/// A record counts for the second in which its interval began (`start`), or, without this field,
/// for its log event's second, which is the same.
#[derive(Clone, Debug)]
pub struct Points<'l> {
    log: Log<'l>,
    interfaces: &'l Interfaces,
    places: Vec<Place>,
    places_by_text: HashMap<Place, usize>,
    /// The place of the record before.
    last_place: usize,
    /// The addresses of each place's interface.
    own_addresses: Vec<&'l [IpAddr]>,
    totals: FxHashMap<(Subject, i64), Totals>,
    bad_lines: BTreeMap<i64, u64>,
    seen: Seen,
}

/// What the records of a second come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    flows: u64,
    no_data: u64,
    skip_data: u64,
    accepts: u64,
    rejects: u64,
    pub(crate) durations: Histogram,
    pub(crate) packets: Histogram,
    pub(crate) bytes: Histogram,
}

impl<'l> Points<'l> {
    /// No records yet. `interfaces` tells directions that records do not tell.
    #[must_use]
    pub fn new(log: Log<'l>, interfaces: &'l Interfaces) -> Self {
        Self {
            log,
            interfaces,
            places: vec![],
            places_by_text: HashMap::new(),
            last_place: 0,
            own_addresses: vec![],
            totals: FxHashMap::default(),
            bad_lines: BTreeMap::new(),
            seen: Seen::default(),
        }
    }

    /// Adds a record of a log event of this time, in milliseconds since 1970.
    pub fn add(&mut self, record: &Record<'_>, event_time: i64) {
        self.seen.records += 1;
        let status = record.status();
        let place = self.place(record);
        let start = record.number(Field::Start).and_then(|start| i64::try_from(start).ok());
        let second = start.unwrap_or(event_time.div_euclid(1000));
        let subject = match status {
            LogStatus::Ok => self.subject(record, place),
            LogStatus::NoData | LogStatus::SkipData => Subject::of(place),
        };
        let totals = self.totals.entry((subject, second)).or_default();
        totals.count(status);
        match status {
            LogStatus::Ok => totals.add(record),
            LogStatus::NoData => self.seen.no_data += 1,
            // One such record may stand for many flows, so it says nothing of any of them.
            LogStatus::SkipData => self.seen.skip_data += 1,
        }
    }

    /// Adds a line that is no record, of a log event of this time in milliseconds since 1970.
    pub fn add_bad_line(&mut self, event_time: i64) {
        self.seen.bad_lines += 1;
        *self.bad_lines.entry(event_time.div_euclid(1000)).or_default() += 1;
    }

    /// What was added so far.
    #[must_use]
    pub const fn seen(&self) -> Seen {
        self.seen
    }

    /// From which second to which there are points that the intake takes at `now`, in seconds
    /// since 1970. None if there are no such points.
    #[must_use]
    pub fn seconds(&self, now: i64) -> Option<RangeInclusive<i64>> {
        let seconds = || {
            let records = self.totals.keys().map(|(_, second)| *second);
            records.chain(self.bad_lines.keys().copied()).filter(|second| is_taken(*second, now))
        };
        Some(seconds().min()?..=seconds().max()?)
    }

    fn subject(&self, record: &Record<'_>, place: usize) -> Subject {
        let own = self.own_addresses.get(place).copied().unwrap_or_default();
        let (direction, address) = direction::of(record, own).unzip();
        let protocol = record.number(Field::Protocol).and_then(|number| u8::try_from(number).ok());
        Subject { place, protocol, direction, address: address.flatten() }
    }

    /// The record's place. Mostly that of the record before.
    fn place(&mut self, record: &Record<'_>) -> usize {
        let own = |field| record.text(field).filter(|text| !matches!(*text, "-" | "unknown"));
        let account = own(Field::AccountId).unwrap_or(self.log.account);
        let region = own(Field::Region).unwrap_or(self.log.region);
        let interface = own(Field::InterfaceId).unwrap_or_default();
        let is_same = |place: &Place| {
            place.interface == interface && place.account == account && place.region == region
        };
        if self.places.get(self.last_place).is_some_and(is_same) {
            return self.last_place;
        }
        let place = Place {
            account: account.to_owned(),
            region: region.to_owned(),
            interface: interface.to_owned(),
        };
        if let Some(known) = self.places_by_text.get(&place) {
            self.last_place = *known;
            return *known;
        }
        let addresses = self.interfaces.get(interface).map(Vec::as_slice).unwrap_or_default();
        self.own_addresses.push(addresses);
        self.places_by_text.insert(place.clone(), self.places.len());
        self.last_place = self.places.len();
        self.places.push(place);
        self.last_place
    }

    /// Must be called before [`Points::sorted`].
    pub(crate) fn sort(&mut self) {
        self.totals.values_mut().for_each(Totals::sort);
    }

    /// The totals with their subjects and seconds, in an order that depends on the records alone.
    pub(crate) fn sorted(&self) -> Vec<(Subject, i64, &Totals)> {
        let all = self.totals.iter();
        let mut sorted: Vec<_> =
            all.map(|((subject, second), totals)| (*subject, *second, totals)).collect();
        sorted.sort_unstable_by_key(|(subject, second, _)| (*subject, *second));
        sorted
    }

    /// The tags of a subject.
    pub(crate) fn tags(&self, subject: Subject) -> Vec<String> {
        self.places.get(subject.place).map(|place| subject.tags(place)).unwrap_or_default()
    }

    /// How many lines of each second are no records, and the tags of these counts.
    pub(crate) fn bad_lines(&self) -> (&BTreeMap<i64, u64>, Vec<String>) {
        let place = Place {
            account: self.log.account.to_owned(),
            region: self.log.region.to_owned(),
            interface: String::new(),
        };
        (&self.bad_lines, Subject::of(0).tags(&place))
    }
}

impl Totals {
    fn count(&mut self, status: LogStatus) {
        match status {
            LogStatus::Ok => self.flows += 1,
            LogStatus::NoData => self.no_data += 1,
            LogStatus::SkipData => self.skip_data += 1,
        }
    }

    fn add(&mut self, record: &Record<'_>) {
        match record.action() {
            Some(Action::Accept) => self.accepts += 1,
            Some(Action::Reject) => self.rejects += 1,
            None => {}
        }
        let end = record.number(Field::End);
        let duration = end.zip(record.number(Field::Start));
        self.durations.add(duration.and_then(|(end, start)| end.checked_sub(start)));
        self.packets.add(record.number(Field::Packets));
        self.bytes.add(record.number(Field::Bytes));
    }

    fn sort(&mut self) {
        self.durations.sort();
        self.packets.sort();
        self.bytes.sort();
    }

    /// How many records these are.
    pub(crate) fn records(&self) -> u64 {
        self.flows + self.no_data + self.skip_data
    }

    /// What was added up value by value: under what name it is a distribution, and under what name
    /// its percentiles are gauges.
    pub(crate) const fn histograms(&self) -> [(&'static str, &'static str, &Histogram); 3] {
        [
            ("duration", "duration.per_request", &self.durations),
            ("packets", "packets.per_request", &self.packets),
            ("bytes", "bytes.per_request", &self.bytes),
        ]
    }

    /// The values, each of another metric.
    pub(crate) fn values(&self) -> Vec<(Metric, u64)> {
        let status =
            |status: LogStatus| Metric::count("log_status").tagged("status", status.as_str());
        let action = |action: Action| Metric::count("action").tagged("action", action.as_str());
        let counts = [
            (status(LogStatus::Ok), self.flows),
            (status(LogStatus::NoData), self.no_data),
            (status(LogStatus::SkipData), self.skip_data),
            (action(Action::Accept), self.accepts),
            (action(Action::Reject), self.rejects),
        ];
        let mut values: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        for (name, histogram) in [("packets.total", &self.packets), ("bytes.total", &self.bytes)] {
            if !histogram.values().is_empty() {
                values.push((Metric::count(name), histogram.sum()));
            }
        }
        for (_, name, histogram) in self.histograms() {
            values.extend(PERCENTILES.iter().filter_map(|(end, percent)| {
                Some((Metric::gauge(name, end), histogram.percentile(*percent)?))
            }));
        }
        values
    }
}

/// Whether the intake takes a point of this second.
pub(crate) const fn is_taken(second: i64, now: i64) -> bool {
    !is_too_old(second, now) && !is_too_new(second, now)
}

pub(crate) const fn is_too_old(second: i64, now: i64) -> bool {
    second < now - OLDEST_SECONDS
}

pub(crate) const fn is_too_new(second: i64, now: i64) -> bool {
    second > now + NEWEST_SECONDS
}
