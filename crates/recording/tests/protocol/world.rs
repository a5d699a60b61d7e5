//! A world of one gateway in which executions run step by step, in any order.
//!
//! The executions and the sweeps are the real functions of `recording` on a table in memory.
//! Every call of a port yields once, so that the test chooses what happens next between any two
//! of them.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::Timestamp;
use recording::{
    NatGatewayId,
    ports::{Execution, ExecutionStatus, TaggedFlowLog},
    protocol::{attribute, phase},
    sweep::CLOCKS_DIFFER,
    table::{Item, memory::MemoryTable},
};

pub(crate) const STACK: &str = "recorder";

/// One gateway, its table item, its flow logs, and the executions.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) table: MemoryTable,
    pub(crate) flow_logs: RefCell<Vec<TaggedFlowLog>>,
    pub(crate) created: Cell<usize>,
    pub(crate) answered: RefCell<BTreeSet<String>>,
    pub(crate) closed: RefCell<BTreeSet<String>>,
    pub(crate) executions: RefCell<BTreeMap<String, Execution>>,
    /// The executions that ended badly, and when.
    pub(crate) ended_badly: RefCell<BTreeMap<String, Timestamp>>,
    /// The executions whose start-recording runs, until it is killed.
    pub(crate) starting: RefCell<BTreeSet<String>>,
    /// Those of them that nobody was told of yet.
    pub(crate) bad_ends: RefCell<Vec<String>>,
    /// Seconds since the epoch: Step Functions' clock.
    pub(crate) now: Cell<i64>,
    /// How long the deletion has slept.
    pub(crate) slept: Cell<Duration>,
    /// When the last sweep began that looked after everything.
    pub(crate) swept_at: Cell<i64>,
    /// How many calls of a port there were.
    pub(crate) calls: Cell<u64>,
    /// What fails for the moment.
    pub(crate) faults: Faults,
    /// Whether a write ever did not reach it.
    pub(crate) lost_writes: Cell<bool>,
    /// The stack is being deleted.
    pub(crate) is_removed: Cell<bool>,
    pub(crate) history: History,
    /// What each sweep did.
    pub(crate) log: RefCell<Vec<String>>,
    violations: RefCell<Vec<String>>,
}

/// Whether something fails for the moment.
#[derive(Default)]
pub(crate) struct Faults {
    /// `CreateFlowLogs` is refused.
    pub(crate) flow_logs: Cell<bool>,
    /// So many writes of sweeps and clean-ups do not reach the table.
    pub(crate) writes: Cell<u32>,
    /// SNS takes no e-mail.
    pub(crate) topic: Cell<bool>,
}

/// What happened, for the invariants.
#[derive(Default)]
pub(crate) struct History {
    /// The executions that took the lease.
    pub(crate) reserved: RefCell<BTreeSet<String>>,
    /// The executions whose count was given back.
    pub(crate) given_back: RefCell<BTreeSet<String>>,
    /// The executions that had a flow log, and after how many calls it was there.
    pub(crate) recorded: RefCell<BTreeMap<String, u64>>,
    /// The executions whose lease was taken when it had passed, with their count.
    pub(crate) overrun: RefCell<BTreeSet<String>>,
    /// The e-mails about each execution.
    pub(crate) mails: RefCell<BTreeMap<String, u32>>,
    /// The executions that published an e-mail themselves.
    pub(crate) told: RefCell<BTreeSet<String>>,
}

pub(crate) fn gateway() -> NatGatewayId {
    NatGatewayId::try_from("nat-0123456789abcdef0".to_owned()).unwrap()
}

impl World {
    pub(crate) fn item(&self) -> Item {
        self.table.item(&gateway())
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now.get()).unwrap()
    }

    /// The executions that have a flow log.
    pub(crate) fn recording_executions(&self) -> BTreeSet<String> {
        self.flow_logs.borrow().iter().filter_map(|found| found.execution.clone()).collect()
    }

    pub(crate) fn status(&self, execution: &str) -> Option<ExecutionStatus> {
        self.executions.borrow().get(execution).map(|execution| execution.status)
    }

    pub(crate) fn is_running(&self, execution: &str) -> bool {
        self.status(execution) == Some(ExecutionStatus::Running)
    }

    /// Ends an execution, if it runs.
    pub(crate) fn end(&self, execution: &str, status: ExecutionStatus) {
        if !self.is_running(execution) {
            return;
        }
        if let Some(execution) = self.executions.borrow_mut().get_mut(execution) {
            execution.status = status;
        }
        if status != ExecutionStatus::Succeeded {
            self.ended_badly.borrow_mut().insert(execution.to_owned(), self.now());
            self.bad_ends.borrow_mut().push(execution.to_owned());
        }
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.borrow().clone()
    }

    pub(crate) fn broken(&self, rule: &str, details: &str) {
        self.violations.borrow_mut().push(format!("{rule}: {details}"));
    }

    /// A task that waits for a token: until it is answered, its time is over, or its execution
    /// has been stopped.
    pub(crate) async fn wait_for(
        &self,
        execution: &str,
        token: &str,
        timed_out: &Cell<bool>,
    ) -> bool {
        poll_fn(|_| {
            let answered = self.answered.borrow().contains(token);
            let is_over = answered || timed_out.get() || !self.is_running(execution);
            if is_over { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.closed.borrow_mut().insert(token.to_owned());
        !self.answered.borrow().contains(token)
    }

    /// Runs a start-recording, unless it is killed.
    pub(crate) async fn start<T>(
        &self,
        execution: &str,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        self.starting.borrow_mut().insert(execution.to_owned());
        let mut work = std::pin::pin!(work);
        let done = poll_fn(|context| {
            if !self.starting.borrow().contains(execution) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(context).map(Some)
        })
        .await;
        self.starting.borrow_mut().remove(execution);
        done
    }

    /// An e-mail about an execution reaches somebody.
    pub(crate) fn mail(&self, execution: &str) {
        *self.history.mails.borrow_mut().entry(execution.to_owned()).or_default() += 1;
    }

    /// Whether a flow log is one of an execution that runs and whose lease is in time.
    pub(crate) fn is_live(&self, found: &TaggedFlowLog) -> bool {
        let runs = found.execution.as_deref().is_some_and(|execution| self.is_running(execution));
        runs && !found.lease_ends_at.is_some_and(|ends| self.has_certainly_passed(ends))
    }

    /// The rules of the protocol that every single write must keep.
    pub(crate) fn watch(&self, writer: &str, before: &Item, after: &Item) {
        let holder = |item: &Item| item.text(attribute::EXECUTION).map(str::to_owned);
        let broken = |rule: &str| self.broken(rule, &format!("{writer}: {before:?} -> {after:?}"));
        for name in [attribute::LAST_ALARM_AT, attribute::LAST_OK_AT] {
            if after.number(name) < before.number(name) {
                broken("the newest alarm and the newest OK never go back");
            }
        }
        let (was, is) = (holder(before), holder(after));
        if was != is {
            self.watch_lease(writer, before, was, is, broken);
        } else if was.as_deref() != Some(writer)
            && before.text(attribute::PHASE) != after.text(attribute::PHASE)
            && !self.may_act_for(writer, was.as_deref(), before)
        {
            broken("only the holder, or a sweep when it is dead, changes the phase");
        }
    }

    fn watch_lease(
        &self,
        writer: &str,
        before: &Item,
        was: Option<String>,
        is: Option<String>,
        broken: impl Fn(&str),
    ) {
        let stopping = before.text(attribute::PHASE) == Some(phase::STOPPING);
        let now = self.now().as_millisecond();
        let passed = before.number(attribute::LEASE_ENDS_AT).is_some_and(|ends| ends < now);
        match (was, is) {
            (None, Some(new)) if new == writer => {
                self.history.reserved.borrow_mut().insert(new);
            }
            (Some(old), Some(new)) if new == writer && (stopping || passed) => {
                if !stopping {
                    self.history.overrun.borrow_mut().insert(old);
                }
                self.history.reserved.borrow_mut().insert(new);
            }
            (Some(old), None) if old == writer || self.may_act_for(writer, Some(&old), before) => {}
            _ => broken("a lease is taken when it is free and ended by its holder"),
        }
    }

    /// A sweep acts for executions that are dead or whose time is up, and for all of them when
    /// the stack is deleted.
    fn may_act_for(&self, writer: &str, holder: Option<&str>, item: &Item) -> bool {
        let is_dead = holder.is_some_and(|holder| !self.is_running(holder));
        writer.starts_with("sweep-") && (is_dead || self.is_over(item) || self.is_removed.get())
    }

    /// Whether the lease has passed by any clock.
    pub(crate) fn is_over(&self, item: &Item) -> bool {
        let ends = item.number(attribute::LEASE_ENDS_AT);
        let ends = ends.and_then(|ends| Timestamp::from_millisecond(ends).ok());
        ends.is_some_and(|ends| self.has_certainly_passed(ends))
    }

    fn has_certainly_passed(&self, ends: Timestamp) -> bool {
        ends.saturating_add(CLOCKS_DIFFER).is_ok_and(|passed| passed < self.now())
    }
}

/// Yields once: whoever is scheduled next runs in between.
pub(crate) async fn step() {
    let mut yielded = false;
    poll_fn(
        |_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending },
    )
    .await;
}

/// A future that the test polls when it likes.
pub(crate) struct Running<'a> {
    pub(crate) name: String,
    future: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
}

impl<'a> Running<'a> {
    pub(crate) fn new(name: String, future: impl Future<Output = ()> + 'a) -> Self {
        Self { name, future: Some(Box::pin(future)) }
    }

    pub(crate) fn poll(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        if let Some(future) = &mut self.future
            && future.as_mut().poll(&mut context).is_ready()
        {
            self.future = None;
        }
    }

    /// Nothing of it happens any more.
    pub(crate) fn kill(&mut self) {
        self.future = None;
    }

    pub(crate) fn is_running(&self) -> bool {
        self.future.is_some()
    }

    pub(crate) fn is_sweep(&self) -> bool {
        self.name.starts_with("sweep-")
    }
}
