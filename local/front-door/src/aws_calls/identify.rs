//! Which operation a request asks for.

use hyper::Method;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::{AwsCall, HttpCall, Parameters, Protocol};

const DEFAULT_REGION: &str = "us-east-1";

/// What a signature's `Credential=KEY/DATE/REGION/SERVICE/aws4_request` says.
struct Credential {
    access_key: String,
    region: String,
    service: String,
}

pub(super) fn identify(http: HttpCall) -> AwsCall {
    let credential = credential(&http);
    let (service, protocol, operation, parameters) = read(&http, &credential.service);
    AwsCall {
        service,
        operation,
        region: credential.region,
        access_key: credential.access_key,
        protocol,
        parameters,
        request_id: Uuid::new_v4().to_string(),
        http,
    }
}

fn credential(http: &HttpCall) -> Credential {
    let scope = http
        .header("authorization")
        .and_then(|header| header.split_once("Credential="))
        .map_or(String::new(), |(_, rest)| rest.split([',', ' ']).next().unwrap_or("").to_owned());
    let scope = if scope.is_empty() { presigned_scope(http) } else { scope };
    // A key may contain slashes no more than the rest may: the scope is five parts.
    let mut parts = scope.split('/');
    let access_key = parts.next().unwrap_or_default().to_owned();
    let region = parts.nth(1).unwrap_or(DEFAULT_REGION).to_owned();
    let service = parts.next().unwrap_or_default().to_owned();
    Credential { access_key, region, service }
}

fn presigned_scope(http: &HttpCall) -> String {
    let query = http.uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "X-Amz-Credential")
        .map_or(String::new(), |(_, scope)| scope.into_owned())
}

fn read(http: &HttpCall, signed_for: &str) -> (String, Protocol, String, Parameters) {
    if let Some((target, operation)) =
        http.header("x-amz-target").and_then(|target| target.rsplit_once('.'))
    {
        let service = if signed_for.is_empty() { service_of_target(target) } else { signed_for };
        let parameters = Parameters::of_json(&http.body);
        return (service_name(service), Protocol::Json, operation.to_owned(), parameters);
    }
    if let Some((target, operation)) = rpc_v2_operation(http.uri.path()) {
        let service = if signed_for.is_empty() { service_of_target(target) } else { signed_for };
        let parameters = Parameters::of_cbor(&http.body);
        return (service_name(service), Protocol::Cbor, operation.to_owned(), parameters);
    }
    if let Some((parameters, action)) = query_action(http) {
        let protocol = if signed_for == "ec2" { Protocol::Ec2 } else { Protocol::Query };
        return (service_name(signed_for), protocol, action, parameters);
    }
    let parameters = Parameters::of_json(&http.body);
    match signed_for {
        "lambda" => {
            let operation = lambda_operation(&http.method, http.uri.path());
            ("lambda".to_owned(), Protocol::RestJson, operation, parameters)
        }
        "scheduler" => {
            let operation = scheduler_operation(&http.method, http.uri.path());
            ("scheduler".to_owned(), Protocol::RestJson, operation, parameters)
        }
        "s3" | "" => {
            ("s3".to_owned(), Protocol::RestXml, s3_operation(http), Parameters::of_form(b""))
        }
        other => (service_name(other), Protocol::RestJson, method_and_path(http), parameters),
    }
}

/// boto3's client name for the name in a signature or in a fault.
pub(crate) fn service_name(signed_for: &str) -> String {
    match signed_for {
        "monitoring" => "cloudwatch",
        "states" | "sfn" => "stepfunctions",
        other => other,
    }
    .to_owned()
}

/// The service of an unsigned call.
fn service_of_target(target: &str) -> &str {
    match target {
        "GraniteServiceVersion20100801" => "cloudwatch",
        "AWSEvents" => "events",
        "AWSStepFunctions" => "stepfunctions",
        "AmazonSQS" => "sqs",
        _ if target.starts_with("Logs_") => "logs",
        _ if target.starts_with("DynamoDB") => "dynamodb",
        other => other,
    }
}

pub(super) fn rpc_v2_operation(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("/service/")?.split_once("/operation/")
}

fn query_action(http: &HttpCall) -> Option<(Parameters, String)> {
    let is_form = http
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let text = match http.method {
        Method::POST if is_form => http.body.as_ref(),
        Method::GET => http.uri.query().unwrap_or_default().as_bytes(),
        _ => return None,
    };
    let parameters = Parameters::of_form(text);
    let action = parameters.text("Action")?;
    Some((parameters, action))
}

fn method_and_path(http: &HttpCall) -> String {
    format!("{} {}", http.method, http.uri.path())
}

/// The names of the operations on functions; the API's dates in the paths differ.
fn lambda_operation(method: &Method, path: &str) -> String {
    let resource = path.trim_matches('/').split_once('/').map_or("", |(_, resource)| resource);
    let parts: Vec<_> = resource.split('/').collect();
    let operation = match (method.as_str(), parts.as_slice()) {
        ("POST", ["functions", _, "invocations"]) => "Invoke",
        ("POST", ["functions"]) => "CreateFunction",
        ("GET", ["functions"]) => "ListFunctions",
        ("GET", ["functions", _]) => "GetFunction",
        ("DELETE", ["functions", _]) => "DeleteFunction",
        ("PUT", ["functions", _, "code"]) => "UpdateFunctionCode",
        ("GET", ["functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("PUT", ["functions", _, "configuration"]) => "UpdateFunctionConfiguration",
        ("PUT", ["functions", _, "event-invoke-config"]) => "PutFunctionEventInvokeConfig",
        ("GET", ["functions", _, "event-invoke-config"]) => "GetFunctionEventInvokeConfig",
        ("DELETE", ["functions", _, "event-invoke-config"]) => "DeleteFunctionEventInvokeConfig",
        ("POST", ["functions", _, "policy"]) => "AddPermission",
        ("GET", ["functions", _, "policy"]) => "GetPolicy",
        ("DELETE", ["functions", _, "policy", _]) => "RemovePermission",
        ("POST", ["event-source-mappings"]) => "CreateEventSourceMapping",
        _ => return format!("{method} {path}"),
    };
    operation.to_owned()
}

fn scheduler_operation(method: &Method, path: &str) -> String {
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    let operation = match (method.as_str(), parts.as_slice()) {
        ("GET", ["schedules"]) => "ListSchedules",
        ("POST", ["schedules", _]) => "CreateSchedule",
        ("PUT", ["schedules", _]) => "UpdateSchedule",
        ("GET", ["schedules", _]) => "GetSchedule",
        ("DELETE", ["schedules", _]) => "DeleteSchedule",
        _ => return format!("{method} {path}"),
    };
    operation.to_owned()
}

/// What the query of a bucket's URL may ask for, and how the operations on it end.
const PARTS_OF_BUCKETS: [(&str, &str); 7] = [
    ("encryption", "BucketEncryption"),
    ("lifecycle", "BucketLifecycleConfiguration"),
    ("notification", "BucketNotificationConfiguration"),
    ("ownershipControls", "BucketOwnershipControls"),
    ("policy", "BucketPolicy"),
    ("publicAccessBlock", "PublicAccessBlock"),
    ("tagging", "BucketTagging"),
];

fn s3_operation(http: &HttpCall) -> String {
    let path = http.uri.path().trim_start_matches('/');
    let has_key = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    if let Some(operation) = (!has_key).then(|| operation_on_part(http)).flatten() {
        return operation;
    }
    let operation = match (http.method.as_str(), path.is_empty(), has_key) {
        ("GET", true, _) => "ListBuckets",
        ("PUT", false, false) => "CreateBucket",
        ("DELETE", false, false) => "DeleteBucket",
        ("HEAD", false, false) => "HeadBucket",
        ("GET", false, false) => "ListObjects",
        ("PUT", false, true) => "PutObject",
        ("GET", false, true) => "GetObject",
        ("HEAD", false, true) => "HeadObject",
        ("DELETE", false, true) => "DeleteObject",
        _ => return method_and_path(http),
    };
    operation.to_owned()
}

fn operation_on_part(http: &HttpCall) -> Option<String> {
    let verb = match http.method.as_str() {
        "GET" => "Get",
        "PUT" => "Put",
        "DELETE" => "Delete",
        _ => return None,
    };
    let asked = http.uri.query()?.split(['=', '&']).next()?;
    let (_, part) = PARTS_OF_BUCKETS.iter().find(|(name, _)| *name == asked)?;
    Some(format!("{verb}{part}"))
}

impl AwsCall {
    /// The name in `/…/functions/NAME/…`, percent-decoded: a name, a partial or a whole ARN.
    pub(crate) fn function_in_path(&self) -> Option<String> {
        let (_, rest) = self.http.uri.path().split_once("/functions/")?;
        let name = rest.split('/').next()?;
        Some(percent_decode_str(name).decode_utf8_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::HeaderMap;
    use serde_json::json;

    use super::*;

    fn call(method: &str, uri: &str, headers: &[(&'static str, &str)], body: &[u8]) -> AwsCall {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        AwsCall::identify(HttpCall {
            method: method.parse().unwrap(),
            uri: uri.parse().unwrap(),
            headers: map,
            body: Bytes::copy_from_slice(body),
        })
    }

    fn signed(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIAX/20260102/eu-west-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        )
    }

    #[test]
    fn understands_json() {
        let call = call(
            "POST",
            "/",
            &[
                ("authorization", &signed("monitoring")),
                ("x-amz-target", "GraniteServiceVersion20100801.SetAlarmState"),
            ],
            br#"{"AlarmName": "a/b"}"#,
        );
        assert_eq!(
            (call.service.as_str(), call.operation.as_str()),
            ("cloudwatch", "SetAlarmState")
        );
        assert_eq!((call.region.as_str(), call.access_key.as_str()), ("eu-west-1", "AKIAX"));
        assert_eq!(call.protocol, Protocol::Json);
        assert_eq!(call.parameters.text("AlarmName").as_deref(), Some("a/b"));
    }

    #[test]
    fn understands_cbor() {
        let mut body = Vec::new();
        ciborium::into_writer(&json!({"AlarmName": "a/b"}), &mut body).unwrap();
        let path = "/service/GraniteServiceVersion20100801/operation/SetAlarmState";
        let call = call("POST", path, &[("authorization", &signed("monitoring"))], &body);
        assert_eq!(
            (call.service.as_str(), call.operation.as_str()),
            ("cloudwatch", "SetAlarmState")
        );
        assert_eq!(call.protocol, Protocol::Cbor);
        assert_eq!(call.parameters.text("AlarmName").as_deref(), Some("a/b"));
    }

    #[test]
    fn understands_forms() {
        let headers: &[(&'static str, &str)] = &[
            ("authorization", &signed("ec2")),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ];
        let body = b"Action=DeleteFlowLogs&Version=2016-11-15&FlowLogId.1=fl-1";
        let call = call("POST", "/", headers, body);
        assert_eq!((call.service.as_str(), call.operation.as_str()), ("ec2", "DeleteFlowLogs"));
        assert_eq!(call.protocol, Protocol::Ec2);
        assert_eq!(call.parameters.texts("FlowLogId"), ["fl-1"]);
    }

    #[test]
    fn understands_functions_and_objects() {
        let path =
            "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af/invocations";
        let invoke = call("POST", path, &[("authorization", &signed("lambda"))], b"{}");
        assert_eq!((invoke.service.as_str(), invoke.operation.as_str()), ("lambda", "Invoke"));
        let name = invoke.function_in_path().unwrap();
        assert_eq!(name, "arn:aws:lambda:us-east-1:1:function:f");
        let put = call("PUT", "/bucket/a/key", &[("authorization", &signed("s3"))], b"x");
        assert_eq!((put.service.as_str(), put.operation.as_str()), ("s3", "PutObject"));
    }

    #[test]
    fn tells_the_parts_of_a_bucket_from_the_bucket() {
        for (method, uri, operation) in [
            ("GET", "/bucket?notification", "GetBucketNotificationConfiguration"),
            ("PUT", "/bucket/?policy=", "PutBucketPolicy"),
            ("GET", "/bucket?prefix=notification", "ListObjects"),
            ("PUT", "/bucket/key?tagging", "PutObject"),
            ("PUT", "/bucket", "CreateBucket"),
        ] {
            let call = call(method, uri, &[("authorization", &signed("s3"))], b"");
            assert_eq!(call.operation, operation, "{method} {uri}");
        }
    }
}
