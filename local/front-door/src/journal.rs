//! What happened, in order: the log that tests and the demo read.

use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::clock;

/// Everything observed since the start. It only grows.
pub(crate) struct Journal {
    entries: Mutex<Vec<Value>>,
    newest: watch::Sender<usize>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::default(), newest: watch::Sender::new(0) }
    }

    /// Adds an entry with the members of `fields`, a JSON object, after `seq` (from 1), `at`
    /// and `kind`.
    pub(crate) fn record(&self, kind: &str, fields: Value) {
        let mut entries = self.entries.lock();
        let mut entry = Map::new();
        entry.insert("seq".to_owned(), json!(entries.len() + 1));
        entry.insert("at".to_owned(), json!(clock::rfc3339_millis(Timestamp::now())));
        entry.insert("kind".to_owned(), json!(kind));
        if let Value::Object(fields) = fields {
            entry.extend(fields);
        }
        entries.push(Value::Object(entry));
        self.newest.send_replace(entries.len());
    }

    /// The entries after `seq`, once there is one or `wait` has passed, and the number to ask
    /// with next.
    pub(crate) async fn after(&self, seq: usize, wait: Duration) -> (Vec<Value>, usize) {
        let mut newest = self.newest.subscribe();
        // A timeout means an empty answer; the sender lives as long as the journal.
        let _ = tokio::time::timeout(wait, newest.wait_for(|newest| *newest > seq)).await;
        let entries: Vec<_> = self.entries.lock().iter().skip(seq).cloned().collect();
        let next = seq + entries.len();
        (entries, next)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn entries_are_numbered_and_read_once() {
        let journal = Journal::new();
        journal.record("log", json!({"line": "a"}));
        journal.record("log", json!({"line": "b"}));
        let (entries, next) = journal.after(0, Duration::ZERO).await;
        assert_eq!(next, 2);
        assert_eq!(entries[0]["seq"], 1);
        assert_eq!(entries[1]["line"], "b");
        assert_eq!(entries[1]["kind"], "log");
        assert_eq!(journal.after(2, Duration::ZERO).await, (vec![], 2));
    }

    #[tokio::test]
    async fn a_reader_is_woken_by_the_next_entry() {
        let journal = Arc::new(Journal::new());
        let reader = tokio::spawn({
            let journal = Arc::clone(&journal);
            async move { journal.after(0, Duration::from_mins(1)).await }
        });
        tokio::task::yield_now().await;
        journal.record("event", json!({}));
        assert_eq!(reader.await.unwrap().1, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_of_nothing_gets_nothing() {
        let journal = Journal::new();
        assert_eq!(journal.after(0, Duration::from_secs(5)).await, (vec![], 0));
    }
}
