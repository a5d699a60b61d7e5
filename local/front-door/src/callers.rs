//! Who makes a call, told by the access key ID of its signature.

use std::collections::HashMap;

use parking_lot::Mutex;

/// The prefix of the keys that the front door hands out.
const PREFIX: &str = "AKIALOCAL";
/// The key of moto's Step Functions interpreter.
const INTERPRETER: &str = "ak";
/// What the keys begin with under which moto's patches act for services; the name follows.
const SERVICE: &str = "service.";
/// Under this name EventBridge calls its targets.
pub(crate) const EVENTS: &str = "events";
/// Under this name CloudWatch publishes messages of its alarms.
pub(crate) const CLOUDWATCH: &str = "cloudwatch";
/// Under this name the front door itself calls moto.
pub(crate) const FRONT_DOOR: &str = "front-door";

/// The access keys of functions and services.
#[derive(Default)]
pub(crate) struct Callers {
    names: Mutex<HashMap<String, String>>,
}

impl Callers {
    /// Another access key ID for `name`: each process of a function has its own.
    pub(crate) fn new_access_key(&self, name: &str) -> String {
        let mut names = self.names.lock();
        let key = format!("{PREFIX}{:011}", names.len() + 1);
        names.insert(key.clone(), name.to_owned());
        key
    }

    /// The function, service or resource that owns the key; `state-machine`; or `client`.
    pub(crate) fn name_of(&self, access_key: &str) -> String {
        if access_key == INTERPRETER {
            return "state-machine".to_owned();
        }
        if let Some(name) = access_key.strip_prefix(SERVICE) {
            return name.to_owned();
        }
        self.names.lock().get(access_key).cloned().unwrap_or_else(|| "client".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_leads_back_to_its_owner() {
        let callers = Callers::default();
        let start = callers.new_access_key("start-recording");
        let another = callers.new_access_key("start-recording");
        let stop = callers.new_access_key("stop-recording");
        assert!(start != stop && start != another);
        // As long as AWS's keys are.
        assert_eq!(start.len(), 20);
        assert_eq!(callers.name_of(&start), "start-recording");
        assert_eq!(callers.name_of(&another), "start-recording");
        assert_eq!(callers.name_of(&stop), "stop-recording");
        assert_eq!(callers.name_of("ak"), "state-machine");
        assert_eq!(callers.name_of("service.documents-1A2B"), "documents-1A2B");
        assert_eq!(callers.name_of("AKIAIOSFODNN7EXAMPLE"), "client");
    }
}
