//! The protocol of the table as a model: the real steps of executions and of
//! resume-recording, interleaved at random between any two of their calls.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "protocol/world.rs"]
mod world;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use recording::{
    alarm::{Cleared, ClearedHow},
    ports::Table as _,
    protocol::{self, attribute, phase},
    reserve::{self, Answer, Request, Settings, Start},
    resume, start,
    state::{Ended, Failure, State},
    stop::{self, Failed},
    table::Outcome,
};
use serde_json::json;
use world::{Ports, Running, STACK, World, gateway};

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
    /// One of the executions is aborted.
    Crash(usize),
    /// Time passes, enough for leases to end.
    Wait,
    /// EC2 refuses to create flow logs, or no longer does.
    RefuseFlowLogs(bool),
}

fn happenings(with_faults: bool) -> impl Strategy<Value = Vec<Happening>> {
    let calm = prop_oneof![
        2 => (1..3_usize).prop_map(|deliveries| Happening::Alarm { deliveries }),
        2 => (1..3_usize).prop_map(|deliveries| Happening::Ok { deliveries }),
        30 => any::<usize>().prop_map(Happening::Step),
    ];
    let faults = prop_oneof![
        1 => any::<usize>().prop_map(Happening::Timeout),
        1 => any::<usize>().prop_map(Happening::Crash),
        1 => Just(Happening::Wait),
        1 => any::<bool>().prop_map(Happening::RefuseFlowLogs),
    ];
    let any_of_them =
        if with_faults { prop_oneof![12 => calm, 1 => faults].boxed() } else { calm.boxed() };
    prop::collection::vec(any_of_them, 1..300)
}

/// Everything that runs in a world.
struct Model<'a> {
    world: &'a World,
    allowed: i64,
    running: RefCell<Vec<Running<'a>>>,
    timeouts: RefCell<Vec<Rc<Cell<bool>>>>,
    crashed: RefCell<BTreeSet<String>>,
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
            running: RefCell::default(),
            timeouts: RefCell::default(),
            crashed: RefCell::default(),
            changes: Cell::new(1_000),
            newest_alarm: Cell::new(0),
            newest_ok: Cell::new(0),
            over_quota: Rc::default(),
        }
    }

    fn next_change(&self) -> i64 {
        self.changes.set(self.changes.get() + 1);
        self.changes.get()
    }

    fn happen(&self, happening: Happening) {
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
            Happening::Crash(choice) => self.crash(choice),
            Happening::Wait => self.world.now.set(self.world.now.get() + 100_000),
            Happening::RefuseFlowLogs(refuses) => self.world.refuses_flow_logs.set(refuses),
        }
    }

    fn start_execution(&self, alarm_at: i64) {
        let arn = format!("execution-{}", self.timeouts.borrow().len());
        let timed_out = Rc::new(Cell::new(false));
        self.timeouts.borrow_mut().push(Rc::clone(&timed_out));
        let over_quota = Rc::clone(&self.over_quota);
        let running =
            execution(self.world, arn.clone(), alarm_at, self.allowed, timed_out, over_quota);
        self.running.borrow_mut().push(Running::new(arn, running));
    }

    fn deliver_ok(&self, ok_at: i64) {
        let world = self.world;
        self.running.borrow_mut().push(Running::new(String::new(), async move {
            let ports = Ports { world, writer: "resume-recording" };
            let cleared = Cleared { name: "alarm".into(), how: ClearedHow::Ok, at: at(ok_at) };
            resume::resume(&ports, &ports, &gateway(), &cleared).await.unwrap();
        }));
    }

    fn step(&self, choice: usize) {
        let mut running = self.running.borrow_mut();
        let mut alive: Vec<_> = running.iter_mut().filter(|running| running.is_running()).collect();
        if !alive.is_empty() {
            let choice = choice % alive.len();
            alive[choice].poll();
        }
    }

    fn crash(&self, choice: usize) {
        let mut running = self.running.borrow_mut();
        let mut executions: Vec<_> =
            running.iter_mut().filter(|run| run.is_running() && !run.name.is_empty()).collect();
        if !executions.is_empty() {
            let choice = choice % executions.len();
            executions[choice].crash();
            self.crashed.borrow_mut().insert(executions[choice].name.clone());
        }
    }

    /// Lets everything run until it waits or has ended.
    fn settle(&self) {
        for _ in 0..400 {
            self.running.borrow_mut().iter_mut().for_each(Running::poll);
        }
    }

    fn waiting(&self) -> Vec<String> {
        let running = self.running.borrow();
        running.iter().filter(|run| run.is_running()).map(|run| run.name.clone()).collect()
    }
}

/// The state machine's way through one execution.
async fn execution(
    world: &World,
    arn: String,
    alarm_at: i64,
    allowed: i64,
    timed_out: Rc<Cell<bool>>,
    over_quota: Rc<Cell<u32>>,
) {
    let ports = Ports { world, writer: &arn };
    let request = Request {
        input: alarm_event(alarm_at),
        execution: arn.clone(),
        at: world.now(),
        settings: Settings {
            recording_seconds: 900,
            minimum_recording_seconds: 0,
            report_delay_seconds: 0,
            recordings_allowed: allowed,
            quota_period: recording::quota::QuotaPeriod::Forever,
        },
    };
    // Asked twice, as after a lost answer: both answers must be the same.
    let first = reserve::reserve(&ports, &request).await.unwrap();
    let state = match (first, reserve::reserve(&ports, &request).await.unwrap()) {
        (Answer::Record(state), _) => *state,
        (Answer::Refuse(refusal), again) => {
            assert!(matches!(again, Answer::Refuse(_)) || over(&refusal), "{refusal:?} {again:?}");
            if over(&refusal) {
                over_quota.set(over_quota.get() + 1);
            }
            match again {
                Answer::Record(state) => *state,
                Answer::Refuse(_) => return,
            }
        }
    };
    let start = start::Start { stack: STACK, at: world.now(), clock: || Timestamp::UNIX_EPOCH };
    match start.run(&ports, &ports, &ports, state).await {
        Ok(state) => wait_and_stop(world, &ports, state, &timed_out).await,
        Err(_) => clean_up(world, &ports, &request).await,
    }
}

fn over(refusal: &recording::state::Refusal) -> bool {
    refusal.decision == recording::state::Decision::QuotaReached
}

async fn wait_and_stop(world: &World, ports: &Ports<'_>, mut state: State, timed_out: &Cell<bool>) {
    for wait in 0.. {
        let token = format!("{}/{wait}", ports.writer);
        let stored = protocol::store_token(ports.writer, &token);
        let stored = ports.write(&gateway(), stored).await.unwrap();
        if let Outcome::Done(_) = stored
            && world.wait_for(&token, timed_out).await
        {
            let error = "States.Timeout".to_owned();
            state.ended = Some(Ended::Error(Failure { error, cause: String::new() }));
        }
        state = stop::stop(ports, ports, STACK, state, world.now()).await.unwrap();
        if state.stopped == Some(true) {
            return;
        }
    }
}

async fn clean_up(world: &World, ports: &Ports<'_>, request: &Request) {
    let start = Start::read(&request.input).unwrap();
    let failed = Failed {
        gateway: &gateway(),
        execution: ports.writer,
        counter: start.counter(request.settings.quota_period),
        flow_log_ids: Vec::new(),
    };
    // A first try died after it had given back, a second one's answer was lost.
    if let (Some(counter), true) = (&failed.counter, world.recording_executions().is_empty()) {
        ports.write(&gateway(), protocol::give_back(ports.writer, counter)).await.unwrap();
    }
    stop::clean_up(ports, ports, STACK, &failed, world.now()).await.unwrap();
    stop::clean_up(ports, ports, STACK, &failed, world.now()).await.unwrap();
}

fn chosen<T: Clone>(from: &[T], choice: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[choice % from.len()].clone())
}

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_millis(milliseconds)
}

fn alarm_event(alarm_at: i64) -> serde_json::Value {
    json!({
        "detail-type": "CloudWatch Alarm State Change",
        "time": "2026-11-21T00:00:00Z",
        "detail": {
            "alarmName": "recorder/nat-0123456789abcdef0",
            "state": { "value": "ALARM", "timestamp": at(alarm_at).to_string() },
            "configuration": { "metrics": [{ "metricStat": { "metric": {
                "namespace": "AWS/NATGateway",
                "dimensions": { "NatGatewayId": "nat-0123456789abcdef0" },
            } } }] },
        },
    })
}

fn counted(world: &World) -> i64 {
    world.item().number("recordings-forever").unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever fails, times out or is aborted in whatever order: every write keeps
    /// the rules, the counter is exact and never above the quota, and nobody but an
    /// aborted execution leaves a flow log.
    #[test]
    fn the_rules_hold_whatever_happens(happenings in happenings(true), allowed in 0..4_i64) {
        let world = World::default();
        let model = Model::new(&world, allowed);
        for happening in happenings {
            model.happen(happening);
            prop_assert_eq!(world.violations(), Vec::<String>::new());
            prop_assert_eq!(counted(&world), world.reserved.get() - world.given_back.get());
            prop_assert!(counted(&world) >= 0);
            prop_assert!(allowed == 0 || counted(&world) <= allowed);
        }
        model.settle();
        model.happen(Happening::Ok { deliveries: 1 });
        model.settle();
        // Whoever lost its lease while it waited ends with its waiting time.
        model.timeouts.borrow().iter().for_each(|timed_out| timed_out.set(true));
        model.settle();
        for left in world.recording_executions() {
            prop_assert!(model.crashed.borrow().contains(&left), "{left} left a flow log");
        }
        prop_assert_eq!(model.waiting(), Vec::<String>::new());
    }

    /// Without faults: when everything has settled, the gateway is being recorded
    /// exactly when its alarm is raised, however often the spike came and went while
    /// a recording was about to start, to wait or to stop.
    #[test]
    fn a_spike_is_recorded_as_long_as_it_lasts(happenings in happenings(false)) {
        let world = World::default();
        let model = Model::new(&world, 0);
        for happening in happenings {
            model.happen(happening);
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
