//! Running a query: over the events that moto's log groups hold.

use std::sync::Arc;

use insights::{Event, Run, Table};
use serde::Deserialize;
use serde_json::json;

use super::queries::Status;
use super::request::Request;
use crate::aws::{AwsError, LOGS};
use crate::door::Door;
use crate::faults::QueryFault;
use crate::log_groups::LogGroup;

/// A page of `FilterLogEvents`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Vec<StoredEvent>,
    #[serde(default)]
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredEvent {
    event_id: String,
    ingestion_time: i64,
    log_stream_name: String,
    message: String,
    timestamp: i64,
}

/// A query on its way.
pub(super) struct Running {
    pub(super) door: Arc<Door>,
    pub(super) id: String,
    pub(super) region: String,
    pub(super) request: Request,
    pub(super) groups: Vec<LogGroup>,
    pub(super) fault: Option<QueryFault>,
}

impl Running {
    /// Runs it to its end, or as far as its fault lets it.
    pub(super) async fn finish(mut self) {
        let queries = &self.door.queries;
        queries.change(&self.id, Status::Running, None);
        let table = match self.table().await {
            Ok(table) => table,
            Err(error) => {
                tracing::error!(query = self.id, %error, "a query failed");
                return self.end(Status::Failed, Table::default());
            }
        };
        let Some(mut fault) = self.fault.take() else { return self.end(Status::Complete, table) };
        let mut partial = table.clone();
        partial.rows.truncate(fault.rows.unwrap_or(partial.rows.len()));
        if !fault.status.is_under_way() {
            return self.end(fault.status, partial);
        }
        queries.change(&self.id, fault.status, Some(partial));
        self.record(fault.status, &table);
        fault.strike.released().await;
        self.end(Status::Complete, table);
    }

    fn end(&self, status: Status, table: Table) {
        let about = Table { rows: vec![], ..table.clone() };
        if self.door.queries.change(&self.id, status, Some(table)) {
            self.record(status, &about);
        }
    }

    fn record(&self, status: Status, table: &Table) {
        let fields = json!({
            "query_id": self.id,
            "status": status.name(),
            "log_groups": self.request.log_groups,
            "records_scanned": table.statistics.records_scanned,
            "records_matched": table.statistics.records_matched,
        });
        self.door.journal.record("query", fields);
    }

    async fn table(&self) -> Result<Table, AwsError> {
        let mut run = self.request.query.start();
        for group in &self.groups {
            self.scan(group, &mut run).await?;
        }
        let mut table = run.finish();
        table.rows.truncate(self.request.limit);
        Ok(table)
    }

    async fn scan(&self, group: &LogGroup, run: &mut Run<'_>) -> Result<(), AwsError> {
        let log = format!("{}:{}", group.account, group.name);
        let mut token = None;
        loop {
            let page = self.page(group, token).await?;
            for stored in &page.events {
                run.push(&Event {
                    log_stream: &stored.log_stream_name,
                    log: &log,
                    ingestion_time: Some(stored.ingestion_time),
                    pointer: &stored.event_id,
                    ..Event::new(stored.timestamp, &stored.message)
                });
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    async fn page(&self, group: &LogGroup, token: Option<String>) -> Result<Page, AwsError> {
        let parameters = json!({
            "logGroupName": group.name,
            "startTime": self.request.start.saturating_mul(1000),
            "endTime": self.request.end.saturating_mul(1000),
            "interleaved": true,
            "nextToken": token,
        });
        let page = self.door.moto.json(&self.region, LOGS, "FilterLogEvents", &parameters).await?;
        serde_json::from_value(page).map_err(|error| AwsError::Answer(error.to_string()))
    }
}
