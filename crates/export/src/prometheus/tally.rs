//! Counting records.

use std::ops::AddAssign;

use flowlog::{Action, Field, FlowDirection, LogStatus, Record};
use serde::{Deserialize, Serialize};

use super::Subnets;

/// The fields that are counted by.
pub const WANTED_FIELDS: [Field; 6] = [
    Field::SrcAddr,
    Field::DstAddr,
    Field::Packets,
    Field::Bytes,
    Field::Action,
    Field::FlowDirection,
];

/// Which ends of a record's traffic are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The source as sending and the destination as receiving, whichever of the two interfaces has
    /// logged it: traffic between two subnets is counted twice where both are logged.
    Both,
    /// The end that `flow-direction` says is the interface's: everything is counted once, but what
    /// another interface would have logged is not counted.
    Logged,
}

/// What is counted of a subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetCounts {
    /// Bytes whose destination is in the subnet, whether they were let in or not.
    pub received_bytes: u64,
    /// Bytes whose source is in the subnet.
    pub sent_bytes: u64,
    /// Packets whose destination is in the subnet.
    pub received_packets: u64,
    /// Packets whose source is in the subnet.
    pub sent_packets: u64,
    /// Packets that were let through, of the destination's subnet or else of the source's.
    pub accepts: u64,
    /// Packets that were not.
    pub denies: u64,
}

impl AddAssign for SubnetCounts {
    /// Adds up; 64 bits of bytes last for centuries, and stay full then.
    fn add_assign(&mut self, more: Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.received_bytes, more.received_bytes);
        add(&mut self.sent_bytes, more.sent_bytes);
        add(&mut self.received_packets, more.received_packets);
        add(&mut self.sent_packets, more.sent_packets);
        add(&mut self.accepts, more.accepts);
        add(&mut self.denies, more.denies);
    }
}

/// What the records of a piece of input add up to.
#[derive(Clone, Debug)]
pub struct Tally<'s> {
    subnets: &'s Subnets,
    ends: Ends,
    /// By the place of the subnet.
    pub(super) counts: Vec<SubnetCounts>,
    /// Records that say that nothing passed.
    pub(super) nodata: u64,
    /// Records that say that others were lost.
    pub(super) skipdata: u64,
    /// Records without a value that is counted by: by the place in [`WANTED_FIELDS`].
    pub(super) lacking: [u64; WANTED_FIELDS.len()],
}

impl<'s> Tally<'s> {
    /// Nothing yet.
    #[must_use]
    pub fn new(subnets: &'s Subnets, ends: Ends) -> Self {
        Self {
            subnets,
            ends,
            counts: vec![SubnetCounts::default(); subnets.labels().len()],
            nodata: 0,
            skipdata: 0,
            lacking: [0; WANTED_FIELDS.len()],
        }
    }

    /// The subnets that were counted, with their labels.
    pub(super) fn counted(&self) -> impl Iterator<Item = (&str, SubnetCounts)> {
        let counts = self.subnets.labels().iter().zip(&self.counts);
        let counts = counts.filter(|(_, counts)| **counts != SubnetCounts::default());
        counts.map(|(label, counts)| (label.as_str(), *counts))
    }

    /// The labels of the subnets of a record's ends, as far as they are known.
    #[must_use]
    pub fn labels(&self, record: &Record<'_>) -> [Option<&'s str>; 2] {
        [Field::SrcAddr, Field::DstAddr].map(|field| {
            let place = record.address(field).and_then(|address| self.subnets.find(address));
            self.subnets.labels().get(place?).map(String::as_str)
        })
    }

    /// Counts a record.
    #[inline]
    pub fn add(&mut self, record: &Record<'_>) {
        match record.status() {
            LogStatus::Ok => self.add_traffic(record),
            LogStatus::NoData => self.nodata += 1,
            LogStatus::SkipData => self.skipdata += 1,
        }
    }

    fn add_traffic(&mut self, record: &Record<'_>) {
        let source = self.place(record, Field::SrcAddr);
        let destination = self.place(record, Field::DstAddr);
        let packets = self.number(record, Field::Packets);
        let bytes = self.number(record, Field::Bytes);
        let (sender, receiver) = match self.ends {
            Ends::Both => (source, destination),
            Ends::Logged => match record.flow_direction() {
                Some(FlowDirection::Egress) => (source, None),
                Some(FlowDirection::Ingress) => (None, destination),
                None => {
                    self.lack(Field::FlowDirection);
                    return;
                }
            },
        };
        if let Some(counts) = self.counts_at(sender) {
            counts.sent_bytes = counts.sent_bytes.saturating_add(bytes);
            counts.sent_packets = counts.sent_packets.saturating_add(packets);
        }
        if let Some(counts) = self.counts_at(receiver) {
            counts.received_bytes = counts.received_bytes.saturating_add(bytes);
            counts.received_packets = counts.received_packets.saturating_add(packets);
        }
        let Some(action) = record.action() else {
            self.lack(Field::Action);
            return;
        };
        if let Some(counts) = self.counts_at(receiver.or(sender)) {
            let sum = match action {
                Action::Accept => &mut counts.accepts,
                Action::Reject => &mut counts.denies,
            };
            *sum = sum.saturating_add(packets);
        }
    }

    fn counts_at(&mut self, place: Option<usize>) -> Option<&mut SubnetCounts> {
        self.counts.get_mut(place?)
    }

    fn place(&mut self, record: &Record<'_>, field: Field) -> Option<usize> {
        let address = record.address(field);
        if address.is_none() {
            self.lack(field);
        }
        self.subnets.find(address?)
    }

    fn number(&mut self, record: &Record<'_>, field: Field) -> u64 {
        record.number(field).unwrap_or_else(|| {
            self.lack(field);
            0
        })
    }

    #[cold]
    fn lack(&mut self, field: Field) {
        let lacking = WANTED_FIELDS.iter().zip(&mut self.lacking);
        lacking.filter(|(wanted, _)| **wanted == field).for_each(|(_, count)| *count += 1);
    }
}
