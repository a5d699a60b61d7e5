//! Synthetic traffic: flow-log records of what passes a gateway, while a flow log exists.

mod gateway;
mod legs;
mod objects;
mod parquet;
mod record;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use flowlog::Format;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::AbortHandle;
use tokio::time::MissedTickBehavior;

use crate::aws::{AwsError, LOGS};
use crate::door::Door;
use crate::lambda::create_stream;
use crate::nat_metrics::Passed;

use gateway::{Destination, FlowLog, Gateway};
use legs::{Flow, Interval};

const DEFAULT_REGION: &str = "us-east-1";
const EVERY_MS: u64 = 1000;

/// What passes a gateway from now on, in place of what passed it so far.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GatewayTraffic {
    nat_gateway_id: String,
    /// None end the traffic.
    flows: Vec<Flow>,
    /// How often records are written, in milliseconds.
    #[serde(default = "every_ms")]
    every_ms: u64,
    #[serde(default = "region")]
    region: String,
}

fn every_ms() -> u64 {
    EVERY_MS
}

fn region() -> String {
    DEFAULT_REGION.to_owned()
}

/// The gateways that have traffic, and the tasks that write it.
#[derive(Default)]
pub(crate) struct Traffic {
    tasks: Mutex<HashMap<String, AbortHandle>>,
}

/// Sets a gateway's traffic.
pub(crate) fn set(door: &Arc<Door>, traffic: GatewayTraffic) {
    let mut tasks = door.traffic.tasks.lock();
    if let Some(task) = tasks.remove(&traffic.nat_gateway_id) {
        task.abort();
    }
    if !traffic.flows.is_empty() {
        let id = traffic.nat_gateway_id.clone();
        let task = tokio::spawn(flow(Arc::clone(door), traffic));
        tasks.insert(id, task.abort_handle());
    }
}

/// Writes records until it is aborted.
async fn flow(door: Arc<Door>, traffic: GatewayTraffic) {
    let period = Duration::from_millis(traffic.every_ms.max(1));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once; an interval must have passed before it can be told about.
    ticks.tick().await;
    let mut writer = Writer { door, traffic, begun: HashSet::new(), is_new: true };
    let mut start = Timestamp::now();
    loop {
        ticks.tick().await;
        let interval = Interval { start, end: Timestamp::now() };
        if let Err(error) = writer.write(interval).await {
            let gateway = &writer.traffic.nat_gateway_id;
            tracing::error!(gateway, %error, "records are lost");
        }
        start = interval.end;
    }
}

struct Writer {
    door: Arc<Door>,
    traffic: GatewayTraffic,
    /// The flow logs that have had records: their streams exist, and their flows have begun.
    begun: HashSet<String>,
    /// Whether nothing of this traffic has passed yet.
    is_new: bool,
}

impl Writer {
    async fn write(&mut self, interval: Interval) -> Result<(), AwsError> {
        let (moto, region) = (&self.door.moto, &self.traffic.region);
        let id = &self.traffic.nat_gateway_id;
        let Some(gateway) = Gateway::describe(moto, region, id).await? else { return Ok(()) };
        let passed = self.traffic.flows.iter().map(|flow| flow.passed(interval, self.is_new));
        let passed = passed.fold(Passed::default(), Passed::beside);
        self.door.nat_metrics.count(region, id, interval.start, passed);
        self.is_new = false;
        for flow_log in FlowLog::on(moto, region, &gateway).await? {
            let Some(interval) = flow_log.seen_of(interval) else { continue };
            let is_first = !self.begun.contains(&flow_log.id);
            self.deliver(&gateway, &flow_log, interval, is_first).await?;
            self.begun.insert(flow_log.id);
        }
        Ok(())
    }

    async fn deliver(
        &self,
        gateway: &Gateway,
        flow_log: &FlowLog,
        interval: Interval,
        is_first: bool,
    ) -> Result<(), AwsError> {
        let format = Format::parse(&flow_log.format)
            .map_err(|error| AwsError::Answer(format!("{}: {error}", flow_log.id)))?;
        let legs = self
            .traffic
            .flows
            .iter()
            .flat_map(|flow| flow.legs(gateway, flow_log, interval, is_first));
        let records: Vec<_> =
            legs.map(|leg| record::values(&format, gateway, flow_log, interval, &leg)).collect();
        let lines: Vec<_> = records.iter().map(|values| record::line(values)).collect();
        let bytes: usize = lines.iter().map(String::len).sum();
        let (count, mut log_group, mut object) = (lines.len(), None, None);
        match &flow_log.destination {
            Destination::LogGroup(name) => {
                self.put(flow_log, name, interval, lines, is_first).await?;
                log_group = Some(name);
            }
            Destination::Folder(folder) => {
                let of = (gateway, flow_log.id.as_str(), interval.end);
                let body = folder.file(&format, &records)?;
                object = Some(folder.put(&self.door.moto, of, body).await?);
            }
        }
        let fields = json!({
            "flow_log_id": flow_log.id,
            "log_group": log_group,
            "object": object,
            "nat_gateway_id": gateway.id,
            "count": count,
            "bytes": bytes,
            "interval_ms": interval.milliseconds(),
        });
        self.door.journal.record("records", fields);
        Ok(())
    }

    async fn put(
        &self,
        flow_log: &FlowLog,
        log_group: &str,
        interval: Interval,
        lines: Vec<String>,
        is_first: bool,
    ) -> Result<(), AwsError> {
        let (moto, region) = (&self.door.moto, &self.traffic.region);
        let mut parameters = json!({
            "logGroupName": log_group,
            "logStreamName": flow_log.stream(),
        });
        if is_first {
            create_stream(moto, region, &parameters).await?;
        }
        // `@timestamp` is the record's start, which is in seconds.
        let at = interval.start.as_second().saturating_mul(1000);
        let event = |line| json!({"timestamp": at, "message": line});
        let events: Vec<Value> = lines.into_iter().map(event).collect();
        if let Value::Object(parameters) = &mut parameters {
            parameters.insert("logEvents".to_owned(), json!(events));
        }
        moto.json(region, LOGS, "PutLogEvents", &parameters).await?;
        Ok(())
    }
}
