//! Deliveries that are late or come twice: EventBridge promises at least one, and no order.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::delivery::{self, Target};
use crate::callers;
use crate::door::Door;
use crate::faults::{Action, DELIVERY, Subject};

/// Delivers an event to a target, when and as often as the faults want.
pub(super) async fn deliver(door: Arc<Door>, rule_arn: String, target: Target, event: Value) {
    let text = event.to_string();
    let (service, operation) = DELIVERY;
    let subject = Subject {
        service,
        operation,
        caller: callers::EVENTS,
        is_of_function: false,
        texts: [rule_arn.as_bytes(), text.as_bytes()],
    };
    let mut times = 1;
    let mut considered = Vec::new();
    while let Some(mut strike) = door.faults.strike(&subject, &mut considered) {
        let about = json!({
            "fault": strike.fault,
            "service": service,
            "operation": operation,
            "event_id": event.get("id"),
            "action": strike.action_name(),
        });
        door.journal.record("fault", about.clone());
        match strike.action {
            Action::Duplicate(more) => times += more,
            Action::DelayMs(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            Action::Hold(_) => {
                door.journal.record("held", about.clone());
                strike.released().await;
                door.journal.record("released", about);
            }
            // Whatever else can happen to a call happens to the target's own.
            _ => {}
        }
    }
    for _ in 0..times {
        let (door, rule_arn) = (Arc::clone(&door), rule_arn.clone());
        tokio::spawn(delivery::deliver(door, rule_arn, target.clone(), event.clone()));
    }
}
