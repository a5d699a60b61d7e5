//! The protocol of the table as a model: the real steps of executions, of resume-recording and of
//! the sweeper, interleaved at random between any two of their calls.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "protocol/execution.rs"]
mod execution;
#[path = "protocol/ports.rs"]
mod ports;
#[path = "protocol/sweeps.rs"]
mod sweeps;
#[path = "protocol/world.rs"]
mod world;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::Duration,
};

use execution::{alarm_event, at};
use ports::Ports;
use proptest::prelude::*;
use recording::{
    alarm::{Cleared, ClearedHow},
    ports::{Execution, ExecutionStatus},
    protocol::{attribute, phase},
    resume,
};
use sweeps::Kind;
use world::{Running, World, gateway};

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// The alarm is raised, and EventBridge delivers it so often.
    Alarm { deliveries: usize },
    /// The alarm clears, and EventBridge delivers it so often.
    Ok { deliveries: usize },
    /// One of those that run takes one step.
    Step(usize),
    /// One of the executions runs out of its waiting time.
    Timeout(usize),
    /// One of the executions is stopped; a function that it has called runs on.
    Abort(usize),
    /// One of the executions is stopped while its function is killed.
    Crash(usize),
    /// A start-recording is killed, and its execution cleans up.
    KillStart(usize),
    /// One of the sweeps is killed; Lambda calls it again with the same event.
    KillSweep(usize),
    /// An hour passes, and the schedule calls for a sweep.
    Hour,
    /// Hours pass without any sweep: leases end.
    Outage,
    /// EC2 refuses to create flow logs, or no longer does.
    RefuseFlowLogs(bool),
    /// So many writes of sweeps and clean-ups do not reach the table.
    LoseWrites(u32),
    /// SNS takes no e-mail, or does again.
    LoseTopic(bool),
}

fn happenings(with_faults: bool) -> impl Strategy<Value = Vec<Happening>> {
    let calm = prop_oneof![
        2 => (1..3_usize).prop_map(|deliveries| Happening::Alarm { deliveries }),
        2 => (1..3_usize).prop_map(|deliveries| Happening::Ok { deliveries }),
        30 => any::<usize>().prop_map(Happening::Step),
    ];
    let faults = prop_oneof![
        2 => any::<usize>().prop_map(Happening::Timeout),
        2 => any::<usize>().prop_map(Happening::Abort),
        1 => any::<usize>().prop_map(Happening::Crash),
        1 => any::<usize>().prop_map(Happening::KillStart),
        1 => any::<usize>().prop_map(Happening::KillSweep),
        2 => Just(Happening::Hour),
        1 => Just(Happening::Outage),
        1 => any::<bool>().prop_map(Happening::RefuseFlowLogs),
        1 => (1..20_u32).prop_map(Happening::LoseWrites),
        1 => any::<bool>().prop_map(Happening::LoseTopic),
    ];
    let any_of_them =
        if with_faults { prop_oneof![12 => calm, 1 => faults].boxed() } else { calm.boxed() };
    prop::collection::vec(any_of_them, 1..300)
}

/// Everything that runs in a world.
struct Model<'a> {
    world: &'a World,
    allowed: i64,
    /// So often is the event of an execution that ended badly delivered.
    bad_end_deliveries: usize,
    running: RefCell<Vec<Running<'a>>>,
    timeouts: RefCell<Vec<Rc<Cell<bool>>>>,
    sweeps: RefCell<BTreeMap<String, Kind>>,
    killed_sweeps: Cell<u32>,
    /// CloudWatch's clock, in milliseconds: every change of the alarm is newer.
    changes: Cell<i64>,
    newest_alarm: Cell<i64>,
    newest_ok: Cell<i64>,
    /// Executions that were refused because the quota was reached.
    over_quota: Rc<Cell<u32>>,
}

impl<'a> Model<'a> {
    fn new(world: &'a World, allowed: i64) -> Self {
        Self {
            world,
            allowed,
            bad_end_deliveries: 1,
            running: RefCell::default(),
            timeouts: RefCell::default(),
            sweeps: RefCell::default(),
            killed_sweeps: Cell::new(0),
            changes: Cell::new(1_000),
            newest_alarm: Cell::new(0),
            newest_ok: Cell::new(0),
            over_quota: Rc::default(),
        }
    }

    /// Time passes, unless no sweep has worked for hours: they look six hours back.
    fn pass(&self, hours: i64) {
        let now = self.world.now.get() + hours * 3_600;
        if now - self.world.swept_at.get() < 6 * 3_600 {
            self.world.now.set(now);
        }
    }

    fn next_change(&self) -> i64 {
        self.changes.set(self.changes.get() + 1);
        self.changes.get()
    }

    fn happen(&self, happening: Happening) {
        let faults = &self.world.faults;
        match happening {
            Happening::Alarm { deliveries } => {
                self.newest_alarm.set(self.next_change());
                (0..deliveries).for_each(|_| self.start_execution(self.newest_alarm.get()));
            }
            Happening::Ok { deliveries } => {
                self.newest_ok.set(self.next_change());
                (0..deliveries).for_each(|_| self.deliver_ok(self.newest_ok.get()));
            }
            Happening::Step(choice) => self.step(choice),
            Happening::Timeout(choice) => {
                if let Some(timeout) = chosen(&self.timeouts.borrow(), choice) {
                    timeout.set(true);
                }
            }
            Happening::Abort(choice) => {
                self.abort(choice);
            }
            Happening::Crash(choice) => {
                if let Some(name) = self.abort(choice) {
                    self.kill(&name);
                }
            }
            Happening::KillStart(choice) => {
                let starting = self.world.starting.borrow().iter().cloned().collect::<Vec<_>>();
                if let Some(name) = chosen(&starting, choice) {
                    self.world.starting.borrow_mut().remove(&name);
                }
            }
            Happening::KillSweep(choice) => self.kill_sweep(choice),
            Happening::Hour => {
                self.settle_sweeps();
                self.pass(1);
                self.start_sweep(Kind::Hourly);
            }
            Happening::Outage => self.pass(4),
            Happening::RefuseFlowLogs(refuses) => faults.flow_logs.set(refuses),
            Happening::LoseWrites(count) => faults.writes.set(count),
            Happening::LoseTopic(is_lost) => faults.topic.set(is_lost),
        }
        self.deliver_bad_ends();
    }

    fn start_execution(&self, alarm_at: i64) {
        let arn = format!("execution-{}", self.timeouts.borrow().len());
        let timed_out = Rc::new(Cell::new(false));
        self.timeouts.borrow_mut().push(Rc::clone(&timed_out));
        let execution = Execution {
            status: ExecutionStatus::Running,
            input: alarm_event(alarm_at),
            error: None,
            cause: None,
        };
        self.world.executions.borrow_mut().insert(arn.clone(), execution);
        let over_quota = Rc::clone(&self.over_quota);
        let running =
            execution::run(self.world, arn.clone(), alarm_at, self.allowed, timed_out, over_quota);
        self.running.borrow_mut().push(Running::new(arn, running));
    }

    fn deliver_ok(&self, ok_at: i64) {
        let world = self.world;
        self.running.borrow_mut().push(Running::new(String::new(), async move {
            let ports = Ports::new(world, "resume-recording");
            let cleared = Cleared { name: "alarm".into(), how: ClearedHow::Ok, at: at(ok_at) };
            resume::resume(&ports, &ports, &gateway(), &cleared).await.unwrap();
        }));
    }

    fn start_sweep(&self, kind: Kind) {
        let id = format!("sweep-{}", self.sweeps.borrow().len());
        self.sweeps.borrow_mut().insert(id.clone(), kind.clone());
        let sweep = sweeps::run(self.world, id.clone(), kind);
        self.running.borrow_mut().push(Running::new(id, sweep));
    }

    /// EventBridge tells the sweeper of executions that ended badly, unless the rule is gone.
    fn deliver_bad_ends(&self) {
        for execution in self.world.bad_ends.take() {
            let outcome = self.world.executions.borrow()[&execution].clone();
            if !self.world.is_removed.get() {
                for _ in 0..self.bad_end_deliveries {
                    self.start_sweep(Kind::Ended(execution.clone(), outcome.clone()));
                }
            }
        }
    }

    fn step(&self, choice: usize) {
        let mut running = self.running.borrow_mut();
        let mut alive: Vec<_> = running.iter_mut().filter(|running| running.is_running()).collect();
        if !alive.is_empty() {
            let choice = choice % alive.len();
            alive[choice].poll();
        }
    }

    fn abort(&self, choice: usize) -> Option<String> {
        let executions = self.world.executions.borrow().keys().cloned().collect::<Vec<_>>();
        let running: Vec<_> =
            executions.into_iter().filter(|name| self.world.is_running(name)).collect();
        let name = chosen(&running, choice)?;
        self.world.end(&name, ExecutionStatus::Aborted);
        Some(name)
    }

    fn kill(&self, name: &str) {
        let mut running = self.running.borrow_mut();
        running.iter_mut().filter(|running| running.name == name).for_each(Running::kill);
    }

    fn kill_sweep(&self, choice: usize) {
        let alive: Vec<String> = {
            let running = self.running.borrow();
            let sweeps = running.iter().filter(|run| run.is_running() && run.is_sweep());
            sweeps.map(|run| run.name.clone()).collect()
        };
        let Some(id) = chosen(&alive, choice) else { return };
        self.kill(&id);
        self.killed_sweeps.set(self.killed_sweeps.get() + 1);
        // The schedule's own next call is its second try.
        let kind = self.sweeps.borrow()[&id].clone();
        if let Kind::Ended(..) = kind {
            let again = sweeps::run(self.world, id.clone(), kind);
            self.running.borrow_mut().push(Running::new(id, again));
        }
    }

    /// Lets everything run until it waits or has ended.
    fn settle(&self) {
        let mut idle_rounds = 0;
        // A call yields twice, and a sweep that sleeps once.
        while idle_rounds < 4 {
            let calls = self.world.calls.get();
            self.running.borrow_mut().retain(Running::is_running);
            self.running.borrow_mut().iter_mut().for_each(Running::poll);
            self.deliver_bad_ends();
            idle_rounds = if self.world.calls.get() == calls { idle_rounds + 1 } else { 0 };
        }
    }

    /// No sweep takes an hour.
    fn settle_sweeps(&self) {
        for _ in 0..1_000 {
            self.step_sweeps();
            if !self.has_sweeps() {
                return;
            }
        }
        self.world.broken("a sweep ends", "it does not");
    }

    fn step_sweeps(&self) {
        let mut running = self.running.borrow_mut();
        running.iter_mut().filter(|run| run.is_sweep()).for_each(Running::poll);
    }

    fn has_sweeps(&self) -> bool {
        self.running.borrow().iter().any(|run| run.is_sweep() && run.is_running())
    }

    /// Everything works again, the alarm clears, waiting times end, and hours pass.
    fn end_well(&self) {
        let faults = &self.world.faults;
        faults.flow_logs.set(false);
        faults.writes.set(0);
        faults.topic.set(false);
        self.settle();
        self.happen(Happening::Ok { deliveries: 1 });
        self.settle();
        // Whoever lost its lease while it waited ends with its waiting time.
        self.timeouts.borrow().iter().for_each(|timed_out| timed_out.set(true));
        self.settle();
        // One sweep deletes; what it doubts, the second announces.
        (0..3).for_each(|_| {
            self.happen(Happening::Hour);
            self.settle();
        });
    }

    fn waiting(&self) -> Vec<String> {
        let running = self.running.borrow();
        running.iter().filter(|run| run.is_running()).map(|run| run.name.clone()).collect()
    }
}

fn chosen<T: Clone>(from: &[T], choice: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[choice % from.len()].clone())
}

fn counted(world: &World) -> i64 {
    world.item().number("recordings-forever").unwrap_or(0)
}

/// Every recording that was counted and not given back had a flow log, and the other way round.
/// Exempt is whose lease passed before any sweep came by, and a flow log that was under way when
/// the count was given back: it lives for a moment.
fn quota_is_exact(world: &World) -> Result<(), TestCaseError> {
    let history = &world.history;
    let (recorded, given_back) = (history.recorded.borrow(), history.given_back.borrow());
    for execution in history.reserved.borrow().iter() {
        let is_lost = !recorded.contains_key(execution) && !given_back.contains(execution);
        prop_assert!(
            !is_lost || history.overrun.borrow().contains(execution),
            "{execution} recorded nothing and was not given back"
        );
    }
    let kept = history.reserved.borrow().difference(&given_back).count();
    prop_assert_eq!(counted(world), i64::try_from(kept).unwrap());
    Ok(())
}

/// Whoever took the lease, in however short a time, is told of at least once; twice only where a
/// sweep died over it, or could not note it.
fn everybody_is_told(world: &World, may_be_twice: bool) -> Result<(), TestCaseError> {
    let mails = world.history.mails.borrow();
    for execution in world.history.reserved.borrow().iter() {
        let count = mails.get(execution).copied().unwrap_or(0);
        prop_assert!(count >= 1, "nobody was told of {execution}: {:#?}", world.log.borrow());
        prop_assert!(count == 1 || may_be_twice, "{count} e-mails about {execution}");
    }
    Ok(())
}

/// `PROPTEST_CASES=20000` looks longer.
fn config() -> ProptestConfig {
    let defaults = ProptestConfig::default();
    ProptestConfig {
        cases: defaults.cases.max(400),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..defaults
    }
}

proptest! {
    #![proptest_config(config())]

    /// Whatever fails, times out, is stopped or killed in whatever order: every write keeps the
    /// rules, the counter is exact and never above the quota, no sweep touches a live recording,
    /// and in the end no flow log and no lease is left and everybody has been told.
    #[test]
    fn the_rules_hold_whatever_happens(
        happenings in happenings(true),
        allowed in 0..4_i64,
        bad_end_deliveries in 0..3_usize,
    ) {
        let world = World::default();
        let model = Model { bad_end_deliveries, ..Model::new(&world, allowed) };
        for happening in happenings {
            model.happen(happening);
            prop_assert_eq!(world.violations(), Vec::<String>::new());
            prop_assert!(counted(&world) >= 0);
            prop_assert!(allowed == 0 || counted(&world) <= allowed);
        }
        model.end_well();
        prop_assert_eq!(world.violations(), Vec::<String>::new());
        prop_assert_eq!(model.waiting(), Vec::<String>::new());
        prop_assert_eq!(world.recording_executions(), BTreeSet::new());
        let item = world.item();
        prop_assert_eq!(item.text(attribute::EXECUTION), None);
        quota_is_exact(&world)?;
        everybody_is_told(&world, model.killed_sweeps.get() > 0 || world.lost_writes.get())?;
    }

    /// The stack is deleted at any moment, whatever is under way: nothing is left.
    #[test]
    fn nothing_is_left_of_a_stack_that_is_deleted(
        happenings in happenings(true),
        bad_end_deliveries in 0..3_usize,
        is_slow in any::<bool>(),
    ) {
        let world = World::default();
        let model = Model { bad_end_deliveries, ..Model::new(&world, 0) };
        for happening in happenings {
            model.happen(happening);
        }
        world.faults.writes.set(0);
        world.faults.topic.set(false);
        // The rules go first.
        world.is_removed.set(true);
        model.start_sweep(Kind::Removal);
        // Lambda lets no start-recording run for longer.
        while is_slow && world.slept.get() < Duration::from_mins(1) && model.has_sweeps() {
            model.step_sweeps();
        }
        model.settle();
        prop_assert_eq!(world.violations(), Vec::<String>::new());
        prop_assert_eq!(model.waiting(), Vec::<String>::new());
        prop_assert_eq!(world.recording_executions(), BTreeSet::new());
        everybody_is_told(&world, true)?;
    }

    /// Without faults: when everything has settled, the gateway is being recorded
    /// exactly when its alarm is raised, however often the spike came and went while
    /// a recording was about to start, to wait or to stop, and however often a sweep came by.
    #[test]
    fn a_spike_is_recorded_as_long_as_it_lasts(
        happenings in happenings(false),
        sweeps_at in prop::collection::btree_set(0..300_usize, 0..6),
    ) {
        let world = World::default();
        let model = Model::new(&world, 0);
        for (number, happening) in happenings.into_iter().enumerate() {
            model.happen(happening);
            if sweeps_at.contains(&number) {
                model.start_sweep(Kind::Hourly);
            }
        }
        model.settle();
        let raised = model.newest_alarm.get() > model.newest_ok.get();
        prop_assert_eq!(model.waiting().len(), usize::from(raised));
        prop_assert_eq!(world.recording_executions().len(), usize::from(raised));
        let item = world.item();
        prop_assert_eq!(item.text(attribute::EXECUTION).is_some(), raised);
        if raised {
            prop_assert_eq!(item.text(attribute::PHASE), Some(phase::RECORDING));
        }
        prop_assert_eq!(world.violations(), Vec::<String>::new());
    }

    /// A quota with one recording left and several alarms at once.
    #[test]
    fn one_recording_left_is_taken_once(steps in prop::collection::vec(any::<usize>(), 0..200)) {
        let world = World::default();
        let model = Model::new(&world, 1);
        model.happen(Happening::Alarm { deliveries: 5 });
        for choice in steps {
            model.happen(Happening::Step(choice));
        }
        model.settle();
        prop_assert_eq!(counted(&world), 1);
        prop_assert_eq!(world.recording_executions().len(), 1);
    }
}
