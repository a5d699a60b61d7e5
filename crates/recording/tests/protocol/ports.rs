//! The world as AWS shows it to a writer.

use std::{cell::Cell, collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use recording::{
    Error, NatGatewayId,
    gateway::NatGateway,
    ports::{
        Answered, Callbacks, Clock, Created, Execution, ExecutionStatus, Executions,
        ExistingGateways, FlowLogOrder, FlowLogs, Gateways, Items, Table, Tag, TaggedFlowLog,
        Topic,
    },
    protocol::attribute,
    report::Email,
    start::tag_key,
    state::FlowLog,
    sweep::Aws,
    table::{Item, Outcome, Write},
};

use super::world::{World, gateway, step};

/// The world as one writer sees it.
pub(crate) struct Ports<'a> {
    pub(crate) world: &'a World,
    pub(crate) writer: &'a str,
    /// Whether the faults of the world are this writer's.
    pub(crate) meets_faults: bool,
    /// How many calls there had been when it began, and how long everybody had slept.
    began: u64,
    slept: Cell<Duration>,
}

impl<'a> Ports<'a> {
    pub(crate) fn new(world: &'a World, writer: &'a str) -> Self {
        Self {
            world,
            writer,
            meets_faults: false,
            began: world.calls.get(),
            slept: Cell::new(Duration::ZERO),
        }
    }

    pub(crate) fn that_meets_faults(self) -> Self {
        Self { meets_faults: true, ..self }
    }

    async fn call(&self) {
        self.world.calls.set(self.world.calls.get() + 1);
        step().await;
    }

    fn reach_topic(&self) -> Result<(), Error> {
        let is_fault = self.meets_faults && self.world.faults.topic.get();
        if is_fault { Err(fault()) } else { Ok(()) }
    }

    fn reach_table(&self) -> Result<(), Error> {
        let lost = self.world.faults.writes.get();
        if !self.meets_faults || lost == 0 {
            return Ok(());
        }
        self.world.faults.writes.set(lost - 1);
        self.world.lost_writes.set(true);
        Err(fault())
    }

    /// Notes that a count was given back, which must not happen where a flow log could be seen.
    /// Exempt is one whose lease had passed while the table was down: it was not kept for this.
    /// The quota ends with the stack.
    fn note_give_back(&self, before: &Item) {
        let Some(execution) = before.text(attribute::EXECUTION) else { return };
        let history = &self.world.history;
        let recorded = history.recorded.borrow().get(execution).copied();
        let is_noted = before.text(attribute::FLOW_LOG_IDS).is_some();
        let is_exempt = self.world.is_removed.get()
            || (self.world.lost_writes.get() && self.world.is_over(before));
        if !is_exempt && (is_noted || recorded.is_some_and(|created| created < self.began)) {
            self.world.broken("what recorded is not given back", execution);
        }
        if !history.given_back.borrow_mut().insert(execution.to_owned()) {
            self.world.broken("a count is given back once", execution);
        }
    }

    fn tagged(&self, order: &FlowLogOrder) -> TaggedFlowLog {
        let tag = |key| order.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.clone());
        TaggedFlowLog {
            flow_log: FlowLog {
                id: format!("fl-{}", self.world.created.get()),
                resource_id: order.resources.first().cloned().unwrap_or_default(),
            },
            stack: tag(tag_key::STACK),
            execution: tag(tag_key::EXECUTION),
            gateway: tag(tag_key::GATEWAY).and_then(|id| NatGatewayId::try_from(id).ok()),
            lease_ends_at: tag(tag_key::LEASE_ENDS_AT).and_then(|at| at.parse().ok()),
            delivery_error: None,
        }
    }
}

fn fault() -> Error {
    Error::Transient { operation: "model", message: "a fault of the model".to_owned() }
}

impl Table for Ports<'_> {
    async fn write(&self, gateway: &NatGatewayId, write: Write) -> Result<Outcome, Error> {
        self.call().await;
        self.reach_table()?;
        let before = self.world.item();
        let outcome = self.world.table.apply(gateway, &write);
        let after = self.world.item();
        self.world.watch(self.writer, &before, &after);
        if write.add.iter().any(|(_, amount)| *amount < 0) && matches!(outcome, Outcome::Done(_)) {
            self.note_give_back(&before);
        }
        step().await;
        Ok(outcome)
    }
}

impl Items for Ports<'_> {
    async fn items(&self) -> Result<Vec<(NatGatewayId, Item)>, Error> {
        self.call().await;
        let items = vec![(gateway(), self.world.item())];
        step().await;
        Ok(items)
    }
}

impl Gateways for Ports<'_> {
    async fn describe(&self, _: &NatGatewayId) -> Result<NatGateway, Error> {
        self.call().await;
        Ok(NatGateway {
            state: "available".into(),
            network_interface_ids: vec!["eni-1".into()],
            ..NatGateway::default()
        })
    }
}

impl ExistingGateways for Ports<'_> {
    async fn existing(
        &self,
        gateways: &BTreeSet<NatGatewayId>,
    ) -> Result<BTreeSet<NatGatewayId>, Error> {
        self.call().await;
        Ok(gateways.clone())
    }
}

impl FlowLogs for Ports<'_> {
    async fn create(&self, order: &FlowLogOrder) -> Result<Created, Error> {
        self.call().await;
        if self.world.faults.flow_logs.get() {
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
        let found = self.tagged(order);
        let flow_log = found.flow_log.clone();
        if let Some(execution) = found.execution.clone() {
            self.world.history.recorded.borrow_mut().insert(execution, self.world.calls.get());
        }
        self.world.flow_logs.borrow_mut().push(found);
        step().await;
        Ok(Created::All(vec![flow_log]))
    }

    async fn find(&self, tags: &[Tag]) -> Result<Vec<TaggedFlowLog>, Error> {
        self.call().await;
        let execution = tags.iter().find(|tag| tag.key == tag_key::EXECUTION);
        let found = self.world.flow_logs.borrow().clone();
        let of_it = |found: &TaggedFlowLog| {
            execution.is_none_or(|tag| found.execution.as_ref() == Some(&tag.value))
        };
        step().await;
        Ok(found.into_iter().filter(of_it).collect())
    }

    async fn on_resources(&self, _: &[String]) -> Result<Vec<TaggedFlowLog>, Error> {
        self.call().await;
        Ok(self.world.flow_logs.borrow().clone())
    }

    async fn delete(&self, ids: &[String]) -> Result<(), Error> {
        self.call().await;
        let is_sweep = self.writer.starts_with("sweep-") && !self.world.is_removed.get();
        let doomed = |found: &TaggedFlowLog| ids.contains(&found.flow_log.id);
        for found in self.world.flow_logs.borrow().iter().filter(|found| doomed(found)) {
            if is_sweep && self.world.is_live(found) {
                self.world.broken("a live recording is never touched", &format!("{found:?}"));
            }
        }
        self.world.flow_logs.borrow_mut().retain(|found| !doomed(found));
        step().await;
        Ok(())
    }
}

impl Callbacks for Ports<'_> {
    async fn succeed(&self, token: &str, _: &serde_json::Value) -> Result<Answered, Error> {
        self.call().await;
        if self.world.closed.borrow().contains(token) {
            return Ok(Answered::TooLate);
        }
        self.world.answered.borrow_mut().insert(token.to_owned());
        Ok(Answered::Delivered)
    }
}

impl Executions for Ports<'_> {
    async fn running(&self) -> Result<BTreeSet<String>, Error> {
        self.call().await;
        let executions = self.world.executions.borrow();
        let runs = |execution: &&String| self.world.is_running(execution);
        Ok(executions.keys().filter(runs).cloned().collect())
    }

    async fn ended_badly(&self, since: Timestamp) -> Result<Vec<String>, Error> {
        self.call().await;
        let ended = self.world.ended_badly.borrow();
        let ended = ended.iter().filter(|(_, at)| **at >= since);
        Ok(ended.map(|(execution, _)| execution.clone()).collect())
    }

    async fn describe(&self, execution: &str) -> Result<Option<Execution>, Error> {
        self.call().await;
        Ok(self.world.executions.borrow().get(execution).cloned())
    }

    async fn has_published(&self, execution: &str) -> Result<bool, Error> {
        self.call().await;
        Ok(self.world.history.told.borrow().contains(execution))
    }

    async fn stop(&self, execution: &str, _: &str) -> Result<(), Error> {
        self.call().await;
        self.world.end(execution, ExecutionStatus::Aborted);
        Ok(())
    }
}

impl Topic for Ports<'_> {
    async fn publish(&self, email: &Email) -> Result<(), Error> {
        self.call().await;
        self.reach_topic()?;
        let link = email.body.rsplit('/').next().unwrap_or_default();
        self.world.mail(link.trim());
        step().await;
        Ok(())
    }
}

impl Clock for Ports<'_> {
    fn elapsed(&self) -> Duration {
        self.slept.get()
    }

    async fn sleep(&self, length: Duration) {
        self.slept.set(self.slept.get() + length);
        if self.world.is_removed.get() {
            self.world.slept.set(self.slept.get());
        }
        step().await;
    }
}

impl Aws for Ports<'_> {
    fn table(&self) -> &(impl Table + Items) {
        self
    }

    fn flow_logs(&self) -> &impl FlowLogs {
        self
    }

    fn executions(&self) -> &impl Executions {
        self
    }

    fn topic(&self) -> &impl Topic {
        self
    }

    fn gateways(&self) -> &impl ExistingGateways {
        self
    }

    fn clock(&self) -> &impl Clock {
        self
    }
}
