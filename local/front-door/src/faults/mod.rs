//! Faults on request: what a call gets instead of its answer.

mod dice;
mod fault;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::logs_insights::Status;

use dice::Dice;

pub(crate) use fault::{Action, DELIVERY, Fault, Moment, Subject};

struct Entry {
    fault: Fault,
    dice: Dice,
    /// Dropped with the entry, which releases the calls that it holds.
    held: watch::Sender<()>,
}

impl Entry {
    fn spares(&mut self, subject: &Subject<'_>) -> bool {
        self.fault.probability.is_some_and(|probability| {
            !self.dice.strikes(subject.service, subject.operation, probability)
        })
    }
}

/// A fault that strikes a call.
#[derive(Debug)]
pub(crate) struct Strike {
    pub(crate) fault: String,
    pub(crate) action: Action,
    held: watch::Receiver<()>,
}

impl Strike {
    /// Returns when the fault is removed.
    pub(crate) async fn released(&mut self) {
        // An error says that the sender is gone: that is the release.
        while self.held.changed().await.is_ok() {}
    }

    /// The action's name in requests.
    pub(crate) const fn action_name(&self) -> &'static str {
        self.action.name()
    }
}

/// How a query ends that a fault has struck.
#[derive(Debug)]
pub(crate) struct QueryFault {
    pub(crate) status: Status,
    /// How many rows it answers; none: all of them.
    pub(crate) rows: Option<usize>,
    pub(crate) strike: Strike,
}

/// The faults that were asked for and not removed.
#[derive(Default)]
pub(crate) struct Faults {
    entries: Mutex<Vec<Entry>>,
}

impl Faults {
    /// Adds a fault, in place of the one with its ID; refuses, in words, what makes no sense.
    pub(crate) fn add(&self, fault: Fault) -> Result<String, String> {
        fault.check()?;
        let id = fault.id.clone();
        let mut entries = self.entries.lock();
        entries.retain(|entry| entry.fault.id != id);
        let dice = Dice::new(fault.seed);
        entries.push(Entry { fault, dice, held: watch::Sender::new(()) });
        Ok(id)
    }

    /// Removes a fault and releases what it holds; tells whether there was one.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let mut entries = self.entries.lock();
        let before = entries.len();
        entries.retain(|entry| entry.fault.id != id);
        entries.len() < before
    }

    /// All faults; `times` says how many calls each will still strike.
    pub(crate) fn all(&self) -> Vec<Fault> {
        self.entries.lock().iter().map(|entry| entry.fault.clone()).collect()
    }

    /// The first fault that strikes the subject and is not among `considered`, which all that
    /// had their chance are added to.
    pub(crate) fn strike(
        &self,
        subject: &Subject<'_>,
        considered: &mut Vec<String>,
    ) -> Option<Strike> {
        for entry in self.entries.lock().iter_mut() {
            if considered.contains(&entry.fault.id) || !entry.fault.is_about(subject) {
                continue;
            }
            considered.push(entry.fault.id.clone());
            if entry.spares(subject) {
                continue;
            }
            entry.fault.times = entry.fault.times.map(|times| times.saturating_sub(1));
            return Some(Strike {
                fault: entry.fault.id.clone(),
                action: entry.fault.action.clone(),
                held: entry.held.subscribe(),
            });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn add(faults: &Faults, asked: Value) {
        faults.add(serde_json::from_value(asked).unwrap()).unwrap();
    }

    fn subject<'a>(operation: &'a str, body: &'a str) -> Subject<'a> {
        Subject {
            service: "ec2",
            operation,
            caller: "client",
            is_of_function: false,
            texts: [b"/", body.as_bytes()],
        }
    }

    fn create(body: &str) -> Subject<'_> {
        subject("CreateFlowLogs", body)
    }

    fn error() -> Value {
        json!({"error": {"status": 503, "code": "X", "message": "m"}})
    }

    fn strikes(faults: &Faults, subject: &Subject<'_>) -> bool {
        faults.strike(subject, &mut vec![]).is_some()
    }

    #[test]
    fn strikes_the_operation_so_many_times() {
        let faults = Faults::default();
        let asked = json!({"service": "ec2", "operation": "CreateFlowLogs", "times": 2,
                           "action": error()});
        add(&faults, asked);
        assert!(!strikes(&faults, &subject("DeleteFlowLogs", "")));
        assert!(strikes(&faults, &create("")));
        assert!(strikes(&faults, &create("")));
        assert!(!strikes(&faults, &create("")));
    }

    #[test]
    fn strikes_what_contains_the_text_as_it_was_meant() {
        let faults = Faults::default();
        let asked = json!({"id": "f", "service": "ec2", "operation": "CreateFlowLogs",
                           "contains": "nat:1", "action": error()});
        add(&faults, asked);
        assert!(strikes(&faults, &create("A=nat%3A1")));
        assert!(!strikes(&faults, &create("A=nat%3A2")));
        let mut considered = vec!["f".to_owned()];
        assert!(faults.strike(&create("A=nat%3A1"), &mut considered).is_none());
        assert!(faults.remove("f"));
        assert!(!faults.remove("f"));
        assert!(!strikes(&faults, &create("A=nat%3A1")));
    }

    #[test]
    fn a_star_stands_for_any_service_and_any_rest_of_an_operation() {
        let strikes_with = |service: &str, operation: &str, struck: &Subject<'_>| {
            let faults = Faults::default();
            add(&faults, json!({"service": service, "operation": operation, "action": error()}));
            strikes(&faults, struck)
        };
        assert!(strikes_with("*", "*", &create("")));
        assert!(strikes_with("ec2", "Create*", &create("")));
        assert!(!strikes_with("ec2", "Delete*", &create("")));
        assert!(!strikes_with("sns", "*", &create("")));
        let (service, operation) = DELIVERY;
        let delivery = Subject { service, operation, ..create("") };
        assert!(!strikes_with("*", "*", &delivery));
        assert!(strikes_with(service, operation, &delivery));
    }

    #[test]
    fn callers_can_be_left_alone_and_only_functions_can_be_killed() {
        let faults = Faults::default();
        add(
            &faults,
            json!({"service": "*", "operation": "*", "except_callers": ["client"],
                                "action": error()}),
        );
        assert!(!strikes(&faults, &create("")));
        assert!(strikes(&faults, &Subject { caller: "state-machine", ..create("") }));
        let faults = Faults::default();
        add(&faults, json!({"service": "*", "operation": "*", "action": {"kill": "during"}}));
        assert!(!strikes(&faults, &create("")));
        assert!(strikes(&faults, &Subject { is_of_function: true, ..create("") }));
    }

    #[test]
    fn chance_is_asked_once_for_a_call() {
        let faults = Faults::default();
        add(
            &faults,
            json!({"service": "ec2", "operation": "*", "probability": 0.5,
                                "seed": 1, "action": error()}),
        );
        let mut considered = vec![];
        while faults.strike(&create(""), &mut considered).is_some() {}
        assert_eq!(considered.len(), 1);
        let struck = (0..100).filter(|_| strikes(&faults, &create(""))).count();
        assert!((30..70).contains(&struck), "{struck}");
    }

    #[tokio::test]
    async fn removal_releases_what_is_held() {
        let faults = Faults::default();
        let asked = json!({"id": "f", "service": "ec2", "operation": "CreateFlowLogs",
                           "times": 1, "action": {"hold": true}});
        add(&faults, asked);
        let mut strike = faults.strike(&create(""), &mut vec![]).unwrap();
        let held = tokio::spawn(async move { strike.released().await });
        tokio::task::yield_now().await;
        assert!(!held.is_finished());
        assert!(faults.remove("f"));
        held.await.unwrap();
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |asked: Value| {
            serde_json::from_value(asked)
                .map_or(true, |fault| Faults::default().add(fault).is_err())
        };
        for action in [
            json!({"hold": false}),
            json!({"explode": true}),
            json!({}),
            json!({"kill": "never"}),
            json!({"duplicate": 1}),
            json!({"query": {"status": "Timeout"}}),
            json!({"pretend": true}),
        ] {
            assert!(refused(json!({"service": "a", "operation": "B", "action": action})));
        }
        let likely = json!({"service": "a", "operation": "B", "probability": 1.5,
                            "action": error()});
        assert!(refused(likely));
        let query = json!({"service": "logs", "operation": "StartQuery",
                           "action": {"query": {"status": "Timeout"}}});
        assert!(!refused(query));
    }
}
