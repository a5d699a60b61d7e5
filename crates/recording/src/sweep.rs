//! *Sweep*: nothing is left behind, and nobody is left uninformed.
//!
//! Three things call the sweeper: a schedule ([`hourly`]), an execution that ended badly
//! ([`ended`]) and the deletion of the stack ([`removal`]). A recording whose execution runs and
//! whose lease is in time is never touched, except by the last.
//!
//! Nothing here is atomic with EC2, so everything can be repeated: what a sweep leaves, the next
//! one finds again by the flow logs' tags, by the leases in the table, or by the list of
//! executions that ended badly.

mod announce;
mod announcement;
mod ending;
mod gone;
mod patience;
mod remains;
mod removal;
mod request;

use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    Error, NatGatewayId,
    ports::{Clock, Execution, Executions, ExistingGateways, FlowLogs, Items, Table, Tag, Topic},
    report::Place,
    start::tag_key,
    stop,
};

use announce::News;
use announcement::Rival;
use ending::Dead;
use patience::patiently;
use remains::{Remains, Verdict};

pub use removal::removal;
pub use request::{Ended, Request};

/// What the sweeper does in AWS.
pub trait Aws {
    /// The table.
    fn table(&self) -> &(impl Table + Items);
    /// The flow logs.
    fn flow_logs(&self) -> &impl FlowLogs;
    /// The executions.
    fn executions(&self) -> &impl Executions;
    /// Whoever gets the e-mails.
    fn topic(&self) -> &impl Topic;
    /// The gateways.
    fn gateways(&self) -> &impl ExistingGateways;
    /// The time since the sweep began.
    fn clock(&self) -> &impl Clock;
}

/// One sweep.
#[derive(Clone, Copy, Debug)]
pub struct Sweep<'a> {
    /// The stack, and where its records are.
    pub place: Place<'a>,
    /// The ID of the invocation, which stays when Lambda tries the same event again.
    pub invocation: &'a str,
    /// When it began, by the sweeper's own clock. Only leases and what is older than hours are
    /// compared with it, and those with [`CLOCKS_DIFFER`] to spare.
    pub now: Timestamp,
    /// How long it may take; what is not done by then is left to the next sweep.
    pub time: Duration,
}

/// By how much the sweeper's clock may be ahead of Step Functions' before it touches a recording
/// whose lease is in time.
pub const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(15);

/// An execution that ended badly is looked after for so long: five sweeps may fail.
const LOOKED_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// The flow logs that it deleted.
    pub deleted: Vec<String>,
    /// The executions whose leases it ended.
    pub ended: Vec<String>,
    /// How many recordings it gave back to the quota.
    pub given_back: u32,
    /// The executions that it announced.
    pub announced: Vec<String>,
    /// The executions that another invocation was announcing: the next sweep makes sure.
    pub doubted: Vec<String>,
    /// The gateways of which it said that they no longer exist.
    pub gone: Vec<NatGatewayId>,
    /// What it has left to the next sweep, a sentence each.
    pub left: Vec<String>,
}

impl Swept {
    /// An error when something was left.
    pub fn complete(self) -> Result<Self, Error> {
        match self.left.as_slice() {
            [] => Ok(self),
            left => Err(Error::SweepIncomplete { left: left.join("; ") }),
        }
    }

    fn leave(&mut self, what: &str, error: &Error) {
        self.left.push(format!("{what}: {error}"));
    }
}

impl Sweep<'_> {
    fn has_time(&self, clock: &impl Clock) -> bool {
        clock.elapsed() < self.time
    }

    fn tag(&self) -> Tag {
        Tag { key: tag_key::STACK, value: self.place.stack.to_owned() }
    }
}

/// Looks after everything: flow logs, leases, executions that nobody announced, and gateways that
/// no longer exist.
///
/// An error means that it saw nothing; what it saw and could not do is in [`Swept::left`].
pub async fn hourly(aws: &impl Aws, sweep: &Sweep<'_>) -> Result<Swept, Error> {
    let tags = [sweep.tag()];
    // In this order: an execution is there before its lease, and the lease before the flow log.
    let found = patiently(aws, sweep, async || aws.flow_logs().find(&tags).await).await?;
    let items = patiently(aws, sweep, async || aws.table().items().await).await?;
    let running = patiently(aws, sweep, async || aws.executions().running().await).await?;

    let mut swept = Swept::default();
    let (mut dead, mut overdue) = (Vec::new(), Vec::new());
    for remains in remains::by_execution(&found, &items) {
        match judge(aws, sweep, &running, &remains).await {
            Ok((Verdict::Live, _)) => {}
            Ok((Verdict::Overdue, _)) => overdue.push(remains),
            Ok((Verdict::Dead, outcome)) => dead.push(Dead { remains, outcome }),
            Err(error) => swept.leave(&remains.words(), &error),
        }
    }
    ending::stop(aws, sweep, &overdue, &mut swept).await;
    let unclean = ending::end(aws, sweep, &dead, &mut swept).await;

    let mut news: Vec<News> = dead.into_iter().map(News::of_dead).collect();
    let since = sweep.now.saturating_sub(LOOKED_AFTER).unwrap_or(sweep.now);
    match patiently(aws, sweep, async || aws.executions().ended_badly(since).await).await {
        Ok(executions) => news.extend(executions.into_iter().map(News::of_execution)),
        Err(error) => swept.leave("executions that ended badly", &error),
    }
    announce::all(aws, sweep, &items, &news, &unclean, Rival::Doubt, &mut swept).await;
    announce::forget_old(aws, sweep, &items, &mut swept).await;
    gone::announce(aws, sweep, &items, &mut swept).await;
    Ok(swept)
}

/// Looks after one execution that has ended badly.
pub async fn ended(aws: &impl Aws, sweep: &Sweep<'_>, ended: Ended) -> Result<Swept, Error> {
    let tags = stop::of_execution(sweep.place.stack, &ended.execution);
    let found = patiently(aws, sweep, async || aws.flow_logs().find(&tags).await).await?;
    let items = patiently(aws, sweep, async || aws.table().items().await).await?;

    let mut swept = Swept::default();
    let mut remains = remains::by_execution(&found, &items).into_iter();
    let remains = remains.find(|remains| remains.execution == ended.execution);
    let remains = remains.unwrap_or_else(|| Remains::none(ended.execution));
    let dead = [Dead { remains, outcome: Some(ended.outcome) }];
    let unclean = ending::end(aws, sweep, &dead, &mut swept).await;
    let news: Vec<News> = dead.into_iter().map(News::of_dead).collect();
    announce::all(aws, sweep, &items, &news, &unclean, Rival::Leave, &mut swept).await;
    Ok(swept)
}

/// What is to be done about something that an execution left, or still needs; with what became
/// of the execution, if somebody had to be asked.
async fn judge(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    running: &BTreeSet<String>,
    remains: &Remains<'_>,
) -> Result<(Verdict, Option<Execution>), Error> {
    let runs = running.contains(&remains.execution);
    let outcome = if runs { None } else { describe(aws, sweep, &remains.execution).await? };
    let status = if runs {
        Some(crate::ports::ExecutionStatus::Running)
    } else {
        outcome.as_ref().map(|outcome| outcome.status)
    };
    Ok((remains::judge(status, remains.lease_ends_at(), sweep.now), outcome))
}

async fn describe(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    execution: &str,
) -> Result<Option<Execution>, Error> {
    patiently(aws, sweep, async || aws.executions().describe(execution).await).await
}
