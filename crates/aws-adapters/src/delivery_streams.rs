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
    use serde_json::Value;

    use super::*;
    use crate::loopback::{self, Request};

    /// What becomes of a batch that is put into a Firehose that gives these answers, and the
    /// base64 of the records that it was asked to take, one text a request.
    async fn put(
        answers: &[(&str, &str)],
        time: Duration,
    ) -> (Result<Vec<usize>, Error>, Vec<String>) {
        let answers: Vec<_> =
            answers.iter().map(|(status, body)| loopback::answer(status, body)).collect();
        let answers: Vec<_> = answers.iter().map(String::as_str).collect();
        let (address, requests) = loopback::service(&answers);
        let left =
            DeliveryStreams::new(&loopback::config(address)).put("flows", batch(), time).await;
        (left, requests.join().unwrap().iter().map(records).collect())
    }

    fn records(request: &Request) -> String {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["DeliveryStreamName"], "flows");
        let records = body["Records"].as_array().unwrap().iter();
        records.map(|record| record["Data"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
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
        let answers = [("200 OK", SECOND_REFUSED), ("200 OK", REFUSED), ("200 OK", TAKEN)];
        let (left, asked) = put(&answers, Duration::from_mins(1)).await;
        assert_eq!(left, Ok(vec![]));
        assert_eq!(asked, ["YQ== Yg== Yw==", "Yg==", "Yg=="]);
    }

    #[tokio::test]
    async fn what_is_not_taken_in_time_is_told() {
        let (left, _) = put(&[("200 OK", SECOND_REFUSED)], Duration::ZERO).await;
        assert_eq!(left, Ok(vec![1]));
    }

    #[tokio::test]
    async fn a_stream_that_does_not_exist_is_an_error() {
        const GONE: &str = r#"{"__type": "ResourceNotFoundException", "message": "no such"}"#;
        let (error, _) = put(&[("400 Bad Request", GONE)], Duration::from_mins(1)).await;
        let expected = Error::AwsRefused {
            operation: "firehose:PutRecordBatch",
            code: "ResourceNotFoundException".to_owned(),
            message: "no such".to_owned(),
        };
        assert_eq!(error, Err(expected));
    }
}
