//! Checkpoints in a table of DynamoDB: one item each, replaced by one conditional write.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::put_item::PutItemError,
    primitives::Blob,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use aws_types::SdkConfig;

use crate::ReadError;

/// The table's key, a text.
const KEY: &str = "checkpoint";
const VERSION: &str = "version";
const WRITER: &str = "writer";
const CONTENT: &str = "content";

/// The most bytes of a checkpoint's content: an item of DynamoDB has 400 KB, names and the other
/// values included.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub const MOST_CHECKPOINT_BYTES: usize = 390 * 1024;

/// One checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointItem {
    client: Client,
    table: String,
    name: String,
}

/// What was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Rises by one with each write.
    pub version: u64,
    /// What was written.
    pub content: Vec<u8>,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was written.
    Done,
    /// The same writer's write before this one is there, of the same version: it was done though
    /// it was not answered. Nothing was changed.
    Preceded,
    /// Somebody else has written since: nothing was changed.
    Overtaken,
}

impl CheckpointItem {
    /// The checkpoint of this name in a table.
    pub fn new(config: &SdkConfig, table: &str, name: &str) -> Result<Self, ReadError> {
        if config.region().is_none() {
            return Err(ReadError::NoRegion);
        }
        Ok(Self { client: Client::new(config), table: table.to_owned(), name: name.to_owned() })
    }

    /// What was written last, if anything was.
    pub async fn read(&self) -> Result<Option<Stored>, ReadError> {
        const OPERATION: &str = "dynamodb:GetItem";
        let call = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = call.key(KEY, AttributeValue::S(self.name.clone())).send().await;
        let answer = answer.map_err(|error| ReadError::of_call(OPERATION, &error))?;
        let Some(item) = answer.item else { return Ok(None) };
        let content = item.get(CONTENT).and_then(|value| value.as_b().ok());
        match (version(&item), content) {
            (Some(version), Some(content)) => {
                Ok(Some(Stored { version, content: content.clone().into_inner() }))
            }
            _ => Err(ReadError::Unusable(format!(
                "the item `{}` of the table {} is no checkpoint: it lacks {VERSION} or {CONTENT}",
                self.name, self.table
            ))),
        }
    }

    /// Writes version `version`, on the condition that the one before it is there (or nothing, for
    /// the first). `writer` tells a write that was done but not answered from another's.
    pub async fn write(
        &self,
        version: u64,
        writer: &str,
        content: &[u8],
    ) -> Result<Written, ReadError> {
        let item = HashMap::from([
            (KEY.to_owned(), AttributeValue::S(self.name.clone())),
            (VERSION.to_owned(), AttributeValue::N(version.to_string())),
            (WRITER.to_owned(), AttributeValue::S(writer.to_owned())),
            (CONTENT.to_owned(), AttributeValue::B(Blob::new(content.to_vec()))),
        ]);
        let before = version.saturating_sub(1);
        let mut call = self.client.put_item().table_name(&self.table).set_item(Some(item));
        call = if before == 0 {
            call.condition_expression("attribute_not_exists(#version)")
        } else {
            call.condition_expression("#version = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.to_string()))
        };
        let call = call
            .expression_attribute_names("#version", VERSION)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match call.send().await {
            Ok(_) => Ok(Written::Done),
            Err(SdkError::ServiceError(refused)) if is_condition(refused.err()) => {
                Ok(judge(refused.err(), version, writer, content))
            }
            Err(failed) => Err(ReadError::of_call("dynamodb:PutItem", &failed)),
        }
    }
}

fn is_condition(refused: &PutItemError) -> bool {
    refused.is_conditional_check_failed_exception()
}

/// A call whose answer was lost was repeated, and found what it had written itself; or an earlier
/// one, whose every answer was lost, has written something else.
fn judge(refused: &PutItemError, tried: u64, writer: &str, content: &[u8]) -> Written {
    let PutItemError::ConditionalCheckFailedException(refused) = refused else {
        return Written::Overtaken;
    };
    let Some(found) = refused.item() else { return Written::Overtaken };
    let found_writer = found.get(WRITER).and_then(|value| value.as_s().ok());
    if version(found) != Some(tried) || found_writer.is_none_or(|found| found != writer) {
        return Written::Overtaken;
    }
    let found_content = found.get(CONTENT).and_then(|value| value.as_b().ok());
    let is_this = found_content.is_some_and(|found| found.as_ref() == content);
    if is_this { Written::Done } else { Written::Preceded }
}

fn version(item: &HashMap<String, AttributeValue>) -> Option<u64> {
    item.get(VERSION)?.as_n().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::error::ConditionalCheckFailedException;

    use super::*;

    fn refused(version: u64, writer: &str) -> PutItemError {
        let item = ConditionalCheckFailedException::builder()
            .item(VERSION, AttributeValue::N(version.to_string()))
            .item(WRITER, AttributeValue::S(writer.to_owned()))
            .item(CONTENT, AttributeValue::B(Blob::new("content")));
        PutItemError::ConditionalCheckFailedException(item.build())
    }

    #[test]
    fn a_write_of_ones_own_that_was_not_answered_is_done() {
        let judge = |refused, writer, content: &str| judge(&refused, 7, writer, content.as_bytes());
        assert_eq!(judge(refused(7, "me"), "me", "content"), Written::Done);
        assert_eq!(judge(refused(7, "me"), "me", "newer"), Written::Preceded);
        assert_eq!(judge(refused(7, "somebody"), "me", "content"), Written::Overtaken);
        assert_eq!(judge(refused(8, "me"), "me", "content"), Written::Overtaken);
    }
}
