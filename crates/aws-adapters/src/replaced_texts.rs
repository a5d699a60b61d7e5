use std::collections::HashMap;

use aws_sdk_dynamodb::{Client, error::SdkError, types::AttributeValue};
use aws_types::SdkConfig;
use recording::Error;

use crate::error;

const NAME: &str = "name";
const TEXT: &str = "text";
const EXPIRES_AT: &str = "expiresAt";

/// Texts by their names in a table of DynamoDB, whose key is `name`: each is replaced by one
/// conditional write. Those whose time has come are deleted by the table's time to live on
/// `expiresAt`.
#[derive(Clone, Debug)]
pub struct ReplacedTexts {
    client: Client,
    table: String,
}

impl ReplacedTexts {
    /// Those of the table of this name.
    #[must_use]
    pub fn new(config: &SdkConfig, table: String) -> Self {
        Self { client: Client::new(config), table }
    }

    /// The text as it was written last, if there is one.
    pub async fn read(&self, name: &str) -> Result<Option<String>, Error> {
        let call = self.client.get_item().table_name(&self.table).consistent_read(true);
        let answer = call.key(NAME, text(name)).send().await;
        let answer = answer.map_err(|failed| error::of_call("dynamodb:GetItem", &failed))?;
        Ok(answer.item.and_then(|mut item| match item.remove(TEXT) {
            Some(AttributeValue::S(text)) => Some(text),
            _ => None,
        }))
    }

    /// Writes a text in place of the one that was read, or of none. False if somebody else has
    /// written since. `expires_at` is in seconds since 1970.
    pub async fn replace(
        &self,
        name: &str,
        read: Option<&str>,
        new: &str,
        expires_at: i64,
    ) -> Result<bool, Error> {
        let item = HashMap::from([
            (NAME.to_owned(), text(name)),
            (TEXT.to_owned(), text(new)),
            (EXPIRES_AT.to_owned(), AttributeValue::N(expires_at.to_string())),
        ]);
        let call = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let call = call.expression_attribute_names("#text", TEXT);
        let call = match read {
            None => call.condition_expression("attribute_not_exists(#text)"),
            Some(read) => call
                .condition_expression("#text = :read")
                .expression_attribute_values(":read", text(read)),
        };
        match call.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(refused))
                if refused.err().is_conditional_check_failed_exception() =>
            {
                Ok(false)
            }
            Err(failed) => Err(error::of_call("dynamodb:PutItem", &failed)),
        }
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}
