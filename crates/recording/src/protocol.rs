//! Every write to the table, and the rules that they keep together.
//!
//! One item per gateway. `lastAlarmAt` and `lastOkAt` are the newest alarm and
//! the newest OK, in epoch milliseconds of CloudWatch's clock. `now` is always
//! Step Functions' clock. So no two clocks are ever compared.
//!
//! 1. At most one execution holds the gateway's lease.
//! 2. An alarm not newer than the newest alarm or OK starts nothing.
//! 3. What ends something is conditional on `execution` being the writer, so that
//!    a late straggler cannot wipe its successor.
//! 4. A counter never exceeds what is allowed, and is given back at most once for
//!    each reservation.
//! 5. A recording stops only when its time is used up, or when no alarm is newer
//!    than the newest OK.

use jiff::Timestamp;

use crate::table::{Condition, Write};

/// Attributes of an item; the counters of [`crate::quota`] come on top.
pub mod attribute {
    /// The newest alarm.
    pub const LAST_ALARM_AT: &str = "lastAlarmAt";
    /// The execution that brought the newest alarm.
    pub const LAST_ALARM_EXECUTION: &str = "lastAlarmExecution";
    /// The newest OK.
    pub const LAST_OK_AT: &str = "lastOkAt";
    /// The execution that holds the lease; missing: nobody.
    pub const EXECUTION: &str = "execution";
    /// How far the recording is.
    pub const PHASE: &str = "phase";
    /// Whether an alarm or a hand started it.
    pub const STARTED_BY: &str = "startedBy";
    /// When the lease was taken.
    pub const RESERVED_AT: &str = "reservedAt";
    /// When the lease passes.
    pub const LEASE_ENDS_AT: &str = "leaseEndsAt";
    /// The counter that the recording was counted in, until it is given back.
    pub const COUNTED_IN: &str = "countedIn";
    /// The flow logs, separated by commas.
    pub const FLOW_LOG_IDS: &str = "flowLogIds";
    /// The token of the execution that waits.
    pub const TASK_TOKEN: &str = "taskToken";
    /// That the gateway no longer exists has been announced, as of
    /// [`announcement`](super::announcement).
    pub const GONE: &str = "announcedGone";
}

/// Values of [`attribute::PHASE`].
pub mod phase {
    /// The lease is taken, no flow log has been asked for.
    pub const RESERVED: &str = "reserved";
    /// Flow logs are asked for, none is known.
    pub const STARTING: &str = "starting";
    /// The flow logs are there.
    pub const RECORDING: &str = "recording";
    /// The flow logs are being deleted; a new alarm may take the lease over.
    pub const STOPPING: &str = "stopping";
}

/// Values of [`attribute::STARTED_BY`].
pub mod started_by {
    /// The gateway's alarm.
    pub const ALARM: &str = "alarm";
    /// Somebody who started the execution by hand.
    pub const HAND: &str = "hand";
}

use attribute::{
    COUNTED_IN, EXECUTION, FLOW_LOG_IDS, LAST_ALARM_AT, LAST_ALARM_EXECUTION, LAST_OK_AT,
    LEASE_ENDS_AT, PHASE, RESERVED_AT, STARTED_BY, TASK_TOKEN,
};

/// A lease about to be taken.
#[derive(Clone, Debug)]
pub struct Lease<'a> {
    /// Who takes it.
    pub execution: &'a str,
    /// From when.
    pub now: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
}

/// Takes the lease for an alarm and counts the recording, in one write.
#[must_use]
pub fn reserve(lease: &Lease<'_>, alarm_at: Timestamp, counter: &str, allowed: i64) -> Write {
    let mut conditions = vec![
        older_or_missing(LAST_ALARM_AT, alarm_at),
        older_or_missing(LAST_OK_AT, alarm_at),
        lease_is_free(lease.now),
    ];
    if allowed > 0 {
        conditions.push(Condition::Any(vec![
            Condition::Missing(counter.into()),
            Condition::Below(counter.into(), allowed),
        ]));
    }
    take(lease, Condition::All(conditions))
        .set(STARTED_BY, started_by::ALARM)
        .set(LAST_ALARM_AT, alarm_at.as_millisecond())
        .set(LAST_ALARM_EXECUTION, lease.execution)
        .set(COUNTED_IN, counter)
        .add(counter, 1)
        .remove(&[TASK_TOKEN, FLOW_LOG_IDS])
}

/// Takes the lease for a start by hand, outside the quota.
#[must_use]
pub fn reserve_by_hand(lease: &Lease<'_>) -> Write {
    take(lease, lease_is_free(lease.now)).set(STARTED_BY, started_by::HAND).remove(&[
        TASK_TOKEN,
        FLOW_LOG_IDS,
        COUNTED_IN,
    ])
}

/// Notes an alarm that comes during a recording.
#[must_use]
pub fn note_alarm(execution: &str, now: Timestamp, alarm_at: Timestamp) -> Write {
    Write::when(Condition::All(vec![
        older_or_missing(LAST_ALARM_AT, alarm_at),
        older_or_missing(LAST_OK_AT, alarm_at),
        lease_is_held(now),
    ]))
    .set(LAST_ALARM_AT, alarm_at.as_millisecond())
    .set(LAST_ALARM_EXECUTION, execution)
}

/// Notes an OK. The same one again is accepted, so that a retry works.
#[must_use]
pub fn note_ok(ok_at: Timestamp) -> Write {
    Write::when(older_or_missing_or_equal(LAST_OK_AT, ok_at))
        .set(LAST_OK_AT, ok_at.as_millisecond())
}

/// Stores the token of the execution that waits, unless there is nothing left to
/// wait for. The state machine itself does this write.
#[must_use]
pub fn store_token(execution: &str, task_token: &str) -> Write {
    Write::when(Condition::All(vec![
        is(EXECUTION, execution),
        Condition::Any(vec![
            is(STARTED_BY, started_by::HAND),
            Condition::Missing(LAST_OK_AT.into()),
            Condition::AtMost(LAST_OK_AT.into(), LAST_ALARM_AT.into()),
        ]),
    ]))
    .set(TASK_TOKEN, task_token)
}

/// Asks for leave to create flow logs: the execution still holds the lease and
/// is not being cleaned up after.
#[must_use]
pub fn claim(execution: &str) -> Write {
    Write::when(holds_and_is_not_stopping(execution)).set(PHASE, phase::STARTING)
}

/// Notes the flow logs that were created.
#[must_use]
pub fn note_flow_logs(execution: &str, flow_log_ids: &[String]) -> Write {
    Write::when(holds_and_is_not_stopping(execution))
        .set(PHASE, phase::RECORDING)
        .set(FLOW_LOG_IDS, flow_log_ids.join(",").as_str())
}

/// Marks the recording as stopping, unless the spike has come back and the
/// recording has time left.
#[must_use]
pub fn begin_stop(execution: &str, time_is_used_up: bool) -> Write {
    let mut conditions = vec![is(EXECUTION, execution)];
    if !time_is_used_up {
        conditions.push(Condition::Any(vec![
            is(PHASE, phase::STOPPING),
            is(STARTED_BY, started_by::HAND),
            Condition::AtMost(LAST_ALARM_AT.into(), LAST_OK_AT.into()),
        ]));
    }
    Write::when(Condition::All(conditions)).set(PHASE, phase::STOPPING)
}

/// Marks the recording as stopping and gives its count back, in one write and
/// therefore once; not when the table knows of a flow log.
#[must_use]
pub fn give_back(execution: &str, counter: &str) -> Write {
    Write::when(Condition::All(vec![
        is(EXECUTION, execution),
        is(COUNTED_IN, counter),
        Condition::Missing(FLOW_LOG_IDS.into()),
    ]))
    .set(PHASE, phase::STOPPING)
    .add(counter, -1)
    .remove(&[COUNTED_IN])
}

/// Marks the recording as stopping and keeps its count for good: something was recorded. When
/// its flow logs are gone, nothing else will tell.
#[must_use]
pub fn keep_count(execution: &str) -> Write {
    Write::when(is(EXECUTION, execution)).set(PHASE, phase::STOPPING).remove(&[COUNTED_IN])
}

/// Marks a recording as stopping that was in this phase a moment ago, so that nothing more
/// starts for it and whoever asks knows what may still be under way.
#[must_use]
pub fn fence(execution: &str, seen_phase: &str) -> Write {
    Write::when(Condition::All(vec![is(EXECUTION, execution), is(PHASE, seen_phase)]))
        .set(PHASE, phase::STOPPING)
}

/// Ends the lease.
#[must_use]
pub fn release(execution: &str) -> Write {
    Write::when(is(EXECUTION, execution)).remove(&[
        EXECUTION,
        PHASE,
        STARTED_BY,
        RESERVED_AT,
        LEASE_ENDS_AT,
        COUNTED_IN,
        FLOW_LOG_IDS,
        TASK_TOKEN,
    ])
}

/// Forgets the counters of periods that are over. Nothing reads them any more:
/// whoever was counted there has lost the lease.
#[must_use]
pub fn forget_counters(execution: &str, counters: &[&str]) -> Write {
    Write::when(is(EXECUTION, execution)).remove(counters)
}

/// The attribute that says whether the sweeper has announced how an execution ended: a text while
/// it does, with the invocation's ID; then a number, when it did in epoch milliseconds of the
/// sweeper's clock, which alone looks at it.
#[must_use]
pub fn announcement(execution: &str) -> String {
    let name = execution.rsplit(':').next().unwrap_or(execution);
    format!("{ANNOUNCEMENT_PREFIX}{name}")
}

/// What the names of all [`announcement`]s begin with.
pub const ANNOUNCEMENT_PREFIX: &str = "announced-";

/// What stands before the ID of an invocation that may have died over its announcement.
pub const DOUBT: char = '?';

/// Begins to announce something that nobody announces, or that the same invocation began with
/// before Lambda tried it again.
#[must_use]
pub fn begin_announcement(announcement: &str, invocation: &str) -> Write {
    Write::when(Condition::Any(vec![
        Condition::Missing(announcement.into()),
        is(announcement, invocation),
    ]))
    .set(announcement, invocation)
}

/// Begins to announce what another invocation was announcing.
#[must_use]
pub fn take_announcement_over(announcement: &str, from: &str, invocation: &str) -> Write {
    Write::when(is(announcement, from)).set(announcement, invocation)
}

/// Doubts that an invocation which is announcing still lives: the next sweep takes over.
#[must_use]
pub fn doubt_announcement(announcement: &str, invocation: &str) -> Write {
    Write::when(is(announcement, invocation))
        .set(announcement, format!("{DOUBT}{invocation}").as_str())
}

/// Leaves an announcement that failed to the next sweep.
#[must_use]
pub fn withdraw_announcement(announcement: &str, invocation: &str) -> Write {
    Write::when(is(announcement, invocation)).remove(&[announcement])
}

/// Notes that it has been announced, whoever did.
#[must_use]
pub fn end_announcement(announcement: &str, at: Timestamp) -> Write {
    Write::when(Condition::Any(vec![
        Condition::Missing(announcement.into()),
        Condition::Exists(announcement.into()),
    ]))
    .set(announcement, at.as_millisecond())
}

/// Forgets announcements that no sweep looks for any more.
#[must_use]
pub fn forget_announcements(announcements: &[&str]) -> Write {
    let all = announcements.iter().map(|&name| Condition::Exists(name.to_owned()));
    Write::when(Condition::All(all.collect())).remove(announcements)
}

fn take(lease: &Lease<'_>, condition: Condition) -> Write {
    Write::when(condition)
        .set(EXECUTION, lease.execution)
        .set(PHASE, phase::RESERVED)
        .set(RESERVED_AT, lease.now.as_millisecond())
        .set(LEASE_ENDS_AT, lease.ends_at.as_millisecond())
}

fn is(attribute: &str, value: &str) -> Condition {
    Condition::Is(attribute.into(), value.into())
}

fn older_or_missing(attribute: &str, than: Timestamp) -> Condition {
    Condition::Any(vec![
        Condition::Missing(attribute.into()),
        Condition::Below(attribute.into(), than.as_millisecond()),
    ])
}

fn older_or_missing_or_equal(attribute: &str, than: Timestamp) -> Condition {
    Condition::Any(vec![
        Condition::Missing(attribute.into()),
        Condition::Below(attribute.into(), than.as_millisecond().saturating_add(1)),
    ])
}

fn lease_is_free(now: Timestamp) -> Condition {
    Condition::Any(vec![
        Condition::Missing(EXECUTION.into()),
        Condition::Below(LEASE_ENDS_AT.into(), now.as_millisecond()),
        is(PHASE, phase::STOPPING),
    ])
}

/// The contrary of [`lease_is_free`].
pub(crate) fn lease_is_held(now: Timestamp) -> Condition {
    Condition::All(vec![
        Condition::Exists(EXECUTION.into()),
        Condition::Above(LEASE_ENDS_AT.into(), now.as_millisecond().saturating_sub(1)),
        Condition::IsNot(PHASE.into(), phase::STOPPING.into()),
    ])
}

fn holds_and_is_not_stopping(execution: &str) -> Condition {
    Condition::All(vec![
        is(EXECUTION, execution),
        Condition::IsNot(PHASE.into(), phase::STOPPING.into()),
    ])
}
