//! A query and its run over events.

use std::borrow::Cow;
use std::mem;

use regex::Regex;

use crate::error::QueryError;
use crate::event::Event;
use crate::glob::Glob;
use crate::groups::Groups;
use crate::parser::Parser;
use crate::rows::Rows;
use crate::syntax::{Ending, Slot, Stage, Stats, Step};
use crate::value::Value;

/// A query that can be run.
#[derive(Clone, Debug)]
pub struct Query {
    /// The commands between the `stats` commands: one stage more than there are of these.
    pub(crate) stages: Vec<Stage>,
    pub(crate) stats: Vec<Stats>,
    /// Which fields of an event go where in the first stage's row.
    pub(crate) sources: Vec<(String, Slot)>,
    pub(crate) ending: Ending,
}

impl Query {
    /// Understands a query, or says where it is wrong or goes beyond this subset.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        Parser::new(text)?.query()
    }

    /// As [`Query::parse`], with `@ptr` behind the columns of a query without `stats`, as
    /// `GetQueryResults` answers it.
    pub fn parse_with_pointer(text: &str) -> Result<Self, QueryError> {
        Parser::new(text)?.with_pointer().query()
    }

    /// Runs the query over events, which may come in any order.
    pub fn run<'e>(&self, events: impl IntoIterator<Item = Event<'e>>) -> Table {
        let mut run = self.start();
        events.into_iter().for_each(|event| run.push(&event));
        run.finish()
    }

    /// Begins a run that is given one event after the other. Between events it keeps the groups
    /// of `stats`, or at most twice as many rows as the limit allows; `dedup` also keeps one row
    /// for each value.
    #[must_use]
    pub fn start(&self) -> Run<'_> {
        Run {
            query: self,
            groups: Groups::default(),
            rows: Rows::new(&self.ending),
            statistics: Statistics::default(),
        }
    }

    /// The names of the columns that the result will have.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.ending.columns.iter().map(|column| column.name.as_str())
    }
}

/// What a query answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The columns' names.
    pub columns: Vec<String>,
    /// One value per column in each row. A missing one is left out of AWS's answers.
    pub rows: Vec<Vec<Value<'static>>>,
    /// What was looked at.
    pub statistics: Statistics,
}

/// How much a query looked at, as `GetQueryResults` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Events that were looked at.
    pub records_scanned: u64,
    /// Events that passed every filter before the first `stats`.
    pub records_matched: u64,
    /// Bytes of the messages of the events that were looked at.
    pub bytes_scanned: u64,
}

/// A query on its way.
#[derive(Debug)]
pub struct Run<'q> {
    query: &'q Query,
    /// Those of the first `stats`.
    groups: Groups,
    rows: Rows<'q>,
    statistics: Statistics,
}

impl Run<'_> {
    /// Looks at an event.
    pub fn push(&mut self, event: &Event<'_>) {
        self.statistics.records_scanned += 1;
        self.statistics.bytes_scanned += u64::try_from(event.message.len()).unwrap_or(u64::MAX);
        let Some(stage) = self.query.stages.first() else { return };
        let mut row = vec![Value::Missing; stage.slots];
        for (name, slot) in &self.query.sources {
            set(&mut row, *slot, event.value(name));
        }
        if !stage.keep(&mut row) {
            return;
        }
        self.statistics.records_matched += 1;
        match self.query.stats.first() {
            Some(stats) => self.groups.add(stats, &row),
            None => self.rows.add(&row),
        }
    }

    /// The result.
    #[must_use]
    pub fn finish(mut self) -> Table {
        let mut groups = self.groups;
        for (stats, number) in self.query.stats.iter().zip(1..) {
            let Some(stage) = self.query.stages.get(number) else { break };
            let next = self.query.stats.get(number);
            let mut next_groups = Groups::default();
            for mut row in groups.into_rows(stats) {
                row.resize(stage.slots.max(row.len()), Value::Missing);
                if !stage.keep(&mut row) {
                    continue;
                }
                match next {
                    Some(next) => next_groups.add(next, &row),
                    None => self.rows.add(&row),
                }
            }
            groups = next_groups;
        }
        let columns = self.query.columns().map(str::to_owned).collect();
        Table { columns, rows: self.rows.finish(), statistics: self.statistics }
    }
}

impl Stage {
    /// Computes what the stage's commands compute. Whether its filters keep the row.
    fn keep<'r>(&'r self, row: &mut [Value<'r>]) -> bool {
        self.steps.iter().all(|step| step.run(row))
    }
}

impl Step {
    /// Whether the row is kept.
    fn run<'r>(&'r self, row: &mut [Value<'r>]) -> bool {
        match self {
            Self::Filter(condition) => return condition.holds(row),
            Self::Compute(expression, slot) => {
                let value = expression.evaluate(row);
                set(row, *slot, value);
            }
            Self::ParseGlob(source, glob, slots) => parse_glob(row, *source, glob, slots),
            Self::ParseRegex(source, regex, groups) => parse_regex(row, *source, regex, groups),
        }
        true
    }
}

/// Fills the slots with what the stars stand for, or empties them.
fn parse_glob(row: &mut [Value<'_>], source: Slot, glob: &Glob, slots: &[Slot]) {
    let value = take(row, source);
    clear(row, slots);
    let matches = with_text(&value, |text, keep| {
        glob.extract(text, |star, value| {
            if let Some(slot) = slots.get(star) {
                set(row, *slot, keep(value));
            }
        })
    });
    if matches != Some(true) {
        clear(row, slots);
    }
    if !slots.contains(&source) {
        set(row, source, value);
    }
}

/// Fills the slots with what the named groups matched, or empties them.
fn parse_regex(row: &mut [Value<'_>], source: Slot, regex: &Regex, groups: &[(Slot, usize)]) {
    let value = take(row, source);
    let captures = with_text(&value, |text, keep| {
        let captures = regex.captures(text);
        for (slot, group) in groups {
            let found = captures.as_ref().and_then(|captures| captures.get(*group));
            set(row, *slot, found.map_or(Value::Missing, |found| keep(found.as_str())));
        }
    });
    if captures.is_none() {
        for (slot, _) in groups {
            set(row, *slot, Value::Missing);
        }
    }
    if !groups.iter().any(|(slot, _)| *slot == source) {
        set(row, source, value);
    }
}

/// Takes a value out of a row, which is cheaper than a copy of a computed text.
fn take<'r>(row: &mut [Value<'r>], slot: Slot) -> Value<'r> {
    row.get_mut(slot).map_or(Value::Missing, |place| mem::replace(place, Value::Missing))
}

/// Hands over a value's text, and how to keep a part of it: on loan when the text is.
fn with_text<'r, T>(
    value: &Value<'r>,
    use_text: impl for<'t> FnOnce(&'t str, &dyn Fn(&'t str) -> Value<'r>) -> T,
) -> Option<T> {
    if let Value::Text(Cow::Borrowed(text)) = value {
        return Some(use_text(text, &|part| Value::text(part)));
    }
    let text = value.as_text()?;
    Some(use_text(&text, &|part| Value::text(part.to_owned())))
}

fn clear(row: &mut [Value<'_>], slots: &[Slot]) {
    for slot in slots {
        set(row, *slot, Value::Missing);
    }
}

fn set<'r>(row: &mut [Value<'r>], slot: Slot, value: Value<'r>) {
    if let Some(place) = row.get_mut(slot) {
        *place = value;
    }
}
