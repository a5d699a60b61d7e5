//! What happens to an AWS API call: faults first, then the service, then the journal.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::aws_calls::{Answer, AwsCall, HttpCall, Protocol, Refusal, cbor, error_code};
use crate::door::Door;
use crate::events::schedules;
use crate::faults::{Action, Moment, QueryFault, Strike, Subject};
use crate::{
    alarms, events, flow_logs, lambda, log_groups, logs_insights, mailbox, nat_gateways,
    nat_metrics, service_metrics, sns,
};

/// Answers a call; `None` closes the connection without an answer.
pub(crate) async fn handle(door: Arc<Door>, http: HttpCall) -> Option<Answer> {
    let began = Instant::now();
    let call = AwsCall::identify(http);
    if door.functions.kill_if_condemned(&call.access_key) {
        return None;
    }
    match strike(&door, &call).await {
        Struck::Unanswered => None,
        Struck::Answered(answer) => {
            record(&door, &call, &answer, began);
            Some(answer)
        }
        Struck::Not(manner) => carry_out(&door, &call, manner, began).await,
    }
}

async fn carry_out(
    door: &Arc<Door>,
    call: &AwsCall,
    manner: Manner,
    began: Instant,
) -> Option<Answer> {
    let Manner { lose_answer, kill_afterwards, kill_invoked, query } = manner;
    let answer = match door.throttling.check(call) {
        Ok(()) => serve(door, call, kill_invoked, query).await,
        Err(refusal) => call.refuse(&refusal),
    };
    record(door, call, &answer, began);
    if kill_afterwards {
        door.functions.condemn(&call.access_key);
    }
    (!lose_answer).then_some(answer)
}

/// What the faults made of a call.
enum Struck {
    Answered(Answer),
    Unanswered,
    Not(Manner),
}

/// How a call is carried out.
#[derive(Default)]
struct Manner {
    lose_answer: bool,
    /// Whether the function that calls is killed when it goes on.
    kill_afterwards: bool,
    /// When the function is killed that the call invokes.
    kill_invoked: Option<Moment>,
    query: Option<QueryFault>,
}

async fn strike(door: &Door, call: &AwsCall) -> Struck {
    let caller = door.callers.name_of(&call.access_key);
    let subject = Subject {
        service: &call.service,
        operation: &call.operation,
        caller: &caller,
        is_of_function: is_invocation(call) || door.functions.calls_with(&call.access_key),
        texts: [call.http.uri.path().as_bytes(), &call.http.body],
    };
    let mut manner = Manner::default();
    let mut considered = Vec::new();
    while let Some(mut strike) = door.faults.strike(&subject, &mut considered) {
        record_strike(door, call, &strike);
        match strike.action.clone() {
            Action::Error { status, code, message } => {
                return Struck::Answered(call.refuse(&Refusal::new(status, &code, &message)));
            }
            Action::Unsuccessful { code, message } => {
                return Struck::Answered(flow_logs::unsuccessful(call, &code, &message));
            }
            Action::Pretend(_) => return Struck::Answered(flow_logs::pretended(call)),
            // It is carried out for certain: that is the point of losing its answer.
            Action::LoseAnswer(_) => {
                return Struck::Not(Manner { lose_answer: true, ..manner });
            }
            Action::Hold(_) => {
                record_fault(door, call, "held", &strike.fault);
                strike.released().await;
                record_fault(door, call, "released", &strike.fault);
            }
            Action::DelayMs(milliseconds) => {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            Action::Kill(moment) if is_invocation(call) => manner.kill_invoked = Some(moment),
            Action::Kill(Moment::Before) => {
                door.functions.kill(&call.access_key);
                return Struck::Unanswered;
            }
            Action::Kill(Moment::During) => {
                door.functions.kill(&call.access_key);
                manner.lose_answer = true;
            }
            Action::Kill(Moment::After) => manner.kill_afterwards = true,
            Action::Query { status, rows } => {
                manner.query = Some(QueryFault { status, rows, strike });
            }
            // Of deliveries only.
            Action::Duplicate(_) => {}
        }
    }
    Struck::Not(manner)
}

fn is_invocation(call: &AwsCall) -> bool {
    call.service == "lambda" && call.operation == "Invoke"
}

fn record_strike(door: &Door, call: &AwsCall, strike: &Strike) {
    let mut fields = about_fault(door, call, &strike.fault);
    if let Value::Object(fields) = &mut fields {
        fields.insert("action".to_owned(), json!(strike.action_name()));
    }
    door.journal.record("fault", fields);
}

fn record_fault(door: &Door, call: &AwsCall, kind: &str, fault: &str) {
    door.journal.record(kind, about_fault(door, call, fault));
}

fn about_fault(door: &Door, call: &AwsCall, fault: &str) -> Value {
    let mut fields = json!({
        "fault": fault,
        "service": call.service,
        "operation": call.operation,
        "request_id": call.request_id,
        "caller": door.callers.name_of(&call.access_key),
    });
    if let Value::Object(fields) = &mut fields {
        fields.extend(summary(call));
    }
    fields
}

/// Does what the service would do.
async fn serve(
    door: &Arc<Door>,
    call: &AwsCall,
    kill_invoked: Option<Moment>,
    query: Option<QueryFault>,
) -> Answer {
    let served = match (call.service.as_str(), call.operation.as_str()) {
        ("lambda", "Invoke") => lambda::invoke(door, call, kill_invoked).await,
        ("lambda", "CreateFunction" | "UpdateFunctionCode") => {
            door.functions.remember_code(call);
            Ok(forward(door, call).await)
        }
        ("events", "PutEvents") => events::put_events(door, call).await,
        ("events", "PutRule") => match events::check_rule(call) {
            Ok(()) => Ok(forward(door, call).await),
            Err(refusal) => Err(refusal),
        },
        ("scheduler", "CreateSchedule" | "UpdateSchedule") => match schedules::check(call) {
            Ok(()) => Ok(forward(door, call).await),
            Err(refusal) => Err(refusal),
        },
        ("cloudwatch", "SetAlarmState") => alarms::set_state(door, call).await,
        ("cloudwatch", "PutMetricAlarm") => alarms::put(door, call).await,
        ("cloudwatch", "DeleteAlarms") => alarms::delete(door, call).await,
        ("cloudwatch", "GetMetricData" | "GetMetricStatistics" | "ListMetrics") => {
            read_metrics(door, call).await
        }
        ("ec2", "CreateFlowLogs") => flow_logs::create(door, call).await,
        ("ec2", "DescribeNatGateways") => nat_gateways::describe(door, call).await,
        ("logs", "StartQuery") => logs_insights::start_query(door, call, query).await,
        ("logs", "GetQueryResults") => logs_insights::get_query_results(door, call),
        ("logs", "StopQuery") => logs_insights::stop_query(door, call),
        ("logs", "DescribeQueries") => logs_insights::describe_queries(door, call),
        ("logs", "FilterLogEvents") => log_groups::filter_log_events(door, call).await,
        ("sns", "Publish") => publish(door, call).await,
        _ => Ok(forward(door, call).await),
    };
    served.unwrap_or_else(|refusal| call.refuse(&refusal))
}

/// Reads metrics once moto knows them.
async fn read_metrics(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    let lost =
        |error| Refusal::new(500, "InternalServiceError", &format!("metrics are lost: {error}"));
    nat_metrics::tell(door, call).await.map_err(lost)?;
    service_metrics::tell(door, call).await.map_err(lost)?;
    Ok(forward(door, call).await)
}

async fn publish(door: &Door, call: &AwsCall) -> Result<Answer, Refusal> {
    sns::check_publish(call)?;
    let answer = forward(door, call).await;
    if answer.status().is_success() {
        mailbox::deliver(door, call).await;
    }
    Ok(answer)
}

/// Passes a call on to moto.
pub(crate) async fn forward(door: &Door, call: &AwsCall) -> Answer {
    let speaks_cbor = call.protocol == Protocol::Cbor;
    let http = if speaks_cbor { cbor::as_json_call(call) } else { call.http.clone() };
    match door.moto.forward(http).await {
        Ok(answer) if speaks_cbor => cbor::of_json_answer(answer),
        Ok(answer) => answer,
        Err(error) => {
            call.refuse(&Refusal::new(502, "ServiceUnavailable", &format!("moto: {error}")))
        }
    }
}

fn record(door: &Door, call: &AwsCall, answer: &Answer, began: Instant) {
    let mut fields = json!({
        "service": call.service,
        "operation": call.operation,
        "region": call.region,
        "status": answer.status().as_u16(),
        "took_ms": began.elapsed().as_millis(),
        "request_id": call.request_id,
        "caller": door.callers.name_of(&call.access_key),
    });
    if let Value::Object(fields) = &mut fields {
        if let Some(code) = error_code(answer) {
            fields.insert("error".to_owned(), json!(code));
        }
        fields.extend(flow_logs::summary(call, answer));
        fields.extend(summary(call));
    }
    door.journal.record("api-call", fields);
}

/// Parameters that say what a call is about, and the names under which the journal has them.
const TELLING: [(&str, &str); 12] = [
    ("AlarmName", "alarm"),
    ("StateValue", "state"),
    ("TableName", "table"),
    ("Key", "key"),
    ("FunctionName", "function"),
    ("TopicArn", "topic"),
    ("Subject", "subject"),
    ("stateMachineArn", "state_machine"),
    ("executionArn", "execution"),
    ("logGroupName", "log_group"),
    ("queryId", "query_id"),
    ("queryString", "query_string"),
];

fn summary(call: &AwsCall) -> Vec<(String, Value)> {
    let telling = TELLING.iter().filter_map(|(parameter, name)| {
        let structured = call.parameters.value(parameter).cloned();
        let value = structured.or_else(|| call.parameters.text(parameter).map(Value::from))?;
        Some(((*name).to_owned(), value))
    });
    let function = call.function_in_path().map(|name| ("function".to_owned(), Value::from(name)));
    telling.chain(function).collect()
}
