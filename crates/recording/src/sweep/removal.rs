//! The deletion of the stack: leases count for nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Aws, LOOKED_AFTER, News, Rival, Sweep, Swept, announce, describe, patiently};
use crate::{
    Error,
    ports::{
        Clock as _, Execution, ExecutionStatus, Executions as _, FlowLogs as _, Items as _,
        Table as _,
    },
    protocol::{self, attribute, phase},
    table::Outcome,
};

/// What the executions are stopped with, and their e-mails say.
const CAUSE: &str = "the stack of the recorder is being deleted";

/// EC2 and Step Functions answer as of a moment ago, so one look is not enough.
const QUIET_PASSES: u32 = 2;

const PAUSE: Duration = Duration::from_secs(3);

/// A start-recording that has begun may run for so long, whatever becomes of its execution: the
/// function's timeout in the template, and what its last call to EC2 may take.
const START_OUTLIVES: Duration = Duration::from_secs(75);

/// Stops every execution and deletes every flow log of the stack, until nothing is found twice in
/// a row and no start-recording can be under way any more. Then what nobody announced is.
///
/// An error says what is left and how to remove it. An e-mail that could not be sent is no error,
/// but in [`Swept::left`]: nobody is left who could send it later.
pub async fn removal(aws: &impl Aws, sweep: &Sweep<'_>) -> Result<Swept, Error> {
    let mut removal = Removal::default();
    let mut quiet = 0;
    loop {
        let pass = removal.pass(aws, sweep).await;
        quiet = if matches!(pass, Ok(0)) { quiet + 1 } else { 0 };
        if quiet == QUIET_PASSES {
            removal.announce(aws, sweep).await;
            return Ok(removal.swept);
        }
        if !sweep.has_time(aws.clock()) {
            return Err(by_hand(sweep, pass.err()));
        }
        aws.clock().sleep(PAUSE).await;
    }
}

#[derive(Debug, Default)]
struct Removal {
    swept: Swept,
    stopped: BTreeSet<String>,
    /// Others that left something.
    dead: BTreeSet<String>,
    /// Until when, by the sweep's clock, a start-recording may create a flow log.
    starts_until: Option<Duration>,
}

impl Removal {
    /// One look at everything; answers how much there was to do.
    async fn pass(&mut self, aws: &impl Aws, sweep: &Sweep<'_>) -> Result<usize, Error> {
        let stopped = self.stop_executions(aws).await;
        self.fence_leases(aws).await;
        let deleted = self.delete_flow_logs(aws, sweep).await;
        let is_starting = self.starts_until.is_some_and(|until| aws.clock().elapsed() < until);
        Ok(stopped? + deleted? + usize::from(is_starting))
    }

    async fn stop_executions(&mut self, aws: &impl Aws) -> Result<usize, Error> {
        let running = aws.executions().running().await?;
        // Step Functions may call them running for another moment.
        let running: Vec<_> = running.difference(&self.stopped).cloned().collect();
        for execution in &running {
            aws.executions().stop(execution, CAUSE).await?;
            self.stopped.insert(execution.clone());
        }
        Ok(running.len())
    }

    /// Marks every lease as stopping, so that no start-recording that begins now creates
    /// anything. One that has begun can be waited for only; so it is when the table cannot tell.
    async fn fence_leases(&mut self, aws: &impl Aws) {
        match self.fence(aws).await {
            Ok(false) => {}
            Ok(true) => self.starts_until = Some(aws.clock().elapsed() + START_OUTLIVES),
            Err(_) => {
                self.starts_until.get_or_insert(aws.clock().elapsed() + START_OUTLIVES);
            }
        }
    }

    /// Whether a start-recording may have been under way.
    async fn fence(&mut self, aws: &impl Aws) -> Result<bool, Error> {
        let mut is_starting = false;
        for (gateway, item) in aws.table().items().await? {
            let (Some(execution), Some(seen)) =
                (item.text(attribute::EXECUTION), item.text(attribute::PHASE))
            else {
                continue;
            };
            self.dead.insert(execution.to_owned());
            if seen == phase::STOPPING {
                continue;
            }
            let fenced = aws.table().write(&gateway, protocol::fence(execution, seen)).await?;
            // Refused: it went on in between.
            is_starting |= seen == phase::STARTING || matches!(fenced, Outcome::Refused(_));
        }
        Ok(is_starting)
    }

    async fn delete_flow_logs(
        &mut self,
        aws: &impl Aws,
        sweep: &Sweep<'_>,
    ) -> Result<usize, Error> {
        let found = aws.flow_logs().find(&[sweep.tag()]).await?;
        let ids: Vec<String> = found.iter().map(|found| found.flow_log.id.clone()).collect();
        self.dead.extend(found.into_iter().filter_map(|found| found.execution));
        if !ids.is_empty() {
            aws.flow_logs().delete(&ids).await?;
        }
        let count = ids.len();
        self.swept.deleted.extend(ids);
        Ok(count)
    }

    /// What another sweep is announcing, it may finish; then there is no later one to leave it to.
    async fn announce(&mut self, aws: &impl Aws, sweep: &Sweep<'_>) {
        let news = self.news(aws, sweep).await;
        self.announce_all(aws, sweep, &news, Rival::Leave).await;
        if !std::mem::take(&mut self.swept.doubted).is_empty() {
            aws.clock().sleep(PAUSE).await;
            self.announce_all(aws, sweep, &news, Rival::TakeOver).await;
        }
    }

    async fn announce_all(
        &mut self,
        aws: &impl Aws,
        sweep: &Sweep<'_>,
        news: &[News],
        rival: Rival,
    ) {
        let unclean = BTreeMap::new();
        match patiently(aws, sweep, async || aws.table().items().await).await {
            Ok(items) => {
                announce::all(aws, sweep, &items, news, &unclean, rival, &mut self.swept).await;
            }
            Err(error) => self.swept.leave("e-mails about recordings that were stopped", &error),
        }
    }

    async fn news(&mut self, aws: &impl Aws, sweep: &Sweep<'_>) -> Vec<News> {
        let mut executions = std::mem::take(&mut self.dead);
        let since = sweep.now.saturating_sub(LOOKED_AFTER).unwrap_or(sweep.now);
        match patiently(aws, sweep, async || aws.executions().ended_badly(since).await).await {
            Ok(ended) => executions.extend(ended),
            Err(error) => self.swept.leave("executions that ended badly", &error),
        }
        let others = executions.difference(&self.stopped).cloned().map(News::of_execution);
        let mut news: Vec<News> = others.collect();
        for execution in &self.stopped {
            match describe(aws, sweep, execution).await {
                Ok(outcome) => news.push(News::of_stopped(execution, outcome.map(aborted))),
                Err(error) => self.swept.leave(&format!("the e-mail about {execution}"), &error),
            }
        }
        news
    }
}

/// An execution that was stopped may be called running for another moment.
fn aborted(outcome: Execution) -> Execution {
    match outcome.status {
        ExecutionStatus::Running => {
            Execution { status: ExecutionStatus::Aborted, cause: Some(CAUSE.to_owned()), ..outcome }
        }
        _ => outcome,
    }
}

fn by_hand(sweep: &Sweep<'_>, error: Option<Error>) -> Error {
    let stack = sweep.place.stack;
    let why =
        error.map_or_else(|| "recordings kept appearing".to_owned(), |error| error.to_string());
    Error::RecordingsLeft { stack: stack.to_owned(), why }
}
