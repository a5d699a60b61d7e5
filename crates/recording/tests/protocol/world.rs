//! A world of one gateway in which executions run step by step, in any order.
//!
//! The executions are the real functions of `recording` on a table in memory.
//! Every call of a port yields once, so that the test chooses what happens next
//! between any two of them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use jiff::Timestamp;
use recording::{
    Error, NatGatewayId,
    gateway::NatGateway,
    ports::{
        Answered, Callbacks, Created, FlowLogOrder, FlowLogs, Gateways, Table, Tag, TaggedFlowLog,
    },
    protocol::{attribute, phase},
    start::tag_key,
    state::FlowLog,
    table::{Item, Outcome, Write, memory::MemoryTable},
};

pub(crate) const STACK: &str = "recorder";

/// One gateway, its table item, its flow logs, and the executions that wait.
#[derive(Default)]
pub(crate) struct World {
    table: MemoryTable,
    flow_logs: RefCell<Vec<TaggedFlowLog>>,
    created: Cell<usize>,
    answered: RefCell<BTreeSet<String>>,
    closed: RefCell<BTreeSet<String>>,
    /// Seconds since the epoch: Step Functions' clock.
    pub(crate) now: Cell<i64>,
    /// `CreateFlowLogs` is refused while this is set.
    pub(crate) refuses_flow_logs: Cell<bool>,
    /// Reservations that were made, and counts given back, by the item's history.
    pub(crate) reserved: Cell<i64>,
    pub(crate) given_back: Cell<i64>,
    violations: RefCell<Vec<String>>,
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

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.borrow().clone()
    }

    /// A task that waits for a token: until it is answered or its time is over.
    pub(crate) async fn wait_for(&self, token: &str, timed_out: &Cell<bool>) -> bool {
        poll_fn(|_| {
            let answered = self.answered.borrow().contains(token);
            if answered || timed_out.get() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.closed.borrow_mut().insert(token.to_owned());
        !self.answered.borrow().contains(token)
    }

    /// The rules of the protocol that every single write must keep.
    fn watch(&self, writer: &str, before: &Item, after: &Item) {
        let holder = |item: &Item| item.text(attribute::EXECUTION).map(str::to_owned);
        let broken = |rule: &str| {
            self.violations.borrow_mut().push(format!("{rule}: {writer}: {before:?} -> {after:?}"));
        };
        for name in [attribute::LAST_ALARM_AT, attribute::LAST_OK_AT] {
            if after.number(name) < before.number(name) {
                broken("the newest alarm and the newest OK never go back");
            }
        }
        let (was, is) = (holder(before), holder(after));
        if was != is {
            let stopping = before.text(attribute::PHASE) == Some(phase::STOPPING);
            let passed = before
                .number(attribute::LEASE_ENDS_AT)
                .is_some_and(|ends| ends < self.now().as_millisecond());
            match (&was, &is) {
                (None, Some(new)) if new == writer => self.reserved.set(self.reserved.get() + 1),
                (Some(_), Some(new)) if new == writer && (stopping || passed) => {
                    self.reserved.set(self.reserved.get() + 1);
                }
                (Some(old), None) if old == writer => {}
                _ => broken("a lease is taken when it is free and ended by its holder"),
            }
        } else if was.as_deref() != Some(writer)
            && before.text(attribute::PHASE) != after.text(attribute::PHASE)
        {
            broken("only the holder changes the phase");
        }
    }
}

/// Yields once: whoever is scheduled next runs in between.
async fn step() {
    let mut yielded = false;
    poll_fn(
        |_| if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending },
    )
    .await;
}

/// The world as one writer sees it.
pub(crate) struct Ports<'a> {
    pub(crate) world: &'a World,
    pub(crate) writer: &'a str,
}

impl Table for Ports<'_> {
    async fn write(&self, gateway: &NatGatewayId, write: Write) -> Result<Outcome, Error> {
        step().await;
        let before = self.world.item();
        let outcome = self.world.table.apply(gateway, &write);
        let after = self.world.item();
        self.world.watch(self.writer, &before, &after);
        if write.add.iter().any(|(_, amount)| *amount < 0) && matches!(outcome, Outcome::Done(_)) {
            self.world.given_back.set(self.world.given_back.get() + 1);
        }
        step().await;
        Ok(outcome)
    }
}

impl Gateways for Ports<'_> {
    async fn describe(&self, _: &NatGatewayId) -> Result<NatGateway, Error> {
        step().await;
        Ok(NatGateway {
            state: "available".into(),
            network_interface_ids: vec!["eni-1".into()],
            ..NatGateway::default()
        })
    }
}

impl FlowLogs for Ports<'_> {
    async fn create(&self, order: &FlowLogOrder) -> Result<Created, Error> {
        step().await;
        if self.world.refuses_flow_logs.get() {
            return Err(Error::FlowLogRefused {
                resource: "eni-1".into(),
                code: "LogDestinationPermissionIssueException".into(),
                message: "no".into(),
            });
        }
        if !self.world.flow_logs.borrow().is_empty() {
            return Ok(Created::AlreadyExists);
        }
        self.world.created.set(self.world.created.get() + 1);
        let flow_log = FlowLog {
            id: format!("fl-{}", self.world.created.get()),
            resource_id: order.resources.first().cloned().unwrap_or_default(),
        };
        let tag = |key| order.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
        self.world.flow_logs.borrow_mut().push(TaggedFlowLog {
            flow_log: flow_log.clone(),
            stack: tag(tag_key::STACK),
            execution: tag(tag_key::EXECUTION),
            delivery_error: None,
        });
        step().await;
        Ok(Created::All(vec![flow_log]))
    }

    async fn find(&self, tags: &[Tag]) -> Result<Vec<TaggedFlowLog>, Error> {
        step().await;
        let execution = tags.iter().find(|tag| tag.key == tag_key::EXECUTION).unwrap();
        let found = self.world.flow_logs.borrow();
        let of_it = |found: &&TaggedFlowLog| found.execution.as_ref() == Some(&execution.value);
        Ok(found.iter().filter(of_it).cloned().collect())
    }

    async fn on_resources(&self, _: &[String]) -> Result<Vec<TaggedFlowLog>, Error> {
        step().await;
        Ok(self.world.flow_logs.borrow().clone())
    }

    async fn delete(&self, ids: &[String]) -> Result<(), Error> {
        step().await;
        self.world.flow_logs.borrow_mut().retain(|found| !ids.contains(&found.flow_log.id));
        step().await;
        Ok(())
    }
}

impl Callbacks for Ports<'_> {
    async fn succeed(&self, token: &str, _: &serde_json::Value) -> Result<Answered, Error> {
        step().await;
        if self.world.closed.borrow().contains(token) {
            return Ok(Answered::TooLate);
        }
        self.world.answered.borrow_mut().insert(token.to_owned());
        Ok(Answered::Delivered)
    }
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

    /// The execution is aborted: nothing of it happens any more.
    pub(crate) fn crash(&mut self) {
        self.future = None;
    }

    pub(crate) fn is_running(&self) -> bool {
        self.future.is_some()
    }
}
