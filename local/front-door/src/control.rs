//! The control API under `/_local/`, for tests and the demo.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::address_ranges;
use crate::door::Door;
use crate::events::{self, DEFAULT_BUS, schedules};
use crate::faults::Fault;
use crate::flow_records::{self, GatewayTraffic};
use crate::logs_insights::ConcurrentQueries;

/// The longest that a reader of the journal is kept waiting.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

pub(crate) fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/_local/events", get(read_journal).post(put_event))
        .route("/_local/mailbox", get(read_mailbox))
        .route(address_ranges::PATH, get(async || Json(address_ranges::document())))
        .route("/_local/faults", post(add_fault).get(list_faults))
        .route("/_local/faults/{id}", delete(remove_fault))
        .route("/_local/schedules", post(fire_schedule))
        .route("/_local/traffic", post(set_traffic))
        .route("/_local/concurrent-queries", post(allow_queries))
        .route("/_local/throttling", post(switch_throttling))
        .route("/_local/clock-skew", post(skew_clocks))
        .with_state(door)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: usize,
    /// Seconds.
    #[serde(default)]
    wait: f64,
}

async fn read_journal(State(door): State<Arc<Door>>, Query(query): Query<After>) -> Json<Value> {
    let wait = Duration::try_from_secs_f64(query.wait).unwrap_or_default().min(LONGEST_WAIT);
    let (entries, next) = door.journal.after(query.after, wait).await;
    Json(json!({"events": entries, "next": next}))
}

#[derive(Deserialize)]
struct PutEvent {
    event: Value,
}

async fn put_event(State(door): State<Arc<Door>>, Json(body): Json<PutEvent>) -> Json<Value> {
    let event = events::completed(body.event);
    let id = event.get("id").cloned();
    events::put(&door, DEFAULT_BUS, event).await;
    Json(json!({"id": id}))
}

async fn read_mailbox(State(door): State<Arc<Door>>) -> Json<Value> {
    Json(door.mailbox.all())
}

async fn add_fault(
    State(door): State<Arc<Door>>,
    Json(fault): Json<Fault>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let id = door.faults.add(fault).map_err(|error| (StatusCode::BAD_REQUEST, error))?;
    Ok(Json(json!({"id": id})))
}

async fn list_faults(State(door): State<Arc<Door>>) -> Json<Vec<Fault>> {
    Json(door.faults.all())
}

async fn remove_fault(State(door): State<Arc<Door>>, Path(id): Path<String>) -> StatusCode {
    if door.faults.remove(&id) { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// Which schedule is due.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DueSchedule {
    name: String,
    #[serde(default = "default_group")]
    group: String,
    region: String,
}

fn default_group() -> String {
    schedules::DEFAULT_GROUP.to_owned()
}

async fn fire_schedule(
    State(door): State<Arc<Door>>,
    Json(due): Json<DueSchedule>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let arn = schedules::fire(&door, &due.region, &due.group, &due.name)
        .await
        .map_err(|error| (StatusCode::CONFLICT, error.to_string()))?;
    Ok(Json(json!({"arn": arn})))
}

async fn set_traffic(
    State(door): State<Arc<Door>>,
    Json(traffic): Json<GatewayTraffic>,
) -> Json<Value> {
    flow_records::set(&door, traffic);
    Json(json!({}))
}

async fn allow_queries(
    State(door): State<Arc<Door>>,
    Json(quota): Json<ConcurrentQueries>,
) -> Json<Value> {
    door.queries.allow(quota);
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttled {
    ec2: bool,
}

async fn switch_throttling(
    State(door): State<Arc<Door>>,
    Json(throttled): Json<Throttled>,
) -> Json<Value> {
    door.throttling.switch(throttled.ec2);
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockSkew {
    alarms_ms: i64,
}

async fn skew_clocks(State(door): State<Arc<Door>>, Json(skew): Json<ClockSkew>) -> Json<Value> {
    door.alarms.skew(SignedDuration::from_millis(skew.alarms_ms)).await;
    Json(json!({}))
}
