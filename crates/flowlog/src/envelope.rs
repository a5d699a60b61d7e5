//! Records wrapped in JSON.
//!
//! Two shapes: one event per object (`{"message":"…"}`, as log shippers write them), and what
//! CloudWatch Logs sends to [subscriptions], one object with many `logEvents`. Objects may
//! follow each other on one line, as Firehose writes them, or span several lines.
//!
//! [subscriptions]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::Deserialize;

/// The `messageType` by which CloudWatch Logs asks whether the destination can be reached: its
/// events are no records.
const CONTROL_MESSAGE: &str = "CONTROL_MESSAGE";

/// A text that borrows from the input unless it has escapes.
#[derive(Deserialize)]
struct Text<'i>(#[serde(borrow)] Cow<'i, str>);

#[derive(Deserialize)]
struct Event<'i> {
    #[serde(borrow)]
    message: Text<'i>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'i> {
    #[serde(borrow)]
    message: Option<Text<'i>>,
    #[serde(borrow)]
    message_type: Option<Text<'i>>,
    #[serde(borrow)]
    log_events: Option<Vec<Event<'i>>>,
}

/// A text without a record around it is none of ours.
pub(crate) struct NoEnvelope;

/// Reads the JSON object that `text` begins with, appends its messages to `messages` and
/// returns how many bytes it takes.
pub(crate) fn read<'i>(
    text: &'i [u8],
    messages: &mut VecDeque<Cow<'i, str>>,
) -> Result<usize, NoEnvelope> {
    let mut objects = serde_json::Deserializer::from_slice(text).into_iter::<Envelope<'i>>();
    let envelope = objects.next().and_then(Result::ok).ok_or(NoEnvelope)?;
    let length = objects.byte_offset();
    if envelope.message_type.is_some_and(|kind| kind.0 == CONTROL_MESSAGE) {
        return Ok(length);
    }
    match (envelope.log_events, envelope.message) {
        (Some(events), _) => events.into_iter().for_each(|event| push(event.message, messages)),
        (None, Some(message)) => push(message, messages),
        (None, None) => return Err(NoEnvelope),
    }
    Ok(length)
}

/// Appends a message, or the lines of one that has several (only escapes can end a line in it).
fn push<'i>(message: Text<'i>, messages: &mut VecDeque<Cow<'i, str>>) {
    match message.0 {
        Cow::Owned(text) if text.contains('\n') => {
            messages.extend(text.lines().map(|line| Cow::Owned(line.to_owned())));
        }
        text => messages.push_back(text),
    }
}
