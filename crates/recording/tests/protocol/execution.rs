//! The state machine's way through one execution.

use std::{cell::Cell, rc::Rc};

use jiff::{SignedDuration, Timestamp};
use recording::{
    ports::{ExecutionStatus, Table as _},
    protocol,
    reserve::{self, Answer, Request, Settings, Start},
    start,
    state::{Decision, Ended, Failure, Refusal, State},
    stop::{self, Failed},
    table::Outcome,
};
use serde_json::json;

use super::{
    ports::Ports,
    world::{STACK, World, gateway},
};

/// How often the state machine calls a function that fails for the moment.
const TRIES: usize = 3;

pub(crate) async fn run(
    world: &World,
    arn: String,
    alarm_at: i64,
    allowed: i64,
    timed_out: Rc<Cell<bool>>,
    over_quota: Rc<Cell<u32>>,
) {
    let request = request(world, &arn, alarm_at, allowed);
    let Some(state) = reserve_twice(world, &request, &over_quota).await else {
        world.end(&arn, ExecutionStatus::Succeeded);
        return;
    };
    if !world.is_running(&arn) {
        return;
    }
    let ports = Ports::new(world, &arn);
    let start = start::Start { stack: STACK, at: world.now(), clock: || Timestamp::UNIX_EPOCH };
    let started = world.start(&arn, start.run(&ports, &ports, &ports, state)).await;
    let recorded = match started {
        _ if !world.is_running(&arn) => return,
        Some(Ok(state)) => wait_and_stop(world, &arn, state, &timed_out).await,
        Some(Err(_)) | None => clean_up(world, &request).await,
    };
    if world.is_running(&arn) {
        announce(world, &arn, recorded);
    }
}

/// The e-mail about a recording, or about its failure, and the end.
fn announce(world: &World, arn: &str, recorded: bool) {
    let is_told = !world.faults.topic.get();
    if is_told {
        world.mail(arn);
        world.history.told.borrow_mut().insert(arn.to_owned());
    }
    let is_well = recorded && is_told;
    world.end(arn, if is_well { ExecutionStatus::Succeeded } else { ExecutionStatus::Failed });
}

/// Asked twice, as after a lost answer: both answers must be the same.
async fn reserve_twice(world: &World, request: &Request, over_quota: &Cell<u32>) -> Option<State> {
    let ports = Ports::new(world, &request.execution);
    let first = reserve::reserve(&ports, request).await.unwrap();
    if !world.is_running(&request.execution) {
        return None;
    }
    match (first, reserve::reserve(&ports, request).await.unwrap()) {
        (Answer::Record(state), _) => Some(*state),
        (Answer::Refuse(refusal), again) => {
            assert!(matches!(again, Answer::Refuse(_)) || over(&refusal), "{refusal:?} {again:?}");
            if over(&refusal) {
                over_quota.set(over_quota.get() + 1);
            }
            match again {
                Answer::Record(state) => Some(*state),
                Answer::Refuse(_) => None,
            }
        }
    }
}

fn over(refusal: &Refusal) -> bool {
    refusal.decision == Decision::QuotaReached
}

async fn wait_and_stop(world: &World, arn: &str, mut state: State, timed_out: &Cell<bool>) -> bool {
    let ports = Ports::new(world, arn);
    for wait in 0.. {
        let token = format!("{arn}/{wait}");
        let stored = protocol::store_token(arn, &token);
        let stored = ports.write(&gateway(), stored).await.unwrap();
        if let Outcome::Done(_) = stored
            && world.wait_for(arn, &token, timed_out).await
        {
            let error = "States.Timeout".to_owned();
            state.ended = Some(Ended::Error(Failure { error, cause: String::new() }));
        }
        if !world.is_running(arn) {
            return false;
        }
        state = stop::stop(&ports, &ports, STACK, state, world.now()).await.unwrap();
        if state.stopped == Some(true) || !world.is_running(arn) {
            return true;
        }
    }
    false
}

/// Like `stop-recording` after a failure: called again after an error, and after a lost answer.
async fn clean_up(world: &World, request: &Request) -> bool {
    let arn = request.execution.as_str();
    let start = Start::read(&request.input).unwrap();
    let failed = Failed {
        gateway: &gateway(),
        execution: arn,
        counter: start.counter(request.settings.quota_period),
        flow_log_ids: Vec::new(),
    };
    let mut answers = 0;
    for _ in 0..TRIES {
        let ports = Ports::new(world, arn).that_meets_faults();
        let cleaned = stop::clean_up(&ports, &ports, STACK, &failed, world.now()).await;
        answers += usize::from(cleaned.is_ok());
        if answers == 2 || !world.is_running(arn) {
            break;
        }
    }
    false
}

fn request(world: &World, arn: &str, alarm_at: i64, allowed: i64) -> Request {
    Request {
        input: alarm_event(alarm_at),
        execution: arn.to_owned(),
        at: world.now(),
        settings: Settings {
            recording_seconds: 900,
            minimum_recording_seconds: 0,
            report_delay_seconds: 0,
            recordings_allowed: allowed,
            quota_period: recording::quota::QuotaPeriod::Forever,
        },
    }
}

pub(crate) fn at(milliseconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_millis(milliseconds)
}

pub(crate) fn alarm_event(alarm_at: i64) -> serde_json::Value {
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
