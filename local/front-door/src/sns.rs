//! SNS: what AWS refuses in a message, and who gets it.

use crate::aws::AwsError;
use crate::aws_calls::{AwsCall, Refusal};
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

/// The addresses of the topic's subscriptions with protocol `email`.
pub(crate) async fn email_subscribers(
    door: &Door,
    region: &str,
    topic: &str,
) -> Result<Vec<String>, AwsError> {
    let answer = door
        .moto
        .query(region, "sns", "2010-03-31", "ListSubscriptionsByTopic", &[("TopicArn", topic)])
        .await?;
    let document = xml::parse(&answer)?;
    let members = document.descendants().filter(|node| node.has_tag_name("member"));
    Ok(members
        .filter(|member| xml::text(*member, "Protocol") == Some("email"))
        .filter_map(|member| xml::text(member, "Endpoint"))
        .map(str::to_owned)
        .collect())
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
}
