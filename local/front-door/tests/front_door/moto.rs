//! A stub for moto: it knows what the front door asks for, and keeps what it is told.

use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;
use zip::write::SimpleFileOptions;

use crate::running::PATIENCE;

pub(crate) const PROBE: &str = "arn:aws:lambda:us-east-1:123456789012:function:probe";
pub(crate) const MACHINE: &str = "arn:aws:states:us-east-1:123456789012:stateMachine:recorder";
pub(crate) const DEAD_LETTERS: &str = "arn:aws:sqs:us-east-1:123456789012:dead-letters";
pub(crate) const SCHEDULE: &str =
    "arn:aws:scheduler:us-east-1:123456789012:schedule/default/stack-Hourly_1.2";
pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:reports";
pub(crate) const GATEWAY: &str = "nat-0123456789abcdef0";
pub(crate) const INTERFACE: &str = "eni-0123456789abcdef0";

/// A call that came through.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The name in the signature.
    pub(crate) service: String,
    /// The operation, or method and path.
    pub(crate) operation: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn form(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(&self.body)
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }
}

/// What the stub has.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) calls: Vec<Call>,
    pub(crate) environment: Value,
    pub(crate) timeout: u64,
    pub(crate) event_invoke_config: Option<Value>,
    /// Name, pattern and targets.
    pub(crate) rules: Vec<(String, Value, Value)>,
    pub(crate) alarms: Vec<Value>,
    /// As `GetSchedule` has `SCHEDULE`.
    pub(crate) hourly: Option<Value>,
    pub(crate) log_groups: Vec<String>,
    /// Those of the log groups that are of the class `INFREQUENT_ACCESS`.
    pub(crate) infrequent: Vec<String>,
    /// As `FilterLogEvents` has them, with their log group.
    pub(crate) log_events: Vec<Value>,
    /// ID and format.
    pub(crate) flow_logs: Vec<(String, String)>,
}

/// A stub that listens.
#[derive(Clone)]
pub(crate) struct Moto {
    pub(crate) address: SocketAddr,
    contents: Arc<Mutex<Contents>>,
    count: watch::Sender<usize>,
    code: Arc<Bytes>,
}

impl Moto {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let moto = Self {
            address: listener.local_addr().unwrap(),
            contents: Arc::new(Mutex::new(Contents { timeout: 30, ..Contents::default() })),
            count: watch::Sender::new(0),
            code: Arc::new(probe_zip()),
        };
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(moto.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        moto
    }

    pub(crate) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap()
    }

    /// The calls of an operation, once they are enough.
    pub(crate) async fn wait_for(
        &self,
        operation: &str,
        is_enough: impl Fn(&[Call]) -> bool,
    ) -> Vec<Call> {
        let mut count = self.count.subscribe();
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            let calls = self.calls(operation);
            if is_enough(&calls) {
                return calls;
            }
            tokio::select! {
                changed = count.changed() => changed.unwrap(),
                () = &mut patience => panic!("no more {operation} than {calls:#?}"),
            }
        }
    }

    /// The calls of an operation so far.
    pub(crate) fn calls(&self, operation: &str) -> Vec<Call> {
        let contents = self.contents();
        contents.calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }

    fn function(&self) -> Value {
        let contents = self.contents();
        json!({
            "Configuration": {
                "FunctionName": "probe",
                "FunctionArn": PROBE,
                "Handler": "bootstrap",
                "MemorySize": 128,
                "Timeout": contents.timeout,
                "CodeSha256": STANDARD.encode(Sha256::digest(self.code.as_ref())),
                "Environment": {"Variables": contents.environment},
            },
            "Code": {"Location": "https://tasks.s3.us-east-1.amazonaws.com/code/probe.zip"},
        })
    }
}

/// The probe function as a deployment package.
fn probe_zip() -> Bytes {
    let front_door = std::path::Path::new(env!("CARGO_BIN_EXE_front-door"));
    let probe = front_door.parent().unwrap().join("examples/probe-function");
    let program = std::fs::read(&probe).unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo build -p front-door --examples` builds it", probe.display())
    });
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    writer.start_file("bootstrap", options).unwrap();
    writer.write_all(&program).unwrap();
    writer.finish().unwrap().into_inner().into()
}

type Answer = (StatusCode, Bytes);

async fn answer(
    State(moto): State<Moto>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let call = read(&method, &uri, headers, body);
    moto.contents().calls.push(call.clone());
    moto.count.send_modify(|count| *count += 1);
    match call.service.as_str() {
        "lambda" => lambda(&moto, &call),
        "s3" => s3(&moto, &call),
        "events" => events(&moto, &call),
        "scheduler" => scheduler(&moto, &call),
        "monitoring" => monitoring(&moto, &call),
        "ec2" => ec2(&moto, &call),
        "sns" => sns(&call),
        "sqs" => sqs(&call),
        "states" => states(&call),
        "logs" => logs(&moto, &call),
        _ => (StatusCode::OK, Bytes::from_static(b"as moto says")),
    }
}

fn read(method: &Method, uri: &Uri, headers: HeaderMap, body: Bytes) -> Call {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let service = text("authorization").and_then(|header| header.split('/').nth(3));
    let service = service.unwrap_or("nobody").to_owned();
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let target = text("x-amz-target").and_then(|target| target.split('.').next_back());
    let action = form_urlencoded::parse(&body).find(|(name, _)| name == "Action");
    let action = action.map(|(_, action)| action.into_owned());
    let operation =
        target.map(str::to_owned).or(action).unwrap_or_else(|| format!("{method} {}", uri.path()));
    Call { service, operation, path, headers, body }
}

fn ok(document: &Value) -> Answer {
    (StatusCode::OK, document.to_string().into())
}

fn xml(text: String) -> Answer {
    (StatusCode::OK, text.into())
}

fn error(status: StatusCode, code: &str) -> Answer {
    (status, json!({"__type": code, "message": "the stub says so"}).to_string().into())
}

fn lambda(moto: &Moto, call: &Call) -> Answer {
    match call.operation.as_str() {
        "GET /2015-03-31/functions/probe" => ok(&moto.function()),
        "GET /2019-09-25/functions/probe/event-invoke-config" => {
            match &moto.contents().event_invoke_config {
                Some(configuration) => ok(configuration),
                None => error(StatusCode::NOT_FOUND, "ResourceNotFoundException"),
            }
        }
        _ => error(StatusCode::NOT_FOUND, "ResourceNotFoundException"),
    }
}

fn s3(moto: &Moto, call: &Call) -> Answer {
    match call.operation.as_str() {
        "GET /" => xml("<ListAllMyBucketsResult xmlns=\"http://s3\"><Buckets>\
             <Bucket><Name>other</Name></Bucket><Bucket><Name>artifacts</Name></Bucket>\
             </Buckets></ListAllMyBucketsResult>"
            .to_owned()),
        // Another bucket's file with the same key must not be taken for the code.
        "GET /other/code/probe.zip" => xml("something else".to_owned()),
        "GET /artifacts/code/probe.zip" => (StatusCode::OK, moto.code.as_ref().clone()),
        _ => error(StatusCode::NOT_FOUND, "NoSuchKey"),
    }
}

/// One rule a page, so that whoever asks must turn pages.
fn events(moto: &Moto, call: &Call) -> Answer {
    let asked = call.json();
    let contents = moto.contents();
    match call.operation.as_str() {
        "ListRules" => {
            let page: usize = asked["NextToken"].as_str().map_or(0, |page| page.parse().unwrap());
            let next = (page + 1 < contents.rules.len()).then(|| (page + 1).to_string());
            let rules = contents.rules.get(page).map(|(name, pattern, _)| {
                json!({
                    "Name": name,
                    "Arn": format!("arn:aws:events:us-east-1:123456789012:rule/{name}"),
                    "State": if name.starts_with("disabled") { "DISABLED" } else { "ENABLED" },
                    "EventPattern": pattern.to_string(),
                })
            });
            ok(&json!({"Rules": Vec::from_iter(rules), "NextToken": next}))
        }
        "ListTargetsByRule" => {
            let rule = contents.rules.iter().find(|(name, ..)| asked["Rule"] == **name);
            ok(&json!({"Targets": rule.unwrap().2, "NextToken": null}))
        }
        _ => ok(&json!({})),
    }
}

fn scheduler(moto: &Moto, call: &Call) -> Answer {
    match (call.operation.as_str(), &moto.contents().hourly) {
        ("GET /schedules/stack-Hourly_1.2", Some(schedule)) => ok(schedule),
        _ if call.operation.starts_with("GET ") => {
            error(StatusCode::NOT_FOUND, "ResourceNotFoundException")
        }
        _ => ok(&json!({"ScheduleArn": SCHEDULE})),
    }
}

fn monitoring(moto: &Moto, call: &Call) -> Answer {
    let asked = call.json();
    let mut contents = moto.contents();
    match call.operation.as_str() {
        "DescribeAlarms" => {
            let is_asked = |alarm: &&Value| {
                asked["AlarmNames"].as_array().unwrap().contains(&alarm["AlarmName"])
            };
            let alarms: Vec<_> = contents.alarms.iter().filter(is_asked).collect();
            ok(&json!({"MetricAlarms": alarms, "CompositeAlarms": []}))
        }
        "DeleteAlarms" => {
            let gone = asked["AlarmNames"].as_array().unwrap();
            contents.alarms.retain(|alarm| !gone.contains(&alarm["AlarmName"]));
            ok(&json!({}))
        }
        _ => ok(&json!({})),
    }
}

fn ec2(moto: &Moto, call: &Call) -> Answer {
    let mut contents = moto.contents();
    match call.operation.as_str() {
        "DescribeNatGateways" if call.form("NatGatewayId.1").as_deref() == Some(GATEWAY) => {
            xml(format!(
                "<R xmlns=\"http://ec2\"><natGatewaySet><item>\
                 <natGatewayAddressSet><item><networkInterfaceId>{INTERFACE}</networkInterfaceId>\
                 <privateIp>10.0.0.220</privateIp></item></natGatewayAddressSet>\
                 <natGatewayId>{GATEWAY}</natGatewayId><state>available</state>\
                 <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId></item></natGatewaySet></R>"
            ))
        }
        "DescribeNatGateways" => xml("<R><natGatewaySet/></R>".to_owned()),
        "DescribeSubnets" => xml("<R><subnetSet><item>\
             <availabilityZoneId>use1-az1</availabilityZoneId>\
             <ownerId>123456789012</ownerId></item></subnetSet></R>"
            .to_owned()),
        "CreateFlowLogs" => {
            let id = format!("fl-{}", contents.calls.len());
            contents.flow_logs.push((id.clone(), call.form("LogFormat").unwrap_or_default()));
            xml(format!("<R><flowLogIdSet><item>{id}</item></flowLogIdSet><unsuccessful/></R>"))
        }
        "DescribeFlowLogs" => {
            let items: String = contents.flow_logs.iter().map(flow_log_item).collect();
            xml(format!("<R><flowLogSet>{items}</flowLogSet></R>"))
        }
        "DeleteFlowLogs" => {
            let gone = call.form("FlowLogId.1");
            contents.flow_logs.retain(|(id, _)| Some(id) != gone.as_ref());
            xml("<R><unsuccessful/></R>".to_owned())
        }
        _ => xml("<R/>".to_owned()),
    }
}

fn flow_log_item((id, format): &(String, String)) -> String {
    format!(
        "<item><flowLogId>{id}</flowLogId><flowLogStatus>ACTIVE</flowLogStatus>\
         <deliverLogsStatus>SUCCESS</deliverLogsStatus><logFormat>{format}</logFormat>\
         <logGroupName>records</logGroupName><resourceId>{INTERFACE}</resourceId>\
         <creationTime>2026-01-02T03:04:05.678Z</creationTime>\
         <trafficType>ALL</trafficType></item>"
    )
}

/// The third subscription wants only what is meant for programs.
fn sns(call: &Call) -> Answer {
    let subscription = |arn: &str, protocol: &str, endpoint: &str| {
        format!(
            "<member><SubscriptionArn>{arn}</SubscriptionArn><Protocol>{protocol}</Protocol>\
             <Endpoint>{endpoint}</Endpoint></member>"
        )
    };
    let filter = match call.form("SubscriptionArn").as_deref() {
        Some("arn:programs") => {
            "<entry><key>FilterPolicy</key><value>{\"format\": [\"json\"]}</value></entry>"
        }
        _ => "",
    };
    let subscriptions = [
        subscription("arn:noc", "email", "noc@example.com"),
        subscription("arn:queue", "sqs", "arn:q"),
        subscription("arn:programs", "email", "programs@example.com"),
        subscription("arn:cto", "email", "cto@example.com"),
    ];
    xml(format!(
        "<R xmlns=\"http://sns\"><Subscriptions>{}</Subscriptions>\
         <Attributes>{filter}</Attributes></R>",
        subscriptions.concat()
    ))
}

fn sqs(call: &Call) -> Answer {
    match call.operation.as_str() {
        "GetQueueUrl" => {
            let name = call.json()["QueueName"].as_str().unwrap().to_owned();
            ok(&json!({"QueueUrl": format!("http://queues/{name}")}))
        }
        _ => ok(&json!({"MessageId": "1"})),
    }
}

fn states(call: &Call) -> Answer {
    let asked = call.json();
    if asked["stateMachineArn"] == MACHINE {
        let execution = MACHINE.replace("stateMachine", "execution");
        ok(&json!({"executionArn": format!("{execution}:{}", asked["name"].as_str().unwrap())}))
    } else {
        error(StatusCode::BAD_REQUEST, "StateMachineDoesNotExist")
    }
}

fn logs(moto: &Moto, call: &Call) -> Answer {
    let asked = call.json();
    match call.operation.as_str() {
        "DescribeLogGroups" => describe_log_groups(moto, &asked),
        "FilterLogEvents" => filter_log_events(moto, &asked),
        _ => {
            let group = asked["logGroupName"].as_str().unwrap().to_owned();
            if moto.contents().log_groups.contains(&group) {
                ok(&json!({}))
            } else {
                error(StatusCode::BAD_REQUEST, "ResourceNotFoundException")
            }
        }
    }
}

/// One group a page.
fn describe_log_groups(moto: &Moto, asked: &Value) -> Answer {
    let contents = moto.contents();
    let prefix = asked["logGroupNamePrefix"].as_str().unwrap();
    let names: Vec<_> =
        contents.log_groups.iter().filter(|name| name.starts_with(prefix)).collect();
    let page: usize = asked["nextToken"].as_str().map_or(0, |page| page.parse().unwrap());
    let group = names.get(page).map(|name| {
        let class =
            if contents.infrequent.contains(name) { "INFREQUENT_ACCESS" } else { "STANDARD" };
        json!({
            "logGroupName": name,
            "arn": format!("arn:aws:logs:us-east-1:123456789012:log-group:{name}:*"),
            "logGroupClass": class,
            "creationTime": 1_000_000,
        })
    });
    let next = (page + 1 < names.len()).then(|| (page + 1).to_string());
    ok(&json!({"logGroups": Vec::from_iter(group), "nextToken": next}))
}

/// Two events a page; both ends of the time are part of it.
fn filter_log_events(moto: &Moto, asked: &Value) -> Answer {
    let contents = moto.contents();
    let is_asked_for = |event: &&Value| {
        let at = event["timestamp"].as_i64().unwrap();
        event["logGroup"] == asked["logGroupName"]
            && asked["startTime"].as_i64().is_none_or(|start| start <= at)
            && asked["endTime"].as_i64().is_none_or(|end| at <= end)
    };
    let events: Vec<_> = contents.log_events.iter().filter(is_asked_for).collect();
    let first: usize = asked["nextToken"].as_str().map_or(0, |first| first.parse().unwrap());
    let page: Vec<_> = events.iter().skip(first).take(2).collect();
    let next = (first + 2 < events.len()).then(|| (first + 2).to_string());
    ok(&json!({"events": page, "nextToken": next}))
}
