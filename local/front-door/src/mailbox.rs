//! The e-mails that the topics' subscribers got.

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::aws_calls::AwsCall;
use crate::door::Door;
use crate::{clock, sns};

/// What SNS writes when a message has no subject.
const DEFAULT_SUBJECT: &str = "AWS Notification Message";

/// Every mail, oldest first.
#[derive(Default)]
pub(crate) struct Mailbox {
    mails: Mutex<Vec<Value>>,
}

impl Mailbox {
    /// All mails: `[{to, subject, body, at, topic, request_id}]`; the last is the `Publish`'s.
    pub(crate) fn all(&self) -> Value {
        Value::Array(self.mails.lock().clone())
    }

    fn add(&self, mail: &Value) {
        self.mails.lock().push(mail.clone());
    }
}

/// Delivers a message that SNS accepted to the topic's e-mail subscribers.
pub(crate) async fn deliver(door: &Door, publish: &AwsCall) {
    let Some(topic) = publish.parameters.text("TopicArn") else { return };
    let addresses = match sns::email_subscribers(door, publish, &topic).await {
        Ok(addresses) => addresses,
        Err(error) => return tracing::error!(%topic, %error, "no subscribers could be read"),
    };
    let subject = publish.parameters.text("Subject");
    for to in addresses {
        let mail = json!({
            "to": to,
            "subject": subject.as_deref().unwrap_or(DEFAULT_SUBJECT),
            "body": sns::email_text(&publish.parameters),
            "topic": topic,
            "request_id": publish.request_id,
            "at": clock::rfc3339_millis(Timestamp::now()),
        });
        door.mailbox.add(&mail);
        door.journal.record("email", mail);
    }
}
