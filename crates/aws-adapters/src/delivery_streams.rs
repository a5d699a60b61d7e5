use std::time::{Duration, Instant};

use aws_sdk_firehose::{
    Client, operation::put_record_batch::PutRecordBatchOutput, primitives::Blob, types::Record,
};
use aws_smithy_async::rt::sleep::{AsyncSleep as _, TokioSleep};
use aws_types::SdkConfig;
use recording::Error;

use crate::error;

/// The pause after the first refusal. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Firehose's delivery streams.
#[derive(Clone, Debug)]
pub struct DeliveryStreams(Client);

impl DeliveryStreams {
    /// Those of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }

    /// Puts a batch of records into a stream: 500 of them and 4 MiB at most. What the stream does
    /// not take for the moment is put again, after growing pauses, as long as there is `time`.
    /// Returns the places of the records that it has not taken by then, in rising order.
    ///
    /// A record whose answer was lost is put twice.
    pub async fn put(
        &self,
        stream: &str,
        batch: Vec<Vec<u8>>,
        time: Duration,
    ) -> Result<Vec<usize>, Error> {
        let deadline = Instant::now() + time;
        let mut left: Vec<_> = batch.into_iter().map(Blob::new).enumerate().collect();
        let mut pause = FIRST_PAUSE;
        loop {
            let is_taken = self.put_once(stream, &left).await?;
            let mut is_taken = is_taken.into_iter();
            left.retain(|_| !is_taken.next().unwrap_or_default());
            // Functions that were refused together do not come again together.
            let waited = pause.mul_f64(0.5 + fastrand::f64() / 2.0);
            if left.is_empty() || Instant::now() + waited >= deadline {
                return Ok(left.into_iter().map(|(place, _)| place).collect());
            }
            TokioSleep::new().sleep(waited).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// Whether the stream has taken each of these; none if it took no call for the moment.
    async fn put_once(&self, stream: &str, records: &[(usize, Blob)]) -> Result<Vec<bool>, Error> {
        // Without data a record cannot be built, and these have some.
        let records = records
            .iter()
            .filter_map(|(_, data)| Record::builder().data(data.clone()).build().ok());
        let call = self.0.put_record_batch().delivery_stream_name(stream);
        let call = call.set_records(Some(records.collect()));
        match call.send().await {
            Ok(answer) => Ok(are_taken(&answer)),
            Err(failed) => match error::of_call("firehose:PutRecordBatch", &failed) {
                Error::Transient { .. } => Ok(vec![]),
                refused => Err(refused),
            },
        }
    }
}

/// An answer with status 200 may say of any record that it was not taken.
fn are_taken(answer: &PutRecordBatchOutput) -> Vec<bool> {
    answer.request_responses().iter().map(|one| one.error_code().is_none()).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufReader, Read as _, Write as _},
        net::{SocketAddr, TcpListener},
        thread,
    };

    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_smithy_async::rt::sleep::SharedAsyncSleep;
    use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
    use aws_types::region::Region;
    use serde_json::Value;

    use super::*;
    use crate::https;

    /// A Firehose that gives these answers and then tells which records it was asked to take.
    fn firehose(answers: &'static [(u16, &str)]) -> (SocketAddr, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let answered = answers.iter().map(|(status, body)| {
                let (mut connection, _) = listener.accept().unwrap();
                let asked = records(&mut connection);
                let head = format!("HTTP/1.1 {status} -\r\nconnection: close\r\n");
                let length = format!("content-length: {}\r\n\r\n", body.len());
                connection.write_all([&head, &length, *body].concat().as_bytes()).unwrap();
                asked
            });
            answered.collect()
        });
        (address, asked)
    }

    /// The base64 of the records of a request.
    fn records(connection: &mut impl std::io::Read) -> String {
        let mut bytes = BufReader::new(connection).bytes().map(Result::unwrap);
        let mut head = vec![];
        while !head.ends_with(b"\r\n\r\n") {
            head.push(bytes.next().unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let body: Vec<_> = bytes.take(length.parse().unwrap()).collect();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["DeliveryStreamName"], "flows");
        let records = body["Records"].as_array().unwrap().iter();
        records.map(|record| record["Data"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    fn streams(address: SocketAddr) -> DeliveryStreams {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(https::client())
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .endpoint_url(format!("http://{address}"));
        DeliveryStreams::new(&config.build())
    }

    fn batch() -> Vec<Vec<u8>> {
        ["a", "b", "c"].map(|text| text.as_bytes().to_vec()).into()
    }

    const SECOND_REFUSED: &str = r#"{"FailedPutCount": 1, "RequestResponses": [{"RecordId": "1"},
        {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."},
        {"RecordId": "3"}]}"#;
    const REFUSED: &str = r#"{"FailedPutCount": 1, "RequestResponses": [
        {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}]}"#;
    const TAKEN: &str = r#"{"FailedPutCount": 0, "RequestResponses": [{"RecordId": "2"}]}"#;

    #[tokio::test]
    async fn only_what_was_not_taken_is_put_again() {
        let (address, asked) = firehose(&[(200, SECOND_REFUSED), (200, REFUSED), (200, TAKEN)]);
        let left = streams(address).put("flows", batch(), Duration::from_mins(1)).await;
        assert_eq!(left, Ok(vec![]));
        assert_eq!(asked.join().unwrap(), ["YQ== Yg== Yw==", "Yg==", "Yg=="]);
    }

    #[tokio::test]
    async fn what_is_not_taken_in_time_is_told() {
        let (address, asked) = firehose(&[(200, SECOND_REFUSED)]);
        let left = streams(address).put("flows", batch(), Duration::ZERO).await;
        assert_eq!(left, Ok(vec![1]));
        asked.join().unwrap();
    }

    #[tokio::test]
    async fn a_stream_that_does_not_exist_is_an_error() {
        const GONE: &str = r#"{"__type": "ResourceNotFoundException", "message": "no such"}"#;
        let (address, asked) = firehose(&[(400, GONE)]);
        let error = streams(address).put("flows", batch(), Duration::from_mins(1)).await;
        let expected = Error::AwsRefused {
            operation: "firehose:PutRecordBatch",
            code: "ResourceNotFoundException".to_owned(),
            message: "no such".to_owned(),
        };
        assert_eq!(error, Err(expected));
        asked.join().unwrap();
    }
}
