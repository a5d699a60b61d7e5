use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::{
    Client,
    operation::get_query_results::GetQueryResultsOutput,
    types::{QueryStatus as Status, ResultField},
};
use aws_types::SdkConfig;
use recording::{
    Error,
    ports::{LogsQueries, LogsQuery, QueryResults, QueryStatistics, QueryStatus},
};

use crate::error;

/// CloudWatch Logs Insights.
#[derive(Clone, Debug)]
pub struct LogsInsights {
    client: Client,
}

impl LogsInsights {
    /// The log groups of the configuration's account and region.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

impl LogsQueries for LogsInsights {
    async fn start(&self, query: &LogsQuery) -> Result<String, Error> {
        const OPERATION: &str = "logs:StartQuery";
        let call = self.client.start_query().log_group_name(&query.log_group);
        let call = call.start_time(query.from.as_second()).end_time(query.to.as_second());
        let call =
            call.query_string(&query.text).limit(i32::try_from(query.limit).unwrap_or(i32::MAX));
        let answer = call.send().await.map_err(|failed| error::of_call(OPERATION, &failed))?;
        answer.query_id.ok_or_else(|| Error::Transient {
            operation: OPERATION,
            message: "the answer has no query ID".to_owned(),
        })
    }

    async fn results(&self, query_id: &str) -> Result<QueryResults, Error> {
        let answer = self.client.get_query_results().query_id(query_id).send().await;
        let answer = answer.map_err(|failed| error::of_call("logs:GetQueryResults", &failed))?;
        Ok(results(&answer))
    }

    async fn stop(&self, query_id: &str) -> Result<(), Error> {
        match self.client.stop_query().query_id(query_id).send().await {
            Ok(_) => Ok(()),
            Err(failed) if failed.as_service_error().is_some_and(has_ended) => Ok(()),
            Err(failed) => Err(error::of_call("logs:StopQuery", &failed)),
        }
    }
}

fn has_ended(error: &aws_sdk_cloudwatchlogs::operation::stop_query::StopQueryError) -> bool {
    error.is_invalid_parameter_exception() || error.is_resource_not_found_exception()
}

fn results(answer: &GetQueryResultsOutput) -> QueryResults {
    let statistics = answer.statistics().map(|statistics| QueryStatistics {
        records_matched: statistics.records_matched(),
        records_scanned: statistics.records_scanned(),
        bytes_scanned: statistics.bytes_scanned(),
    });
    QueryResults {
        status: answer.status().map_or(QueryStatus::Running, status),
        rows: answer.results().iter().map(|row| fields(row)).collect(),
        statistics: statistics.unwrap_or_default(),
    }
}

fn status(status: &Status) -> QueryStatus {
    match status {
        Status::Complete => QueryStatus::Complete,
        Status::Failed => QueryStatus::Failed,
        Status::Cancelled => QueryStatus::Cancelled,
        Status::Timeout => QueryStatus::Timeout,
        _ => QueryStatus::Running,
    }
}

/// `@ptr` only leads back to the record.
fn fields(row: &[ResultField]) -> BTreeMap<String, String> {
    let fields = row.iter().filter_map(|field| Some((field.field()?, field.value()?)));
    let fields = fields.filter(|(name, _)| *name != "@ptr");
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_its_values_by_name() {
        let field = |name: &str, value: Option<&str>| {
            ResultField::builder().field(name).set_value(value.map(str::to_owned)).build()
        };
        let row =
            [field("client", Some("10.0.1.5")), field("service", None), field("@ptr", Some("x"))];
        assert_eq!(fields(&row), BTreeMap::from([("client".to_owned(), "10.0.1.5".to_owned())]));
    }

    #[test]
    fn a_status_of_later_times_is_yet_to_end() {
        for (word, expected) in [
            ("Complete", QueryStatus::Complete),
            ("Scheduled", QueryStatus::Running),
            ("Paused", QueryStatus::Running),
        ] {
            assert_eq!(status(&Status::from(word)), expected, "{word}");
        }
    }
}
