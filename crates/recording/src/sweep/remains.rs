//! What there is of each execution outside of Step Functions: flow logs, and a lease.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::CLOCKS_DIFFER;
use crate::{
    NatGatewayId,
    ports::{ExecutionStatus, TaggedFlowLog},
    protocol::{attribute, phase},
    table::Item,
};

/// What there is of an execution.
#[derive(Clone, Debug)]
pub(super) struct Remains<'a> {
    /// The execution's ARN; empty, when a flow log of this stack does not name it.
    pub(super) execution: String,
    pub(super) gateway: Option<&'a NatGatewayId>,
    /// The gateway's item, if this execution holds its lease.
    pub(super) lease: Option<&'a Item>,
    pub(super) flow_logs: Vec<&'a TaggedFlowLog>,
}

impl<'a> Remains<'a> {
    pub(super) fn none(execution: String) -> Self {
        Self { execution, gateway: None, lease: None, flow_logs: Vec::new() }
    }

    pub(super) fn flow_log_ids(&self) -> impl Iterator<Item = String> {
        self.flow_logs.iter().map(|found| found.flow_log.id.clone())
    }

    /// When its lease passes; table and tags say the same, as far as they say it.
    pub(super) fn lease_ends_at(&self) -> Option<Timestamp> {
        let in_table = self.lease.and_then(|item| item.number(attribute::LEASE_ENDS_AT));
        let in_table = in_table.and_then(|at| Timestamp::from_millisecond(at).ok());
        let in_tags = self.flow_logs.iter().filter_map(|found| found.lease_ends_at);
        in_tags.chain(in_table).max()
    }

    /// The counter that it is counted in, if all says that nothing was recorded.
    pub(super) fn counter_to_give_back(&self) -> Option<&'a str> {
        let item = self.lease?;
        let has_recorded = !self.flow_logs.is_empty()
            || item.text(attribute::PHASE) == Some(phase::RECORDING)
            || item.text(attribute::FLOW_LOG_IDS).is_some();
        item.text(attribute::COUNTED_IN).filter(|_| !has_recorded)
    }

    /// Whether its flow logs alone tell that something was recorded.
    pub(super) fn is_counted_by_tags_alone(&self) -> bool {
        let is_noted = |item: &Item| item.text(attribute::FLOW_LOG_IDS).is_some();
        let is_counted = |item: &Item| item.text(attribute::COUNTED_IN).is_some();
        !self.flow_logs.is_empty()
            && self.lease.is_some_and(|item| is_counted(item) && !is_noted(item))
    }

    /// What it is, for people.
    pub(super) fn words(&self) -> String {
        let what = match (self.flow_logs.as_slice(), self.gateway) {
            ([], Some(gateway)) => format!("the lease of {gateway}"),
            ([], None) => "nothing".to_owned(),
            _ => format!("flow log {}", self.flow_log_ids().collect::<Vec<_>>().join(", ")),
        };
        format!("{what} (execution {})", self.execution)
    }
}

/// What there is, by the executions, in the order of their ARNs.
pub(super) fn by_execution<'a>(
    flow_logs: &'a [TaggedFlowLog],
    items: &'a [(NatGatewayId, Item)],
) -> Vec<Remains<'a>> {
    let mut remains: BTreeMap<&str, Remains<'a>> = BTreeMap::new();
    for found in flow_logs {
        let execution = found.execution.as_deref().unwrap_or_default();
        let of_it = remains.entry(execution).or_insert_with(|| Remains::none(execution.to_owned()));
        of_it.gateway = of_it.gateway.or(found.gateway.as_ref());
        of_it.flow_logs.push(found);
    }
    for (gateway, item) in items {
        let Some(execution) = item.text(attribute::EXECUTION) else { continue };
        let of_it = remains.entry(execution).or_insert_with(|| Remains::none(execution.to_owned()));
        of_it.gateway = Some(gateway);
        of_it.lease = Some(item);
    }
    remains.into_values().collect()
}

/// What is to be done about what there is of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is being recorded: hands off.
    Live,
    /// Its time is up although it runs: its flow logs go, the rest it does itself.
    Overdue,
    /// Nobody comes back for it.
    Dead,
}

/// A status of `None`: Step Functions does not know the execution, since it has forgotten it, or
/// since it began a moment ago.
pub(super) fn judge(
    status: Option<ExecutionStatus>,
    lease_ends_at: Option<Timestamp>,
    now: Timestamp,
) -> Verdict {
    let has_passed = |ends: Timestamp| {
        ends.saturating_add(CLOCKS_DIFFER).is_ok_and(|certainly_passed| certainly_passed < now)
    };
    match (status, lease_ends_at.map(has_passed)) {
        (Some(ExecutionStatus::Running), Some(true)) => Verdict::Overdue,
        (Some(ExecutionStatus::Running), _) | (None, Some(false)) => Verdict::Live,
        _ => Verdict::Dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_and_is_in_time_lives() {
        use ExecutionStatus::{Aborted, Failed, Running, Succeeded, TimedOut};
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        let (in_time, passed) = (Some(at(1_000)), Some(at(99)));
        let now = at(1_000);
        for (status, lease, verdict) in [
            (Some(Running), in_time, Verdict::Live),
            // By another clock it may still be in time.
            (Some(Running), Some(at(100)), Verdict::Live),
            (Some(Running), passed, Verdict::Overdue),
            (Some(Running), None, Verdict::Live),
            (Some(Succeeded), in_time, Verdict::Dead),
            (Some(Failed), in_time, Verdict::Dead),
            (Some(TimedOut), None, Verdict::Dead),
            (Some(Aborted), passed, Verdict::Dead),
            // It may have begun a moment ago.
            (None, in_time, Verdict::Live),
            (None, passed, Verdict::Dead),
            (None, None, Verdict::Dead),
        ] {
            assert_eq!(judge(status, lease, now), verdict, "{status:?} {lease:?}");
        }
    }
}
