//! The rows that a query ends with: the first of its order, and no more.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::groups::append_key;
use crate::order::natural_order;
use crate::syntax::{Direction, Ending};
use crate::value::Value;

/// A row that may be part of the result.
#[derive(Debug)]
struct Kept {
    keys: Vec<Value<'static>>,
    /// How many rows came before: what is alike in the order keeps the order of its coming.
    number: u64,
    columns: Vec<Value<'static>>,
}

/// Collects rows, and throws away those that cannot be part of the result.
#[derive(Debug)]
pub(crate) struct Rows<'q> {
    ending: &'q Ending,
    kept: Vec<Kept>,
    /// For each value of `dedup` the first row in the order.
    unique: HashMap<Vec<u8>, Kept>,
    /// The last row's keys when `kept` was last cut: what comes behind them is of no use.
    last: Option<Vec<Value<'static>>>,
    number: u64,
}

impl<'q> Rows<'q> {
    pub(crate) fn new(ending: &'q Ending) -> Self {
        Self { ending, kept: vec![], unique: HashMap::new(), last: None, number: 0 }
    }

    pub(crate) fn add(&mut self, row: &[Value<'_>]) {
        self.number += 1;
        let key = self.dedup_key(row);
        if key.is_none() && self.is_beyond_the_last(row) {
            return;
        }
        let kept = self.keep(row);
        match key {
            Some(key) => self.add_unique(key, kept),
            None => self.kept.push(kept),
        }
        if self.kept.len() >= self.ending.limit.saturating_mul(2) {
            self.cut();
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Vec<Value<'static>>> {
        self.kept.extend(self.unique.drain().map(|(_, kept)| kept));
        self.cut();
        self.kept.into_iter().map(|kept| kept.columns).collect()
    }

    /// What a row has in common with its duplicates. None without `dedup`, and for a row that
    /// lacks a value, which has no duplicates.
    fn dedup_key(&self, row: &[Value<'_>]) -> Option<Vec<u8>> {
        if self.ending.dedup.is_empty() {
            return None;
        }
        let mut key = vec![];
        for slot in &self.ending.dedup {
            let value = row.get(*slot).filter(|value| !value.is_missing())?;
            append_key(&mut key, value);
        }
        Some(key)
    }

    fn is_beyond_the_last(&self, row: &[Value<'_>]) -> bool {
        let Some(last) = &self.last else { return false };
        let mut orders = self.ending.order.iter().zip(last).map(|((slot, direction), last)| {
            directed(*direction, natural_order(row.get(*slot).unwrap_or(&Value::Missing), last))
        });
        orders.find(|order| order.is_ne()).is_none_or(Ordering::is_gt)
    }

    fn add_unique(&mut self, key: Vec<u8>, kept: Kept) {
        match self.unique.entry(key) {
            Entry::Vacant(place) => {
                place.insert(kept);
            }
            Entry::Occupied(mut place) => {
                if compare(self.ending, &kept, place.get()).is_lt() {
                    place.insert(kept);
                }
            }
        }
    }

    fn keep(&self, row: &[Value<'_>]) -> Kept {
        let owned = |slot: usize| row.get(slot).cloned().unwrap_or(Value::Missing).into_owned();
        Kept {
            keys: self.ending.order.iter().map(|(slot, _)| owned(*slot)).collect(),
            number: self.number,
            columns: self.ending.columns.iter().map(|column| owned(column.slot)).collect(),
        }
    }

    fn cut(&mut self) {
        let ending = self.ending;
        self.kept.sort_unstable_by(|one, two| compare(ending, one, two));
        self.kept.truncate(ending.limit);
        if self.kept.len() == ending.limit {
            self.last = self.kept.last().map(|kept| kept.keys.clone());
        }
    }
}

fn compare(ending: &Ending, one: &Kept, two: &Kept) -> Ordering {
    let keys = one.keys.iter().zip(&two.keys).zip(&ending.order);
    let mut orders =
        keys.map(|((one, two), (_, direction))| directed(*direction, natural_order(one, two)));
    orders.find(|order| order.is_ne()).unwrap_or(one.number.cmp(&two.number))
}

const fn directed(direction: Direction, order: Ordering) -> Ordering {
    match direction {
        Direction::Ascending => order,
        Direction::Descending => order.reverse(),
    }
}
