//! What a payload says.

use std::borrow::Cow;

use serde::Deserialize;

/// What a payload is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'p> {
    /// Log events.
    Events(LogEvents<'p>),
    /// CloudWatch Logs asks whether the destination can be reached: nothing is to be done.
    Control,
}

/// Events of one log stream.
///
/// Source: AWS's [subscription filters](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvents<'p> {
    /// The account that owns the log group: twelve digits.
    pub owner: Cow<'p, str>,
    /// The log group's name.
    pub log_group: Cow<'p, str>,
    /// The log stream's name; of a flow log, `<interface>-<accept, reject or all>`.
    pub log_stream: Cow<'p, str>,
    /// The events, in the order of the payload.
    pub log_events: Vec<LogEvent<'p>>,
}

/// An event. A flow log's has one line.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LogEvent<'p> {
    /// The same whenever the event is delivered again; unlike any other event's.
    #[serde(borrow)]
    pub id: Cow<'p, str>,
    /// Milliseconds since 1970. Of a flow log's record: the start of its interval.
    pub timestamp: i64,
    /// The text, which borrows from the payload unless it has escapes.
    #[serde(borrow)]
    pub message: Cow<'p, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'p> {
    #[serde(borrow)]
    message_type: Cow<'p, str>,
    #[serde(borrow, default)]
    owner: Cow<'p, str>,
    #[serde(borrow, default)]
    log_group: Cow<'p, str>,
    #[serde(borrow, default)]
    log_stream: Cow<'p, str>,
    #[serde(borrow, default)]
    log_events: Vec<LogEvent<'p>>,
}

/// Why a text is no payload's content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ContentError {
    #[error("{0}")]
    NotJson(#[from] serde_json::Error),
    #[error("messageType is `{0}`")]
    MessageType(String),
}

impl<'p> Content<'p> {
    pub(crate) fn read(json: &'p str) -> Result<Self, ContentError> {
        let envelope: Envelope<'p> = serde_json::from_str(json)?;
        match &*envelope.message_type {
            "DATA_MESSAGE" => Ok(Self::Events(LogEvents {
                owner: envelope.owner,
                log_group: envelope.log_group,
                log_stream: envelope.log_stream,
                log_events: envelope.log_events,
            })),
            "CONTROL_MESSAGE" => Ok(Self::Control),
            other => Err(ContentError::MessageType(other.to_owned())),
        }
    }
}
