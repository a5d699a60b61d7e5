use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use aws_types::SdkConfig;

use crate::ReadError;

/// The table's key: what is counted.
const DOMAIN: &str = "domain";

/// The number that comes next.
const NEXT: &str = "nextNumber";

/// Who took the last numbers.
const TOKEN: &str = "lastToken";

/// Numbers that go on from one function's invocation to the next, in DynamoDB: an item for each
/// sequence, which begins at 0.
#[derive(Clone, Debug)]
pub struct SequenceTable {
    client: Client,
    name: String,
}

impl SequenceTable {
    /// The table of this name, whose key is the text `domain`.
    #[must_use]
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        Self { client: Client::new(config), name: name.to_owned() }
    }

    /// Takes the next `units` numbers of a sequence with one conditional write, and returns the
    /// first of them.
    ///
    /// The write is refused if the same token has just made it: so, when its answer was lost and
    /// the SDK tries again, the numbers that were taken are returned. Only if another token has
    /// taken some in between, those of the lost answer are left out.
    pub async fn reserve(&self, sequence: &str, units: u64, token: &str) -> Result<u64, ReadError> {
        let call = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(DOMAIN, AttributeValue::S(sequence.to_owned()))
            .condition_expression("attribute_not_exists(#token) OR #token <> :token")
            .update_expression("SET #token = :token ADD #next :units")
            .expression_attribute_names("#token", TOKEN)
            .expression_attribute_names("#next", NEXT)
            .expression_attribute_values(":token", AttributeValue::S(token.to_owned()))
            .expression_attribute_values(":units", AttributeValue::N(units.to_string()))
            .return_values(ReturnValue::UpdatedNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let attributes = match call.send().await {
            Ok(answer) => answer.attributes,
            Err(SdkError::ServiceError(refused))
                if refused.err().is_conditional_check_failed_exception() =>
            {
                taken_before(refused.into_err())
            }
            Err(error) => return Err(ReadError::of_call("dynamodb:UpdateItem", &error)),
        };
        let next = attributes.as_ref().and_then(next_number);
        next.and_then(|next| next.checked_sub(units)).ok_or_else(|| {
            let found = attributes.unwrap_or_default();
            let item = format!("the item {sequence} of the table {}", self.name);
            ReadError::Unusable(format!("{item} is {found:?}, expected {NEXT} of {units} or more"))
        })
    }
}

fn next_number(attributes: &HashMap<String, AttributeValue>) -> Option<u64> {
    attributes.get(NEXT)?.as_n().ok()?.parse().ok()
}

fn taken_before(refused: UpdateItemError) -> Option<HashMap<String, AttributeValue>> {
    match refused {
        UpdateItemError::ConditionalCheckFailedException(refused) => refused.item,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::thread::JoinHandle;

    use serde_json::Value;

    use super::*;
    use crate::loopback::{self, Request};

    /// A table that gives these answers, and the requests that it got.
    fn table(answers: &[&str]) -> (SequenceTable, JoinHandle<Vec<Request>>) {
        let (address, requests) = loopback::service(answers);
        (SequenceTable::new(&loopback::config(address), "sequences"), requests)
    }

    fn ok(body: &str) -> String {
        loopback::answer("200 OK", body)
    }

    const REFUSED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"no","Item":{"domain":{"S":"ipfix/1"},"nextNumber":{"N":"42"},"lastToken":{"S":"token"}}}"#;

    #[tokio::test]
    async fn numbers_are_taken_by_one_conditional_write() {
        let taken = ok(r#"{"Attributes":{"nextNumber":{"N":"4294967300"}}}"#);
        let (table, requests) = table(&[&taken]);
        assert_eq!(table.reserve("ipfix/1", 10, "token").await, Ok(4_294_967_290));
        let request: Value = serde_json::from_slice(&requests.join().unwrap()[0].body).unwrap();
        assert_eq!(request["Key"]["domain"]["S"], "ipfix/1");
        assert_eq!(request["UpdateExpression"], "SET #token = :token ADD #next :units");
        let values = &request["ExpressionAttributeValues"];
        assert_eq!(
            (&values[":token"]["S"], &values[":units"]["N"]),
            (&"token".into(), &"10".into())
        );
    }

    /// The first answer is lost; the table has made the write, and refuses to make it again.
    #[tokio::test]
    async fn a_lost_answer_takes_no_further_numbers() {
        let refused = loopback::answer("400 Bad Request", REFUSED);
        let (table, requests) = table(&["", &refused]);
        assert_eq!(table.reserve("ipfix/1", 10, "token").await, Ok(32));
        let requests = requests.join().unwrap();
        assert_eq!(requests[0].body, requests[1].body);
    }

    #[tokio::test]
    async fn an_item_of_somebody_else_is_refused() {
        let (table, _) = table(&[&ok(r#"{"Attributes":{"nextNumber":{"S":"x"}}}"#)]);
        let error = table.reserve("ipfix/1", 10, "token").await.unwrap_err();
        assert!(error.to_string().contains("expected nextNumber of 10 or more"), "{error}");
    }
}
