//! Where the sequence goes on that an earlier run has begun.
//!
//! The file holds the next number of each protocol and observation domain:
//! `{"ipfix":{"0":1234}}`. It is locked while natflow runs, so that no two runs use the same
//! numbers.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use export::netflow::Settings;
use serde_json::{Map, Value};

use crate::error::Error;

/// The state of the sequence; without a file, it begins at 0.
#[derive(Debug)]
pub(crate) struct State {
    file: Option<(File, String)>,
    numbers: Map<String, Value>,
    protocol: &'static str,
    domain: String,
}

impl State {
    /// Reads the state, and keeps others from using it. An absent or empty file has no numbers.
    pub(crate) fn open(path: Option<&Path>, settings: &Settings) -> Result<Self, Error> {
        let (protocol, domain) = (settings.protocol.name(), settings.domain.to_string());
        let Some(path) = path else {
            return Ok(Self { file: None, numbers: Map::new(), protocol, domain });
        };
        let name = path.display().to_string();
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::input(&name))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let reason = "another natflow is using it: give each its own --state and --domain";
                return Err(Error::Unreadable { name, reason: reason.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(Error::input(&name)(error)),
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(Error::input(&name))?;
        let numbers = numbers(&text).ok_or_else(|| Error::Unreadable {
            name: name.clone(),
            reason: "expected sequence numbers such as {\"ipfix\":{\"0\":1234}}".to_owned(),
        })?;
        Ok(Self { file: Some((file, name)), numbers, protocol, domain })
    }

    /// The number that comes next.
    #[must_use]
    pub(crate) fn next_sequence(&self) -> u32 {
        let number = self.numbers.get(self.protocol).and_then(|domains| domains.get(&self.domain));
        number.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or_default()
    }

    /// Writes the number that comes next.
    pub(crate) fn save(&mut self, next_sequence: u32) -> Result<(), Error> {
        let Some((file, name)) = &mut self.file else { return Ok(()) };
        let domains = self.numbers.entry(self.protocol).or_insert_with(|| Map::new().into());
        if let Some(domains) = domains.as_object_mut() {
            domains.insert(self.domain.clone(), next_sequence.into());
        }
        let text = Value::Object(self.numbers.clone()).to_string() + "\n";
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()));
        written.map_err(Error::output(name))
    }
}

/// Every protocol's numbers; none if the text is something else.
fn numbers(text: &str) -> Option<Map<String, Value>> {
    if text.trim().is_empty() {
        return Some(Map::new());
    }
    let Ok(Value::Object(protocols)) = serde_json::from_str(text) else { return None };
    let is_number =
        |number: &Value| number.as_u64().is_some_and(|number| u32::try_from(number).is_ok());
    let are_numbers = protocols
        .values()
        .all(|domains| domains.as_object().is_some_and(|domains| domains.values().all(is_number)));
    are_numbers.then_some(protocols)
}
