//! A query, understood: what the parser makes and the evaluator runs.
//!
//! Names are resolved to slots of a row when the query is parsed, so that running it looks
//! nothing up. A `stats` command begins a new row: what it does not name is gone.

use regex::Regex;

use crate::aggregate::Aggregation;
use crate::calendar::Period;
use crate::function::Function;
use crate::glob::Glob;
use crate::value::Value;

/// The place of a value in a row.
pub(crate) type Slot = usize;

/// What gives a value.
#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Constant(Value<'static>),
    Field(Slot),
    /// The place of an aggregation among those of its `stats`.
    Aggregate(usize),
    Negative(Box<Expression>),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Arithmetic(Arithmetic, Box<Expression>, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    In(Box<Expression>, Vec<Expression>),
    LikeText(Box<Expression>, String),
    LikeRegex(Box<Expression>, Regex),
    Call(Function, Vec<Expression>),
    Floor(Box<Expression>, Period),
    Ceil(Box<Expression>, Period),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Remainder,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    Greater,
    AtMost,
    AtLeast,
}

/// A command that looks at one row alone.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Filter(Expression),
    Compute(Expression, Slot),
    ParseGlob(Slot, Glob, Vec<Slot>),
    /// Each name's slot and the group that fills it.
    ParseRegex(Slot, Regex, Vec<(Slot, usize)>),
}

/// `stats`: rows in, one row per group out.
#[derive(Clone, Debug)]
pub(crate) struct Stats {
    /// What each group has in common.
    pub(crate) by: Vec<Expression>,
    pub(crate) aggregations: Vec<Aggregation>,
    /// The aggregated columns; they follow the values grouped by in the new row.
    pub(crate) columns: Vec<Expression>,
}

/// A column of the result, or of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) slot: Slot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// The commands from one `stats` to the next, or to the end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stage {
    /// How many slots a row has.
    pub(crate) slots: usize,
    pub(crate) steps: Vec<Step>,
}

/// What becomes of the rows in the end.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) columns: Vec<Column>,
    pub(crate) order: Vec<(Slot, Direction)>,
    /// Of rows that are alike here only the first is kept. Empty: all are kept.
    pub(crate) dedup: Vec<Slot>,
    pub(crate) limit: usize,
}
