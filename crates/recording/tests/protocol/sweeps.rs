//! The sweeper, as the schedule, the rule and `CloudFormation` call it.

use std::{collections::BTreeSet, time::Duration};

use recording::{
    ports::Execution,
    report::{Destination, Place, Records},
    sweep::{self, Ended, Sweep},
};

use super::{
    ports::Ports,
    world::{STACK, World},
};

/// What a sweep was called for.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Hourly,
    Ended(String, Execution),
    Removal,
}

pub(crate) async fn run(world: &World, id: String, kind: Kind) {
    let ports = Ports::new(world, &id).that_meets_faults();
    let records = Records::LogGroup { name: "records", destination: Destination::InfrequentAccess };
    let sweep = Sweep {
        place: Place { stack: STACK, records },
        invocation: &id,
        now: world.now(),
        time: Duration::from_secs(270),
    };
    let (began, is_hourly) = (world.now.get(), matches!(kind, Kind::Hourly));
    let left_before = left_behind(world, &kind);
    let swept = match kind {
        Kind::Hourly => sweep::hourly(&ports, &sweep).await,
        Kind::Ended(execution, outcome) => {
            sweep::ended(&ports, &sweep, Ended { execution, outcome }).await
        }
        Kind::Removal => sweep::removal(&ports, &sweep).await,
    };
    world.log.borrow_mut().push(format!("{id}: {swept:?}"));
    let Ok(swept) = swept else { return };
    if swept.left.is_empty() {
        let still: Vec<_> = left_before.intersection(&flow_logs(world)).cloned().collect();
        if !still.is_empty() {
            world.broken("no flow log is left beyond one sweep", &format!("{id}: {still:?}"));
        }
        if is_hourly && swept.doubted.is_empty() {
            world.swept_at.set(began.max(world.swept_at.get()));
        }
    }
}

/// The flow logs that a sweep must delete, if it says that it did all there was to do.
fn left_behind(world: &World, kind: &Kind) -> BTreeSet<String> {
    let found = world.flow_logs.borrow();
    let of_it = |execution: &Option<String>| match kind {
        Kind::Ended(ended, _) => execution.as_ref() == Some(ended),
        Kind::Hourly | Kind::Removal => true,
    };
    let left = found.iter().filter(|found| of_it(&found.execution) && !world.is_live(found));
    left.map(|found| found.flow_log.id.clone()).collect()
}

fn flow_logs(world: &World) -> BTreeSet<String> {
    world.flow_logs.borrow().iter().map(|found| found.flow_log.id.clone()).collect()
}
