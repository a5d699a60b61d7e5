//! The end of recordings whose executions are dead.

use std::collections::{BTreeMap, BTreeSet};

use super::{Aws, Remains, Sweep, Swept, patiently};
use crate::{
    Error,
    ports::{Execution, FlowLogs as _, Table as _},
    protocol,
    state::Failure,
    stop,
};

/// An execution that is dead, with what there is of it.
#[derive(Clone, Debug)]
pub(super) struct Dead<'a> {
    pub(super) remains: Remains<'a>,
    /// `None`: Step Functions does not know it.
    pub(super) outcome: Option<Execution>,
}

/// Of which executions something could not be cleaned up, and why.
pub(super) type Unclean = BTreeMap<String, Failure>;

/// Ends them: stops them and ends their leases. Answers what could not be cleaned up.
pub(super) async fn end(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    dead: &[Dead<'_>],
    swept: &mut Swept,
) -> Unclean {
    let remains = dead.iter().map(|dead| &dead.remains);
    let Stopped { marked, unclean } = stop(aws, sweep, remains, swept).await;
    // Also where a flow log could not be deleted: it is found again by its tags, and the gateway's
    // next spike must be recorded.
    for remains in marked {
        if let Err(error) = release(aws, remains, swept).await {
            swept.leave(&remains.words(), &error);
        }
    }
    unclean
}

/// What became of recordings that were to be stopped.
pub(super) struct Stopped<'a> {
    /// Those of which the table knows.
    marked: Vec<&'a Remains<'a>>,
    unclean: Unclean,
}

/// Stops recordings: the table first, which decides about the quota, then all flow logs in as few
/// calls as possible.
pub(super) async fn stop<'a>(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    remains: impl IntoIterator<Item = &'a Remains<'a>>,
    swept: &mut Swept,
) -> Stopped<'a> {
    let mut unclean = Unclean::new();
    let (mut doomed, mut marked) = (Vec::new(), Vec::new());
    for remains in remains {
        match mark(aws, sweep, remains, swept).await {
            Ok(ids) => {
                doomed.push((remains, ids));
                marked.push(remains);
            }
            Err(error) => {
                if !is_all_the_evidence(sweep, remains, &error) {
                    doomed.push((remains, remains.flow_log_ids().collect()));
                }
                swept.leave(&remains.words(), &error);
                unclean.insert(remains.execution.clone(), failure(&error));
            }
        }
    }
    if let Err(error) = delete_all(aws, sweep, &doomed, swept).await {
        let failed = doomed.iter().filter(|(_, ids)| is_about(&error, ids));
        unclean.extend(failed.map(|(remains, _)| (remains.execution.clone(), failure(&error))));
    }
    Stopped { marked, unclean }
}

async fn delete_all(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    doomed: &[(&Remains<'_>, BTreeSet<String>)],
    swept: &mut Swept,
) -> Result<(), Error> {
    let ids: BTreeSet<&String> = doomed.iter().flat_map(|(_, ids)| ids).collect();
    let ids: Vec<String> = ids.into_iter().cloned().collect();
    if ids.is_empty() {
        return Ok(());
    }
    let deleted = patiently(aws, sweep, async || aws.flow_logs().delete(&ids).await).await;
    match &deleted {
        Ok(()) => swept.deleted.extend(ids),
        Err(error) => swept.leave("flow logs", error),
    }
    deleted
}

/// Marks the lease as stopping and settles its count. Answers the flow logs that there are.
async fn mark(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    remains: &Remains<'_>,
    swept: &mut Swept,
) -> Result<BTreeSet<String>, Error> {
    let mut ids: BTreeSet<String> = remains.flow_log_ids().collect();
    let (Some(gateway), Some(_)) = (remains.gateway, remains.lease) else { return Ok(ids) };
    if !sweep.has_time(aws.clock()) {
        return Err(out_of_time());
    }
    let counter = remains.counter_to_give_back();
    let (table, execution) = (aws.table(), remains.execution.as_str());
    let call = async || stop::mark(table, gateway, execution, counter).await;
    let marked = patiently(aws, sweep, call).await?;
    swept.given_back += u32::from(marked.given_back);
    ids.extend(marked.flow_log_ids);
    Ok(ids)
}

/// Whether, without its flow logs, the next sweep would take it for one that recorded nothing,
/// and give its count back. They go in any case when their lease has passed.
fn is_all_the_evidence(sweep: &Sweep<'_>, remains: &Remains<'_>, error: &Error) -> bool {
    let is_in_time = remains.lease_ends_at().is_some_and(|ends| ends > sweep.now);
    matches!(error, Error::Transient { .. }) && remains.is_counted_by_tags_alone() && is_in_time
}

async fn release(aws: &impl Aws, remains: &Remains<'_>, swept: &mut Swept) -> Result<(), Error> {
    let (Some(gateway), Some(_)) = (remains.gateway, remains.lease) else { return Ok(()) };
    aws.table().write(gateway, protocol::release(&remains.execution)).await?;
    swept.ended.push(remains.execution.clone());
    Ok(())
}

/// The next sweep finds the same again.
pub(super) fn out_of_time() -> Error {
    let message = "this sweep has run out of time".to_owned();
    Error::Transient { operation: "sweep", message }
}

fn is_about(error: &Error, ids: &BTreeSet<String>) -> bool {
    match error {
        Error::DeleteRefused { flow_log, .. } => ids.iter().any(|id| flow_log.contains(id)),
        _ => !ids.is_empty(),
    }
}

fn failure(error: &Error) -> Failure {
    Failure { error: error.name().to_string(), cause: error.to_string() }
}
