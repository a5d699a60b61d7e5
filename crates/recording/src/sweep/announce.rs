//! E-mails about executions that ended without one.

use jiff::SignedDuration;

use super::{
    Aws, Dead, Sweep, Swept,
    announcement::{self, Announcement, Made, Rival},
    describe,
    ending::{self, Unclean},
    patiently,
};
use crate::{
    Error, NatGatewayId,
    ports::{Execution, ExecutionStatus, Executions as _, Table as _},
    protocol::{self, ANNOUNCEMENT_PREFIX},
    report::{Failed, failed},
    reserve::Start,
    state::Failure,
    table::{Item, Value},
};

/// Announcements are remembered for so long: longer than anybody looks after an execution.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(12);

/// An execution that may have ended without a word.
#[derive(Clone, Debug)]
pub(super) struct News {
    execution: String,
    gateway: Option<NatGatewayId>,
    outcome: Known,
}

#[derive(Clone, Debug)]
enum Known {
    /// It ended like this; `None`: Step Functions does not know it any more.
    Ended(Option<Execution>),
    /// Nobody has asked yet.
    NotYet,
}

impl News {
    pub(super) fn of_dead(dead: Dead<'_>) -> Self {
        Self {
            execution: dead.remains.execution,
            gateway: dead.remains.gateway.cloned(),
            outcome: Known::Ended(dead.outcome),
        }
    }

    pub(super) fn of_execution(execution: String) -> Self {
        Self { execution, gateway: None, outcome: Known::NotYet }
    }

    pub(super) fn of_stopped(execution: &str, outcome: Option<Execution>) -> Self {
        Self { execution: execution.to_owned(), gateway: None, outcome: Known::Ended(outcome) }
    }
}

/// Announces each of them, unless it has been announced.
pub(super) async fn all(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    items: &[(NatGatewayId, Item)],
    news: &[News],
    unclean: &Unclean,
    rival: Rival,
    swept: &mut Swept,
) {
    for news in news {
        let done = if swept.announced.contains(&news.execution) || news.execution.is_empty() {
            Ok(Made::Before)
        } else if sweep.has_time(aws.clock()) {
            one(aws, sweep, items, news, unclean, rival).await
        } else {
            Err(ending::out_of_time())
        };
        match done {
            Ok(Made::Now) => swept.announced.push(news.execution.clone()),
            Ok(Made::Perhaps) => swept.doubted.push(news.execution.clone()),
            Ok(Made::Before) => {}
            Err(error) => swept.leave(&format!("the e-mail about {}", news.execution), &error),
        }
    }
}

async fn one(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    items: &[(NatGatewayId, Item)],
    news: &News,
    unclean: &Unclean,
    rival: Rival,
) -> Result<Made, Error> {
    let attribute = protocol::announcement(&news.execution);
    let mark = items.iter().find_map(|(_, item)| item.0.get(&attribute));
    if matches!(mark, Some(Value::Number(_))) {
        return Ok(Made::Before);
    }
    let outcome = match &news.outcome {
        Known::Ended(outcome) => outcome.clone(),
        Known::NotYet => describe(aws, sweep, &news.execution).await?,
    };
    let Some(failure) = failure(outcome.as_ref()) else { return Ok(Made::Before) };
    let Some(gateway) = news.gateway.clone().or_else(|| gateway_of(outcome.as_ref())) else {
        return Ok(Made::Before);
    };
    let announcement = Announcement { gateway: &gateway, attribute: &attribute, mark };
    if outcome.is_some() && has_told(aws, sweep, &news.execution).await? {
        announcement.end(aws, sweep).await?;
        return Ok(Made::Before);
    }
    let failed_one = Failed {
        gateway: Some(&gateway),
        execution: &news.execution,
        state: None,
        failure: &failure,
        clean_up_failure: unclean.get(&news.execution),
    };
    let email = |_: &[&Announcement<'_>]| failed(&failed_one, sweep.place);
    announcement::make(aws, sweep, rival, &[announcement], email).await
}

async fn has_told(aws: &impl Aws, sweep: &Sweep<'_>, execution: &str) -> Result<bool, Error> {
    patiently(aws, sweep, async || aws.executions().has_published(execution).await).await
}

/// Forgets the announcements about executions that nobody looks after any more.
pub(super) async fn forget_old(
    aws: &impl Aws,
    sweep: &Sweep<'_>,
    items: &[(NatGatewayId, Item)],
    swept: &mut Swept,
) {
    let before = sweep.now.saturating_sub(REMEMBERED).unwrap_or(sweep.now).as_millisecond();
    for (gateway, item) in items {
        let is_old = |name: &&str| {
            name.starts_with(ANNOUNCEMENT_PREFIX) && item.number(name).is_some_and(|at| at < before)
        };
        let old: Vec<&str> = item.0.keys().map(String::as_str).filter(is_old).collect();
        if old.is_empty() || !sweep.has_time(aws.clock()) {
            continue;
        }
        if let Err(error) = aws.table().write(gateway, protocol::forget_announcements(&old)).await {
            swept.leave(&format!("old announcements of {gateway}"), &error);
        }
    }
}

pub(super) fn gateway_of(outcome: Option<&Execution>) -> Option<NatGatewayId> {
    Some(Start::read(&outcome?.input).ok()?.gateway().clone())
}

/// How an execution failed, in words; `None`: it did not.
fn failure(outcome: Option<&Execution>) -> Option<Failure> {
    let Some(outcome) = outcome else {
        return Some(said("Forgotten", "Step Functions does not know this execution any more"));
    };
    let because = outcome.cause.as_deref().filter(|cause| !cause.is_empty());
    Some(match outcome.status {
        ExecutionStatus::Running | ExecutionStatus::Succeeded => return None,
        ExecutionStatus::Failed => {
            said(outcome.error.as_deref().unwrap_or("Failed"), because.unwrap_or("no cause given"))
        }
        ExecutionStatus::TimedOut => said("TimedOut", "the execution took longer than it may"),
        ExecutionStatus::Aborted => said(
            "Aborted",
            &because.map_or_else(
                || "somebody stopped the execution".to_owned(),
                |because| format!("the execution was stopped: {because}"),
            ),
        ),
    })
}

fn said(error: &str, cause: &str) -> Failure {
    Failure { error: error.to_owned(), cause: cause.to_owned() }
}
