use std::collections::BTreeMap;

use super::{Condition, Value, Write};

/// A write in DynamoDB's expression language. Every attribute is named through a
/// placeholder, so that no reserved word can get in the way.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// `ConditionExpression`.
    pub condition: String,
    /// `UpdateExpression`.
    pub update: String,
    /// `ExpressionAttributeNames`.
    pub names: BTreeMap<String, String>,
    /// `ExpressionAttributeValues`.
    pub values: BTreeMap<String, Value>,
}

impl Write {
    /// Spells the write out for `UpdateItem`.
    #[must_use]
    pub fn render(&self) -> Rendered {
        let mut rendered = Rendered::default();
        rendered.condition = rendered.condition(&self.condition);
        let clauses = [
            (
                "SET",
                self.set.iter().map(|(name, value)| rendered.assignment(name, value)).collect(),
            ),
            (
                "ADD",
                self.add.iter().map(|(name, amount)| rendered.addition(name, *amount)).collect(),
            ),
            ("REMOVE", self.remove.iter().map(|name| rendered.name(name)).collect::<Vec<_>>()),
        ];
        rendered.update = clauses
            .iter()
            .filter(|(_, parts)| !parts.is_empty())
            .map(|(verb, parts)| format!("{verb} {}", parts.join(", ")))
            .collect::<Vec<_>>()
            .join(" ");
        rendered
    }
}

impl Rendered {
    fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Exists(name) => format!("attribute_exists({})", self.name(name)),
            Condition::Missing(name) => format!("attribute_not_exists({})", self.name(name)),
            Condition::Is(name, value) => self.comparison(name, "=", value),
            Condition::IsNot(name, value) => {
                let name_is_there = format!("attribute_exists({})", self.name(name));
                format!("({name_is_there}) AND ({})", self.comparison(name, "<>", value))
            }
            Condition::Below(name, limit) => self.comparison(name, "<", &Value::Number(*limit)),
            Condition::Above(name, limit) => self.comparison(name, ">", &Value::Number(*limit)),
            Condition::AtMost(low, high) => format!("{} <= {}", self.name(low), self.name(high)),
            Condition::All(parts) => self.joined(parts, " AND "),
            Condition::Any(parts) => self.joined(parts, " OR "),
        }
    }

    fn joined(&mut self, parts: &[Condition], with: &str) -> String {
        let parts: Vec<_> =
            parts.iter().map(|part| format!("({})", self.condition(part))).collect();
        parts.join(with)
    }

    fn comparison(&mut self, name: &str, operator: &str, value: &Value) -> String {
        format!("{} {operator} {}", self.name(name), self.value(name, value))
    }

    fn assignment(&mut self, name: &str, value: &Value) -> String {
        self.comparison(name, "=", value)
    }

    fn addition(&mut self, name: &str, amount: i64) -> String {
        format!("{} {}", self.name(name), self.value(name, &Value::Number(amount)))
    }

    /// `#` and the attribute's name, without what DynamoDB does not allow there.
    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{}", name.replace('-', "_"));
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    /// `:` and the attribute's name, numbered when it already stands for another
    /// value.
    fn value(&mut self, name: &str, value: &Value) -> String {
        let stem = format!(":{}", name.replace('-', "_"));
        let mut placeholder = stem.clone();
        let mut number = 1;
        while self.values.get(&placeholder).is_some_and(|taken| taken != value) {
            number += 1;
            placeholder = format!("{stem}{number}");
        }
        self.values.insert(placeholder.clone(), value.clone());
        placeholder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_values_and_clauses_are_spelt_for_update_item() {
        let write = Write::when(Condition::All(vec![
            Condition::Any(vec![
                Condition::Missing("limit".into()),
                Condition::Below("limit".into(), 5),
            ]),
            Condition::IsNot("phase".into(), "stopping".into()),
            Condition::AtMost("lastOkAt".into(), "lastAlarmAt".into()),
        ]))
        .set("phase", "reserved")
        .add("recordings-day-2026-11-21", 1)
        .remove(&["taskToken", "limit"]);

        let rendered = write.render();

        assert_eq!(
            rendered.condition,
            "((attribute_not_exists(#limit)) OR (#limit < :limit)) AND ((attribute_exists(#phase)) \
             AND (#phase <> :phase)) AND (#lastOkAt <= #lastAlarmAt)"
        );
        assert_eq!(
            rendered.update,
            "SET #phase = :phase2 ADD #recordings_day_2026_11_21 :recordings_day_2026_11_21 \
             REMOVE #taskToken, #limit"
        );
        assert_eq!(rendered.names["#recordings_day_2026_11_21"], "recordings-day-2026-11-21");
        assert_eq!(rendered.values[":phase"], Value::from("stopping"));
        assert_eq!(rendered.values[":phase2"], Value::from("reserved"));
        assert_eq!(rendered.values[":limit"], Value::Number(5));
    }
}
