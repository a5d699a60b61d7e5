//! Which records count.

use std::collections::HashMap;
use std::net::IpAddr;
use std::str::FromStr;

use flowlog::{Action, Field, GatewayAddresses, Leg, LogStatus, Record};

use crate::column::{self, Column, Partition, Row};
use crate::condition::Condition;

/// Which legs of a connection count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Legs {
    /// Those that name both ends, so that nothing is counted twice.
    #[default]
    Ends,
    /// Every record as it is.
    All,
}

/// A gateway, as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayName {
    /// Its network interface (`eni-…`), or the ID of a regional gateway (`nat-…`).
    Id(Box<str>),
    /// One of its private addresses.
    Address(IpAddr),
}

/// A text that names no gateway.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected eni-…, nat-… (of a regional gateway) or a private address, found `{0}`")]
pub struct NoGatewayName(String);

impl FromStr for GatewayName {
    type Err = NoGatewayName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("eni-") || text.starts_with("nat-") {
            return Ok(Self::Id(text.into()));
        }
        text.parse().map(Self::Address).map_err(|_| NoGatewayName(text.to_owned()))
    }
}

/// Which records count.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// What rows must meet.
    pub condition: Option<Condition>,
    /// Records that start at this Unix second or later.
    pub since: Option<u64>,
    /// Records that start before this Unix second.
    pub until: Option<u64>,
    /// The gateways whose records count; any, if there is none.
    pub gateway_ids: Vec<Box<str>>,
    /// The gateways' private addresses; they are inferred, if there is none.
    pub gateway_addresses: GatewayAddresses,
    /// Which legs count.
    pub legs: Legs,
    /// What became of the traffic; anything, if there is none.
    pub action: Option<Action>,
    /// Whether records without traffic (NODATA, SKIPDATA) count.
    pub statuses: Statuses,
    /// Whether the rows' parts in connections are asked for.
    pub needs_flow: bool,
}

/// Which records without traffic are passed on. They are counted in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Statuses {
    /// All of them.
    #[default]
    All,
    /// SKIPDATA: they tell of lost flows.
    SkipDataOnly,
    /// None.
    OkOnly,
}

impl Selection {
    /// Whether the gateways' addresses must be inferred from the records.
    #[must_use]
    pub(crate) fn infers_addresses(&self) -> bool {
        self.needs_flow && self.gateway_addresses.as_slice().is_empty()
    }

    /// The columns that the choice itself needs, and what asks for each.
    #[must_use]
    pub(crate) fn columns(&self) -> Vec<(Column, &'static str)> {
        let mut columns: Vec<_> = vec![];
        if let Some(condition) = &self.condition {
            columns.extend(condition.columns().into_iter().cloned().map(|c| (c, "--where")));
        }
        if self.since.is_some() || self.until.is_some() {
            columns.push((Column::Field(Field::Start), "--since and --until"));
        }
        if !self.gateway_ids.is_empty() {
            columns.push((Column::Gateway, "--gateway"));
        }
        if self.action.is_some() {
            columns.push((Column::Field(Field::Action), "--action"));
        }
        columns
    }

    /// The fields that a record's part in a connection needs.
    #[must_use]
    pub(crate) fn flow_fields(&self) -> &'static [Field] {
        const GIVEN: &[Field] =
            &[Field::SrcAddr, Field::DstAddr, Field::PktSrcAddr, Field::PktDstAddr];
        const INFERRED: &[Field] = &[
            Field::SrcAddr,
            Field::DstAddr,
            Field::PktSrcAddr,
            Field::PktDstAddr,
            Field::FlowDirection,
        ];
        match (self.needs_flow, self.infers_addresses()) {
            (false, _) => &[],
            (true, false) => GIVEN,
            (true, true) => INFERRED,
        }
    }
}

/// How many records did not count, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Not the action that was asked for.
    pub other_action: u64,
    /// Another leg of a connection that is counted already.
    pub other_legs: u64,
    /// No part of a connection through a gateway.
    pub no_connection: u64,
}

impl LeftOut {
    /// Adds another's counts.
    pub(crate) const fn add(&mut self, other: Self) {
        self.other_action += other.other_action;
        self.other_legs += other.other_legs;
        self.no_connection += other.no_connection;
    }
}

/// The gateways' addresses, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gateways {
    known: Vec<(Box<str>, Known)>,
    /// The gateways' places.
    places: HashMap<Box<str>, usize>,
    /// The place of the record before: records of a gateway follow each other.
    last: usize,
}

#[derive(Clone, Debug, Default)]
struct Known {
    addresses: GatewayAddresses,
    /// Whether records of IPv4, and of IPv6, were told apart with these addresses.
    has_told: [bool; 2],
    /// Whether an address came to light after records of its family had been told apart.
    was_late: bool,
}

impl Known {
    fn leg(&mut self, record: &Record<'_>) -> Option<Leg> {
        let before = self.addresses.as_slice().len();
        self.addresses.learn(record);
        let new = self.addresses.as_slice().get(before..).unwrap_or_default();
        self.was_late |= new.iter().any(|address| self.has_told_without(*address));
        let leg = self.addresses.leg(record)?;
        let [v4, v6] = &mut self.has_told;
        *(if record.address(leg.peer_field())?.is_ipv4() { v4 } else { v6 }) = true;
        Some(leg)
    }

    /// Whether records may have been taken for what they are not if this is an address of the
    /// gateway that was not known.
    const fn has_told_without(&self, address: IpAddr) -> bool {
        let [v4, v6] = self.has_told;
        if address.is_ipv4() { v4 } else { v6 }
    }

    /// Takes over what was learnt from other records.
    fn merge(&mut self, other: &Self) {
        let lacks = |known: &Self, address: &IpAddr| {
            !known.addresses.as_slice().contains(address) && known.has_told_without(*address)
        };
        let both = self.addresses.as_slice().iter().chain(other.addresses.as_slice());
        let both: GatewayAddresses = both.copied().collect();
        let is_late =
            both.as_slice().iter().any(|address| lacks(self, address) || lacks(other, address));
        self.was_late |= other.was_late || is_late;
        self.addresses = both;
        let told = self.has_told.iter_mut().zip(other.has_told);
        told.for_each(|(mine, others)| *mine |= others);
    }
}

impl Gateways {
    /// The gateways and their addresses, in the order of their IDs.
    #[must_use]
    pub(crate) fn list(&self) -> Vec<(&str, &[IpAddr])> {
        let known = self.known.iter();
        let mut list: Vec<_> =
            known.map(|(id, known)| (&**id, known.addresses.as_slice())).collect();
        list.sort_unstable();
        list
    }

    /// Whether records may have been taken for what they are not.
    #[must_use]
    pub(crate) fn were_late(&self) -> bool {
        self.known.iter().any(|(_, known)| known.was_late)
    }

    /// Says that reading begins anew.
    pub(crate) fn forget_lateness(&mut self) {
        for (_, known) in &mut self.known {
            *known = Known { addresses: known.addresses.clone(), ..Known::default() };
        }
    }

    /// Takes over what was learnt elsewhere from the same records.
    pub(crate) fn merge(&mut self, other: Self) {
        for (id, learnt) in other.known {
            let is_new = !self.places.contains_key(&id);
            let place = self.place_of(id.as_bytes());
            let Some((_, known)) = self.known.get_mut(place) else { continue };
            if is_new {
                *known = learnt;
            } else {
                known.merge(&learnt);
            }
        }
    }

    /// The gateway's place, which it is given if it has none.
    fn place_of(&mut self, id: &[u8]) -> usize {
        if self.known.get(self.last).is_some_and(|(last, _)| last.as_bytes() == id) {
            return self.last;
        }
        self.place_of_another(&String::from_utf8_lossy(id))
    }

    fn place_of_another(&mut self, id: &str) -> usize {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = self.known.len();
        self.known.push((id.into(), Known::default()));
        self.places.insert(id.into(), place);
        place
    }

    fn leg(&mut self, record: &Record<'_>) -> Option<Leg> {
        self.last = self.place_of(column::gateway_id(record));
        let (_, known) = self.known.get_mut(self.last)?;
        known.leg(record)
    }
}

/// Applies a selection, learning the gateways' addresses on the way.
#[derive(Clone, Debug)]
pub(crate) struct Selector<'s> {
    selection: &'s Selection,
    infers_addresses: bool,
    /// What was learnt.
    pub gateways: Gateways,
    /// What did not count.
    pub left_out: LeftOut,
}

impl<'s> Selector<'s> {
    /// A selector that knows `gateways` already.
    #[must_use]
    pub(crate) fn new(selection: &'s Selection, gateways: Gateways) -> Self {
        let infers_addresses = selection.infers_addresses();
        Self { selection, infers_addresses, gateways, left_out: LeftOut::default() }
    }

    /// The record as a row, if it counts.
    #[inline]
    pub(crate) fn select<'r>(
        &mut self,
        record: Record<'r>,
        partitions: &'r [Partition],
    ) -> Option<Row<'r>> {
        let selection = self.selection;
        if !selection.admits_status(record.status()) || !selection.admits_time(&record) {
            return None;
        }
        if !selection.admits_gateway(&record) {
            return None;
        }
        let mut row = Row { record, partitions, leg: None };
        if selection.needs_flow {
            row.leg = self.leg(&record);
        }
        if selection.condition.as_ref().is_some_and(|condition| !condition.is_met(&row)) {
            return None;
        }
        if selection.action.is_some() && record.action() != selection.action {
            self.left_out.other_action += u64::from(record.status() == LogStatus::Ok);
            return None;
        }
        self.admits_leg(&row).then_some(row)
    }

    fn leg(&mut self, record: &Record<'_>) -> Option<Leg> {
        if self.infers_addresses {
            self.gateways.leg(record)
        } else {
            self.selection.gateway_addresses.leg(record)
        }
    }

    fn admits_leg(&mut self, row: &Row<'_>) -> bool {
        if self.selection.legs == Legs::All {
            return true;
        }
        match row.leg {
            Some(leg) if leg.names_both_ends() => true,
            Some(_) => {
                self.left_out.other_legs += 1;
                false
            }
            None => {
                self.left_out.no_connection += u64::from(row.record.status() == LogStatus::Ok);
                false
            }
        }
    }
}

impl Selection {
    fn admits_status(&self, status: LogStatus) -> bool {
        match self.statuses {
            Statuses::All => true,
            Statuses::SkipDataOnly => status != LogStatus::NoData,
            Statuses::OkOnly => status == LogStatus::Ok,
        }
    }

    fn admits_time(&self, record: &Record<'_>) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let Some(start) = record.number(Field::Start) else { return false };
        self.since.is_none_or(|since| start >= since)
            && self.until.is_none_or(|until| start < until)
    }

    fn admits_gateway(&self, record: &Record<'_>) -> bool {
        if self.gateway_ids.is_empty() {
            return true;
        }
        let found = column::gateway_id(record);
        self.gateway_ids.iter().any(|id| id.as_bytes() == found)
    }
}
