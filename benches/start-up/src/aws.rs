//! A local HTTPS server in place of AWS's endpoints. It answers the calls of one
//! recording that goes well, always with the same.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Result, bail};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::{
    http::{Request, Response},
    recording::{ALARM_AT_MS, EXECUTION, GATEWAY, RESERVED_AT_MS},
};

pub(crate) struct Aws {
    pub(crate) address: SocketAddr,
    calls: Arc<AtomicUsize>,
}

impl Aws {
    pub(crate) fn start(tls: Arc<ServerConfig>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        thread::spawn(move || accept(&listener, &tls, &counter));
        Ok(Self { address, calls })
    }

    /// Calls that were answered so far.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

fn accept(listener: &TcpListener, tls: &Arc<ServerConfig>, calls: &Arc<AtomicUsize>) {
    for connection in listener.incoming().flatten() {
        let (tls, calls) = (Arc::clone(tls), Arc::clone(calls));
        thread::spawn(move || {
            // What fails here is told by the function, which gets no answer.
            let _ = serve(connection, tls, &calls);
        });
    }
}

fn serve(connection: TcpStream, tls: Arc<ServerConfig>, calls: &AtomicUsize) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut connection = StreamOwned::new(ServerConnection::new(tls)?, connection);
    while let Some(request) = Request::read(&mut connection)? {
        answer(&request)?.write(&mut connection)?;
        calls.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn answer(request: &Request) -> Result<Response> {
    if let Some(target) = request.header("x-amz-target") {
        return json_answer(target);
    }
    if request.path.ends_with("/operation/GetMetricData") {
        return Ok(metrics());
    }
    let body = String::from_utf8_lossy(&request.body);
    let action = body.split('&').find_map(|pair| pair.strip_prefix("Action="));
    ec2_answer(action.unwrap_or_default())
}

fn json_answer(target: &str) -> Result<Response> {
    let body = match target {
        "DynamoDB_20120810.UpdateItem" => json!({ "Attributes": item() }),
        "DynamoDB_20120810.Scan" => json!({ "Items": [] }),
        "AWSStepFunctions.SendTaskSuccess" => json!({}),
        "AWSStepFunctions.ListExecutions" => json!({ "executions": [] }),
        _ => bail!("{target} is not a call of a recording that goes well"),
    };
    Ok(response("application/x-amz-json-1.0", body.to_string()))
}

/// No data points, in CBOR: a map of one member, an empty list.
fn metrics() -> Response {
    let mut body = vec![0xa1, 0x71];
    body.extend(b"MetricDataResults");
    body.push(0x80);
    let mut response = response("application/cbor", String::new());
    response.headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
    Response { body, ..response }
}

/// The gateway's item, as all that a recording writes leaves it.
fn item() -> serde_json::Value {
    json!({
        "natGatewayId": {"S": GATEWAY},
        "execution": {"S": EXECUTION},
        "phase": {"S": "recording"},
        "startedBy": {"S": "alarm"},
        "lastAlarmAt": {"N": ALARM_AT_MS.to_string()},
        "lastAlarmExecution": {"S": EXECUTION},
        "reservedAt": {"N": RESERVED_AT_MS.to_string()},
        "taskToken": {"S": "AQCEAAAAKgAAAAMAAAAAAAAAAdQKmdEcnJMhPnPpzkTPOjDxLRKhBZ7c"},
    })
}

fn ec2_answer(action: &str) -> Result<Response> {
    let content = match action {
        "DescribeNatGateways" => nat_gateways(),
        "CreateFlowLogs" => {
            "<flowLogIdSet><item>fl-0123456789abcdef0</item></flowLogIdSet><unsuccessful/>"
                .to_owned()
        }
        "DescribeFlowLogs" => flow_logs(),
        "DescribeVpcEndpoints" => "<vpcEndpointSet/>".to_owned(),
        "DeleteFlowLogs" => "<unsuccessful/>".to_owned(),
        _ => bail!("{action} is not a call of a recording that goes well"),
    };
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>8476a536</requestId>{content}</{action}Response>"#
    );
    Ok(response("text/xml;charset=UTF-8", body))
}

fn nat_gateways() -> String {
    format!(
        "<natGatewaySet><item>\
         <natGatewayId>{GATEWAY}</natGatewayId><state>available</state><vpcId>vpc-01</vpcId>\
         <availabilityMode>zonal</availabilityMode>\
         <natGatewayAddressSet><item><networkInterfaceId>eni-0123456789abcdef0</networkInterfaceId>\
         <privateIp>10.0.0.9</privateIp><publicIp>192.0.2.1</publicIp></item></natGatewayAddressSet>\
         <tagSet><item><key>Name</key><value>nat-a</value></item></tagSet>\
         </item></natGatewaySet>"
    )
}

fn flow_logs() -> String {
    "<flowLogSet><item><flowLogId>fl-0123456789abcdef0</flowLogId>\
     <resourceId>eni-0123456789abcdef0</resourceId><flowLogStatus>ACTIVE</flowLogStatus>\
     <deliverLogsStatus>SUCCESS</deliverLogsStatus></item></flowLogSet>"
        .to_owned()
}

fn response(content_type: &str, body: String) -> Response {
    Response {
        status: "200 OK",
        headers: vec![
            ("content-type", content_type.to_owned()),
            ("x-amzn-requestid", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ],
        body: body.into_bytes(),
    }
}
