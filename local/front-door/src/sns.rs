//! SNS: what AWS refuses in a message, and who gets it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aws::AwsError;
use crate::aws_calls::{AwsCall, Parameters, Refusal};
use crate::door::Door;
use crate::xml;

/// SNS's limit for a message.
const MESSAGE_BYTES: usize = 262_144;
/// SNS's limit for a subject, in characters: fewer than 100.
const SUBJECT_CHARACTERS: usize = 99;

/// Refuses what SNS refuses and moto accepts.
pub(crate) fn check_publish(call: &AwsCall) -> Result<(), Refusal> {
    if let Some(subject) = call.parameters.text("Subject") {
        check_subject(&subject)
            .map_err(|reason| invalid(&format!("Invalid parameter: Subject: {reason}")))?;
    }
    match call.parameters.text("Message") {
        Some(message) if message.len() > MESSAGE_BYTES => {
            Err(invalid("Invalid parameter: Message too long"))
        }
        _ => Ok(()),
    }
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(400, "InvalidParameter", message)
}

fn check_subject(subject: &str) -> Result<(), String> {
    let length = subject.chars().count();
    if subject.is_empty() {
        return Err("it is empty".to_owned());
    }
    if length > SUBJECT_CHARACTERS {
        return Err(format!("it has {length} characters, {SUBJECT_CHARACTERS} are allowed"));
    }
    match subject.chars().find(|character| !character.is_ascii() || character.is_ascii_control()) {
        Some(character) => Err(format!("it contains {character:?}")),
        None => Ok(()),
    }
}

/// The message as e-mail has it: of one with a structure, the part for this protocol.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html>
pub(crate) fn email_text(parameters: &Parameters) -> String {
    let message = parameters.text("Message").unwrap_or_default();
    if parameters.text("MessageStructure").as_deref() != Some("json") {
        return message;
    }
    let parts: Value = serde_json::from_str(&message).unwrap_or_default();
    let part = ["email", "default"].iter().find_map(|name| parts.get(name)?.as_str());
    part.map(str::to_owned).unwrap_or(message)
}

/// The addresses of the topic's subscriptions with protocol `email` that take this message.
pub(crate) async fn email_subscribers(
    door: &Door,
    publish: &AwsCall,
    topic: &str,
) -> Result<Vec<String>, AwsError> {
    let attributes = message_attributes(&publish.parameters);
    let list = [("TopicArn", topic)];
    let answer = ask(door, publish, "ListSubscriptionsByTopic", &list).await?;
    let mut addresses = vec![];
    for (subscription, address) in email_subscriptions(&answer)? {
        let filter = filter_policy(door, publish, &subscription).await?;
        if filter.is_none_or(|filter| admits(&filter, &attributes)) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

async fn ask(
    door: &Door,
    publish: &AwsCall,
    operation: &str,
    parameters: &[(&str, &str)],
) -> Result<String, AwsError> {
    door.moto.query(&publish.region, "sns", "2010-03-31", operation, parameters).await
}

/// ARN and address of each.
fn email_subscriptions(answer: &str) -> Result<Vec<(String, String)>, AwsError> {
    let document = xml::parse(answer)?;
    let members = document.descendants().filter(|node| node.has_tag_name("member"));
    Ok(members
        .filter(|member| xml::text(*member, "Protocol") == Some("email"))
        .filter_map(|member| {
            let texts = ["SubscriptionArn", "Endpoint"].map(|name| xml::text(member, name));
            let [Some(arn), Some(address)] = texts else { return None };
            Some((arn.to_owned(), address.to_owned()))
        })
        .collect())
}

async fn filter_policy(
    door: &Door,
    publish: &AwsCall,
    subscription: &str,
) -> Result<Option<Value>, AwsError> {
    let wanted = [("SubscriptionArn", subscription)];
    let answer = ask(door, publish, "GetSubscriptionAttributes", &wanted).await?;
    let document = xml::parse(&answer)?;
    let policy = document
        .descendants()
        .filter(|node| node.has_tag_name("entry"))
        .find(|entry| xml::text(*entry, "key") == Some("FilterPolicy"))
        .and_then(|entry| xml::text(entry, "value"));
    Ok(policy.and_then(|policy| serde_json::from_str(policy).ok()))
}

/// A message's attributes of the type String, by their names.
fn message_attributes(parameters: &Parameters) -> BTreeMap<String, String> {
    if let Some(attributes) = parameters.value("MessageAttributes").and_then(Value::as_object) {
        let text = |value: &Value| Some(value.get("StringValue")?.as_str()?.to_owned());
        let texts =
            attributes.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?)));
        return texts.collect();
    }
    let entry = |number: u32| {
        let part = |part| parameters.text(&format!("MessageAttributes.entry.{number}.{part}"));
        Some((part("Name")?, part("Value.StringValue").unwrap_or_default()))
    };
    (1..).map_while(entry).collect()
}

/// Whether a subscription's filter lets a message pass: every key of it has a rule that holds.
/// The rules are texts, `anything-but` and `exists`, as far as the templates use them.
/// <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>
fn admits(filter: &Value, attributes: &BTreeMap<String, String>) -> bool {
    let holds = |rule: &Value, found: Option<&String>| match rule {
        Value::String(text) => found == Some(text),
        rule => {
            let exists = rule.get("exists").and_then(Value::as_bool);
            let others = rule.get("anything-but").and_then(Value::as_array);
            exists.is_some_and(|exists| exists == found.is_some())
                || others.is_some_and(|others| {
                    found.is_some_and(|found| !others.iter().any(|other| other == found))
                })
        }
    };
    filter.as_object().into_iter().flatten().all(|(name, rules)| {
        let mut rules = rules.as_array().into_iter().flatten();
        rules.any(|rule| holds(rule, attributes.get(name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_short_printable_ascii() {
        assert!(check_subject(&"x".repeat(99)).is_ok());
        for bad in ["", "two\nlines", "tab\there", "Grüße", &"x".repeat(100), "\u{7f}"] {
            assert!(check_subject(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_email_is_its_part_of_a_structured_message() {
        let text = |form: &[u8]| email_text(&Parameters::of_form(form));
        assert_eq!(text(b"Message=%7B%7D"), "{}");
        let parts = "MessageStructure=json&Message=";
        assert_eq!(text(format!(r#"{parts}{{"default":"d","email":"e"}}"#).as_bytes()), "e");
        assert_eq!(text(format!(r#"{parts}{{"default":"d"}}"#).as_bytes()), "d");
    }

    #[test]
    fn a_filter_lets_pass_what_it_says() {
        let filter = serde_json::json!({"format": [{"anything-but": ["json"]}, {"exists": false}]});
        let with = |form: &[u8]| admits(&filter, &message_attributes(&Parameters::of_form(form)));
        let entry = |format: &str| {
            format!(
                "MessageAttributes.entry.1.Name=format&\
                 MessageAttributes.entry.1.Value.DataType=String&\
                 MessageAttributes.entry.1.Value.StringValue={format}"
            )
        };
        assert!(with(entry("text").as_bytes()));
        assert!(!with(entry("json").as_bytes()));
        assert!(with(b""), "alarms have no attributes");
        let document = br#"{"MessageAttributes": {"format": {"StringValue": "json"}}}"#;
        assert!(!admits(&filter, &message_attributes(&Parameters::of_json(document))));
    }
}
