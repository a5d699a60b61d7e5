//! CloudWatch Logs Insights: queries over the events in moto's log groups, run by the crate
//! `insights`.
//!
//! A query runs beside its callers, as on AWS: `StartQuery` answers its ID, and
//! `GetQueryResults` what it has found so far.

mod queries;
mod request;
mod run;

use std::sync::Arc;

use insights::{Table, Value as Cell};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::aws_calls::{Answer, AwsCall, Refusal, json_answer};
use crate::door::Door;
use crate::faults::QueryFault;
use crate::log_groups::{INFREQUENT_ACCESS, LogGroup};

pub(crate) use queries::{ConcurrentQueries, Queries, Status};

use queries::{Started, TooMany};
use request::{Request, invalid};
use run::Running;

/// How many queries a page of `DescribeQueries` has at most.
const MOST_DESCRIBED: usize = 1000;

/// `StartQuery`. A fault may decide how the query ends.
pub(crate) async fn start_query(
    door: &Arc<Door>,
    call: &AwsCall,
    fault: Option<QueryFault>,
) -> Result<Answer, Refusal> {
    let request = Request::read(call)?;
    let groups = groups(door, call, &request).await?;
    let id = Uuid::new_v4().to_string();
    let started = Started {
        id: id.clone(),
        region: call.region.clone(),
        text: request.text.clone(),
        log_groups: request.log_groups.clone(),
        is_infrequent: groups.iter().any(|group| group.class == INFREQUENT_ACCESS),
        created_at: Timestamp::now(),
        status: Status::Scheduled,
        table: Table::default(),
    };
    door.queries.add(started).map_err(|too_many| limit_exceeded(&too_many))?;
    let (door, region) = (Arc::clone(door), call.region.clone());
    let running = Running { door, id: id.clone(), region, request, groups, fault };
    tokio::spawn(running.finish());
    Ok(json_answer(200, &json!({"queryId": id})))
}

/// The log groups to query, which must exist and be older than the end of the time.
async fn groups(door: &Door, call: &AwsCall, request: &Request) -> Result<Vec<LogGroup>, Refusal> {
    let mut groups = Vec::new();
    for name in &request.log_groups {
        let group = LogGroup::describe(&door.moto, &call.region, name).await;
        let group = group.map_err(|error| {
            Refusal::new(503, "ServiceUnavailableException", &format!("{name}: {error}"))
        })?;
        groups.push(group.ok_or_else(|| {
            let message = format!("Log group '{name}' does not exist");
            Refusal::new(400, "ResourceNotFoundException", &message)
        })?);
    }
    match groups.iter().find(|group| request.end < group.created_at.as_second()) {
        None => Ok(groups),
        Some(group) => {
            let message = format!(
                "Query's end date and time is before the creation time of the log group {}",
                group.name
            );
            Err(Refusal::new(400, "MalformedQueryException", &message))
        }
    }
}

fn limit_exceeded(too_many: &TooMany) -> Refusal {
    let TooMany { class, most } = too_many;
    let message = format!("Account maximum query concurrency limit of {most} reached ({class})");
    Refusal::new(400, "LimitExceededException", &message)
}

/// `GetQueryResults`.
pub(crate) fn get_query_results(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    let query = asked_for(door, call)?;
    let statistics = &query.table.statistics;
    let results: Vec<_> = query.table.rows.iter().map(|row| fields(&query.table, row)).collect();
    let answer = json!({
        "queryLanguage": "CWLI",
        "statistics": {
            "recordsMatched": statistics.records_matched,
            "recordsScanned": statistics.records_scanned,
            "bytesScanned": statistics.bytes_scanned,
            "estimatedRecordsSkipped": 0,
            "estimatedBytesSkipped": 0,
            "logGroupsScanned": query.log_groups.len(),
            "resultCount": results.len(),
        },
        "results": results,
        "status": query.status.name(),
    });
    Ok(json_answer(200, &answer))
}

/// A row as AWS writes it: `[{"field": "srcaddr", "value": "10.0.1.5"}]`, without what is missing.
fn fields(table: &Table, row: &[Cell<'_>]) -> Vec<Value> {
    let cells = table.columns.iter().zip(row).filter(|(_, cell)| !cell.is_missing());
    cells.map(|(field, cell)| json!({"field": field, "value": cell.to_string()})).collect()
}

/// `StopQuery`, which refuses a query that has ended.
pub(crate) fn stop_query(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    let query = asked_for(door, call)?;
    if !door.queries.change(&query.id, Status::Cancelled, None) {
        let status = door.queries.get(&query.id).map_or(query.status, |query| query.status);
        let message = format!("Query {} is not running: it is {}", query.id, status.name());
        return Err(invalid(&message));
    }
    Ok(json_answer(200, &json!({"success": true})))
}

/// `DescribeQueries`, the newest first.
pub(crate) fn describe_queries(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    let parameters = &call.parameters;
    let (group, status) = (parameters.text("logGroupName"), parameters.text("status"));
    let number = |name: &str| parameters.text(name).map(|text| text.parse::<usize>());
    let most = match number("maxResults") {
        None => MOST_DESCRIBED,
        Some(Ok(most @ 1..=MOST_DESCRIBED)) => most,
        Some(_) => return Err(invalid(&format!("maxResults: expected 1 to {MOST_DESCRIBED}"))),
    };
    let first = match number("nextToken") {
        None => 0,
        Some(Ok(first)) => first,
        Some(Err(_)) => return Err(invalid("nextToken: this is none of DescribeQueries'")),
    };
    let found = door.queries.find(|query| {
        query.region == call.region
            && group.as_ref().is_none_or(|group| query.log_groups.contains(group))
            && status.as_ref().is_none_or(|status| query.status.name() == status)
    });
    let next = first.saturating_add(most);
    let mut answer = json!({
        "queries": found.iter().skip(first).take(most).map(description).collect::<Vec<_>>(),
    });
    if next < found.len()
        && let Value::Object(members) = &mut answer
    {
        members.insert("nextToken".to_owned(), json!(next.to_string()));
    }
    Ok(json_answer(200, &answer))
}

fn description(query: &Started) -> Value {
    json!({
        "queryLanguage": "CWLI",
        "queryId": query.id,
        "queryString": query.text,
        "status": query.status.name(),
        "createTime": query.created_at.as_millisecond(),
        "logGroupName": query.log_groups.first(),
        "bytesScanned": query.table.statistics.bytes_scanned,
    })
}

fn asked_for(door: &Door, call: &AwsCall) -> Result<Started, Refusal> {
    let id = call.parameters.text("queryId").unwrap_or_default();
    let query = door.queries.get(&id).filter(|query| query.region == call.region);
    query.ok_or_else(|| {
        let message = format!("Query {id} does not exist");
        Refusal::new(400, "ResourceNotFoundException", &message)
    })
}
