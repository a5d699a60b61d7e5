//! Conditional writes to one item, as data.
//!
//! A [`Write`] is a condition and an update. It is rendered to DynamoDB's
//! expression language for the real table ([`Write::render`]) and evaluated on an
//! item in memory for the model tests ([`memory`]), so that what the tests prove
//! is what DynamoDB is asked.

use std::collections::BTreeMap;

pub mod memory;
mod render;

pub use render::Rendered;

/// The table's key.
pub const NAT_GATEWAY_ID: &str = "natGatewayId";

/// An attribute's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// DynamoDB's `S`.
    Text(String),
    /// DynamoDB's `N`; the recorder stores whole numbers only.
    Number(i64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

/// An item: its attributes by name. Names are owned, since the counters' names
/// carry dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item(pub BTreeMap<String, Value>);

impl Item {
    /// The text of an attribute, if it is there and a text.
    #[must_use]
    pub fn text(&self, attribute: &str) -> Option<&str> {
        match self.0.get(attribute) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of an attribute, if it is there and a number.
    #[must_use]
    pub fn number(&self, attribute: &str) -> Option<i64> {
        match self.0.get(attribute) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }
}

/// A condition on one item. A comparison with an attribute that is missing is
/// false, as in DynamoDB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The attribute is there.
    Exists(String),
    /// The attribute is not there.
    Missing(String),
    /// The attribute has this value.
    Is(String, Value),
    /// The attribute is there and has another value.
    IsNot(String, Value),
    /// The attribute is a number below this one.
    Below(String, i64),
    /// The attribute is a number above this one.
    Above(String, i64),
    /// The first attribute is at most the second.
    AtMost(String, String),
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
}

/// One conditional update of one item: all of it happens, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// What must hold for the update to happen.
    pub condition: Condition,
    /// Attributes and their new values.
    pub set: Vec<(String, Value)>,
    /// Attributes and what is added to them; a missing one counts as 0.
    pub add: Vec<(String, i64)>,
    /// Attributes that go.
    pub remove: Vec<String>,
}

impl Write {
    /// A write that changes nothing yet.
    #[must_use]
    pub fn when(condition: Condition) -> Self {
        Self { condition, set: Vec::new(), add: Vec::new(), remove: Vec::new() }
    }

    /// Sets an attribute.
    #[must_use]
    pub fn set(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.set.push((attribute.to_owned(), value.into()));
        self
    }

    /// Adds to a number.
    #[must_use]
    pub fn add(mut self, attribute: &str, amount: i64) -> Self {
        self.add.push((attribute.to_owned(), amount));
        self
    }

    /// Removes attributes.
    #[must_use]
    pub fn remove(mut self, attributes: &[&str]) -> Self {
        self.remove.extend(attributes.iter().map(|&attribute| attribute.to_owned()));
        self
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened, and the item is now this.
    Done(Item),
    /// Its condition did not hold for the item as it was; an item that does not
    /// exist is empty.
    Refused(Item),
}
