//! What happens to an AWS API call: faults first, then the service, then the journal.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::aws_calls::{Answer, AwsCall, HttpCall, Refusal, error_code};
use crate::door::Door;
use crate::faults::Action;
use crate::{alarms, events, flow_logs, lambda, mailbox, nat_gateways, sns};

/// Answers a call; `None` closes the connection without an answer.
pub(crate) async fn handle(door: Arc<Door>, http: HttpCall) -> Option<Answer> {
    let call = AwsCall::identify(http);
    match strike(&door, &call).await {
        Struck::Answered(answer) => {
            record(&door, &call, &answer);
            Some(answer)
        }
        Struck::Not { lose_answer } => {
            let answer = serve(&door, &call).await;
            record(&door, &call, &answer);
            (!lose_answer).then_some(answer)
        }
    }
}

/// What the faults made of a call.
enum Struck {
    Answered(Answer),
    Not { lose_answer: bool },
}

async fn strike(door: &Door, call: &AwsCall) -> Struck {
    let mut already = Vec::new();
    while let Some(mut strike) = door.faults.strike(call, &already) {
        match &strike.action {
            Action::Error { status, code, message } => {
                return Struck::Answered(call.refuse(&Refusal::new(*status, code, message)));
            }
            Action::Unsuccessful { code, message } => {
                return Struck::Answered(flow_logs::unsuccessful(call, code, message));
            }
            Action::LoseAnswer(_) => return Struck::Not { lose_answer: true },
            Action::Hold(_) => {
                record_hold(door, call, "held", &strike.fault);
                strike.released().await;
                record_hold(door, call, "released", &strike.fault);
            }
        }
        already.push(strike.fault);
    }
    Struck::Not { lose_answer: false }
}

fn record_hold(door: &Door, call: &AwsCall, kind: &str, fault: &str) {
    let fields = json!({
        "fault": fault,
        "service": call.service,
        "operation": call.operation,
        "request_id": call.request_id,
        "caller": door.callers.name_of(&call.access_key),
    });
    door.journal.record(kind, fields);
}

/// Does what the service would do.
async fn serve(door: &Arc<Door>, call: &AwsCall) -> Answer {
    let served = match (call.service.as_str(), call.operation.as_str()) {
        ("lambda", "Invoke") => lambda::invoke(door, call).await,
        ("lambda", "CreateFunction" | "UpdateFunctionCode") => {
            door.functions.remember_code(call);
            Ok(forward(door, call).await)
        }
        ("events", "PutEvents") => events::put_events(door, call).await,
        ("events", "PutRule") => match events::check_rule(call) {
            Ok(()) => Ok(forward(door, call).await),
            Err(refusal) => Err(refusal),
        },
        ("cloudwatch", "SetAlarmState") => alarms::set_state(door, call).await,
        ("cloudwatch", "PutMetricAlarm") => alarms::put(door, call).await,
        ("cloudwatch", "DeleteAlarms") => alarms::delete(door, call).await,
        ("ec2", "CreateFlowLogs") => flow_logs::create(door, call).await,
        ("ec2", "DescribeNatGateways") => nat_gateways::describe(door, call).await,
        ("sns", "Publish") => publish(door, call).await,
        _ => Ok(forward(door, call).await),
    };
    served.unwrap_or_else(|refusal| call.refuse(&refusal))
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
    match door.moto.forward(call.http.clone()).await {
        Ok(answer) => answer,
        Err(error) => {
            call.refuse(&Refusal::new(502, "ServiceUnavailable", &format!("moto: {error}")))
        }
    }
}

fn record(door: &Door, call: &AwsCall, answer: &Answer) {
    let mut fields = json!({
        "service": call.service,
        "operation": call.operation,
        "region": call.region,
        "status": answer.status().as_u16(),
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
const TELLING: [(&str, &str); 10] = [
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
