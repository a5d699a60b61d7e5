//! The table in memory: evaluates writes as DynamoDB does. For tests and models;
//! the model test of the protocol runs the same interleavings on both tables.

use std::{cell::RefCell, collections::BTreeMap};

use super::{Condition, Item, Outcome, Value, Write};
use crate::{Error, NatGatewayId, ports::Table};

/// A table that lives as long as its value.
#[derive(Debug, Default)]
pub struct MemoryTable(RefCell<BTreeMap<String, Item>>);

impl MemoryTable {
    /// The gateway's item; one that does not exist is empty.
    pub fn item(&self, gateway: &NatGatewayId) -> Item {
        self.0.borrow().get(gateway.as_str()).cloned().unwrap_or_default()
    }

    /// Does one conditional write.
    pub fn apply(&self, gateway: &NatGatewayId, write: &Write) -> Outcome {
        let mut items = self.0.borrow_mut();
        let item = items.entry(gateway.to_string()).or_default();
        if !write.condition.holds(item) {
            return Outcome::Refused(item.clone());
        }
        write.update(item);
        Outcome::Done(item.clone())
    }
}

impl Table for MemoryTable {
    async fn write(&self, gateway: &NatGatewayId, write: Write) -> Result<Outcome, Error> {
        Ok(self.apply(gateway, &write))
    }
}

impl Condition {
    /// Whether the condition holds for the item.
    #[must_use]
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Exists(name) => item.0.contains_key(name),
            Self::Missing(name) => !item.0.contains_key(name),
            Self::Is(name, value) => item.0.get(name) == Some(value),
            Self::IsNot(name, value) => item.0.get(name).is_some_and(|found| found != value),
            Self::Below(name, limit) => item.number(name).is_some_and(|found| found < *limit),
            Self::Above(name, limit) => item.number(name).is_some_and(|found| found > *limit),
            Self::AtMost(low, high) => match (item.number(low), item.number(high)) {
                (Some(low), Some(high)) => low <= high,
                _ => false,
            },
            Self::All(parts) => parts.iter().all(|part| part.holds(item)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(item)),
        }
    }
}

impl Write {
    fn update(&self, item: &mut Item) {
        for (name, value) in &self.set {
            item.0.insert(name.clone(), value.clone());
        }
        for (name, amount) in &self.add {
            let sum = item.number(name).unwrap_or(0).saturating_add(*amount);
            item.0.insert(name.clone(), Value::Number(sum));
        }
        for name in &self.remove {
            item.0.remove(name);
        }
    }
}
