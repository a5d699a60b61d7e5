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
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread::{self, JoinHandle},
    };

    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
    use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
    use aws_types::region::Region;
    use serde_json::Value;

    use super::*;

    /// A table that answers one connection after the other, with nothing where there is no
    /// answer; and the requests that it got.
    fn table(answers: &'static [Option<(&str, &str)>]) -> (SequenceTable, JoinHandle<Vec<Value>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "id", "secret", None, None, "test",
            )))
            .region(Region::new("eu-west-1"))
            .http_client(crate::https::client())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .build();
        let requests = thread::spawn(move || {
            let answered = answers.iter().map(|answer| {
                let (mut connection, _) = listener.accept().unwrap();
                let request = request(&mut connection);
                if let Some((status, body)) = answer {
                    let head = "connection: close\r\ncontent-type: application/x-amz-json-1.0";
                    let length = body.len();
                    let answer = format!(
                        "HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
                    );
                    connection.write_all(answer.as_bytes()).unwrap();
                }
                request
            });
            answered.collect()
        });
        (SequenceTable::new(&config, "sequences"), requests)
    }

    fn request(connection: &mut impl std::io::Read) -> Value {
        let mut head = vec![];
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            connection.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![];
        connection.take(length).read_to_end(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    const REFUSED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"no","Item":{"domain":{"S":"ipfix/1"},"nextNumber":{"N":"42"},"lastToken":{"S":"token"}}}"#;

    #[tokio::test]
    async fn numbers_are_taken_by_one_conditional_write() {
        let (table, requests) =
            table(&[Some(("200 OK", r#"{"Attributes":{"nextNumber":{"N":"4294967300"}}}"#))]);
        assert_eq!(table.reserve("ipfix/1", 10, "token").await, Ok(4_294_967_290));
        let request = &requests.join().unwrap()[0];
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
        let (table, requests) = table(&[None, Some(("400 Bad Request", REFUSED))]);
        assert_eq!(table.reserve("ipfix/1", 10, "token").await, Ok(32));
        let requests = requests.join().unwrap();
        assert_eq!(requests[0], requests[1]);
    }

    #[tokio::test]
    async fn an_item_of_somebody_else_is_refused() {
        let (table, _) = table(&[Some(("200 OK", r#"{"Attributes":{"nextNumber":{"S":"x"}}}"#))]);
        let error = table.reserve("ipfix/1", 10, "token").await.unwrap_err();
        assert!(error.to_string().contains("expected nextNumber of 10 or more"), "{error}");
    }
}
