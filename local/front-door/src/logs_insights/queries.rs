//! The queries that were started: what each is at, and how many may run at once.

use std::collections::HashMap;

use insights::Table;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::log_groups::INFREQUENT_ACCESS;

/// What a query is at.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Status {
    Scheduled,
    Running,
    Complete,
    Failed,
    Cancelled,
    Timeout,
    Unknown,
}

impl Status {
    /// Whether it may still change.
    pub(crate) const fn is_under_way(self) -> bool {
        matches!(self, Self::Scheduled | Self::Running)
    }

    /// As AWS writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "Scheduled",
            Self::Running => "Running",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
            Self::Timeout => "Timeout",
            Self::Unknown => "Unknown",
        }
    }
}

/// A query that was started.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) id: String,
    pub(super) region: String,
    pub(super) text: String,
    pub(super) log_groups: Vec<String>,
    pub(super) is_infrequent: bool,
    pub(super) created_at: Timestamp,
    pub(super) status: Status,
    /// What it has found so far.
    pub(super) table: Table,
}

/// How many queries may be under way at once.
///
/// `StartQuery`'s documentation says 100; that it is 5 for the class `INFREQUENT_ACCESS` was only
/// seen second-hand.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) struct ConcurrentQueries {
    standard: usize,
    infrequent_access: usize,
}

impl Default for ConcurrentQueries {
    fn default() -> Self {
        Self { standard: 100, infrequent_access: 5 }
    }
}

/// More queries than may be under way.
pub(super) struct TooMany {
    pub(super) class: &'static str,
    pub(super) most: usize,
}

#[derive(Default)]
struct Contents {
    /// The oldest first.
    started: Vec<Started>,
    places: HashMap<String, usize>,
    quota: ConcurrentQueries,
}

/// Every query since the start.
#[derive(Default)]
pub(crate) struct Queries {
    contents: Mutex<Contents>,
}

impl Queries {
    /// Changes how many may be under way from now on.
    pub(crate) fn allow(&self, quota: ConcurrentQueries) {
        self.contents.lock().quota = quota;
    }

    pub(super) fn add(&self, query: Started) -> Result<(), TooMany> {
        let mut contents = self.contents.lock();
        let (class, most) = if query.is_infrequent {
            (INFREQUENT_ACCESS, contents.quota.infrequent_access)
        } else {
            ("STANDARD", contents.quota.standard)
        };
        let counts = |other: &&Started| {
            other.status.is_under_way()
                && other.is_infrequent == query.is_infrequent
                && other.region == query.region
        };
        if contents.started.iter().filter(counts).count() >= most {
            return Err(TooMany { class, most });
        }
        let place = contents.started.len();
        contents.places.insert(query.id.clone(), place);
        contents.started.push(query);
        Ok(())
    }

    pub(super) fn get(&self, id: &str) -> Option<Started> {
        let contents = self.contents.lock();
        contents.started.get(*contents.places.get(id)?).cloned()
    }

    /// Sets what a query is at, with what it has found if that is news; not of one that has
    /// ended. Tells whether it was still under way.
    pub(super) fn change(&self, id: &str, status: Status, table: Option<Table>) -> bool {
        let mut contents = self.contents.lock();
        let Some(place) = contents.places.get(id).copied() else { return false };
        let Some(query) = contents.started.get_mut(place) else { return false };
        if !query.status.is_under_way() {
            return false;
        }
        query.status = status;
        if let Some(table) = table {
            query.table = table;
        }
        true
    }

    /// All queries that `is_asked_for` accepts, the newest first.
    pub(super) fn find(&self, is_asked_for: impl Fn(&Started) -> bool) -> Vec<Started> {
        let contents = self.contents.lock();
        contents.started.iter().rev().filter(|query| is_asked_for(query)).cloned().collect()
    }
}
