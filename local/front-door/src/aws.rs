//! Calls that the front door makes itself: to moto, or to its own address on behalf of
//! EventBridge, so that they are seen and can fail as anybody's calls.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{HeaderMap, Method, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::aws_calls::{Answer, HttpCall, error_code};

/// Headers about one connection, which a proxy does not pass on.
const HOP_BY_HOP: [HeaderName; 6] = [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AwsError {
    /// The service answered with an error.
    #[error("{code} (status {status}): {message}")]
    Service { status: u16, code: String, message: String },
    /// There was no answer.
    #[error("no answer: {0}")]
    Transport(String),
    /// The answer is not what was expected.
    #[error("unexpected answer: {0}")]
    Answer(String),
}

impl AwsError {
    /// The service's error code, or a name for what happened instead.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Service { code, .. } => code,
            Self::Transport(_) => "NoAnswer",
            Self::Answer(_) => "UnexpectedAnswer",
        }
    }

    /// Whether AWS would try again: throttling, a server's fault, no answer.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Service { status, code, .. } => {
                *status >= 500
                    || *status == 429
                    || code.contains("Throttl")
                    || code.contains("LimitExceeded")
            }
            Self::Transport(_) => true,
            Self::Answer(_) => false,
        }
    }
}

/// A service that speaks JSON with `X-Amz-Target`.
#[derive(Clone, Copy)]
pub(crate) struct JsonService {
    /// The name in signatures.
    pub(crate) signed_as: &'static str,
    pub(crate) target: &'static str,
    /// `1.0` or `1.1`.
    pub(crate) version: &'static str,
}

pub(crate) const CLOUDWATCH: JsonService = JsonService {
    signed_as: "monitoring",
    target: "GraniteServiceVersion20100801",
    version: "1.0",
};
pub(crate) const EVENTS: JsonService =
    JsonService { signed_as: "events", target: "AWSEvents", version: "1.1" };
pub(crate) const LOGS: JsonService =
    JsonService { signed_as: "logs", target: "Logs_20140328", version: "1.1" };
pub(crate) const SQS: JsonService =
    JsonService { signed_as: "sqs", target: "AmazonSQS", version: "1.0" };
pub(crate) const STATES: JsonService =
    JsonService { signed_as: "states", target: "AWSStepFunctions", version: "1.0" };

/// A client for one address, under one name.
#[derive(Clone)]
pub(crate) struct AwsClient {
    http: Client<HttpConnector, Full<Bytes>>,
    authority: Authority,
    access_key: String,
}

impl AwsClient {
    pub(crate) fn new(authority: Authority, access_key: String) -> Self {
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { http, authority, access_key }
    }

    /// Passes a call on as it is, `Host` included, so that the URLs in answers lead back here.
    pub(crate) async fn forward(&self, call: HttpCall) -> Result<Answer, AwsError> {
        let is_head = call.method == Method::HEAD;
        let mut call = call;
        call.uri = self.uri(call.uri.path_and_query().cloned())?;
        remove_hop_by_hop(&mut call.headers);
        call.headers.remove(CONTENT_LENGTH);
        let answer = self.http.request(call.into_request()).await;
        let (mut parts, body) = answer.map_err(transport)?.into_parts();
        let body = body.collect().await.map_err(transport)?.to_bytes();
        remove_hop_by_hop(&mut parts.headers);
        if !is_head {
            parts.headers.remove(CONTENT_LENGTH);
        }
        Ok(Answer::from_parts(parts, body))
    }

    /// Calls an operation of a JSON service.
    pub(crate) async fn json(
        &self,
        region: &str,
        service: JsonService,
        operation: &str,
        parameters: &Value,
    ) -> Result<Value, AwsError> {
        let mut headers = self.headers(region, service.signed_as)?;
        insert(&mut headers, "x-amz-target", &format!("{}.{operation}", service.target))?;
        let kind = format!("application/x-amz-json-{}", service.version);
        insert(&mut headers, CONTENT_TYPE.as_str(), &kind)?;
        let body = self.send(Method::POST, "/", headers, parameters.to_string().into()).await?;
        read_json(&body)
    }

    /// Calls an operation of a service with forms; answers the XML.
    pub(crate) async fn query(
        &self,
        region: &str,
        signed_as: &str,
        version: &str,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, AwsError> {
        let mut headers = self.headers(region, signed_as)?;
        insert(&mut headers, CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")?;
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", operation)
            .append_pair("Version", version)
            .extend_pairs(parameters)
            .finish();
        let body = self.send(Method::POST, "/", headers, form.into()).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Calls a REST operation.
    pub(crate) async fn rest(
        &self,
        region: &str,
        signed_as: &str,
        (method, path): (Method, &str),
        extra_headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Bytes, AwsError> {
        let mut headers = self.headers(region, signed_as)?;
        for (name, value) in extra_headers {
            insert(&mut headers, name, value)?;
        }
        self.send(method, path, headers, body).await
    }

    /// Calls a REST operation that answers JSON.
    pub(crate) async fn get_json(
        &self,
        region: &str,
        signed_as: &str,
        path: &str,
    ) -> Result<Value, AwsError> {
        let get = (Method::GET, path);
        read_json(&self.rest(region, signed_as, get, &[], Bytes::new()).await?)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Bytes, AwsError> {
        let uri = path.parse().map_err(transport)?;
        let answer = self.forward(HttpCall { method, uri, headers, body }).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(AwsError::Service {
            status: answer.status().as_u16(),
            code: error_code(&answer).unwrap_or_else(|| "Unknown".to_owned()),
            message: String::from_utf8_lossy(answer.body()).into_owned(),
        })
    }

    /// The headers by which moto and the front door tell service, region and caller. Nobody
    /// checks the signature.
    fn headers(&self, region: &str, signed_as: &str) -> Result<HeaderMap, AwsError> {
        let mut headers = HeaderMap::new();
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{region}/{signed_as}/aws4_request, \
             SignedHeaders=host, Signature=0",
            self.access_key
        );
        insert(&mut headers, AUTHORIZATION.as_str(), &credential)?;
        insert(&mut headers, HOST.as_str(), self.authority.as_str())?;
        Ok(headers)
    }

    fn uri(&self, path_and_query: Option<PathAndQuery>) -> Result<Uri, AwsError> {
        Uri::builder()
            .scheme(Scheme::HTTP)
            .authority(self.authority.clone())
            .path_and_query(path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/")))
            .build()
            .map_err(transport)
    }
}

/// The queue's URL at moto. `arn:aws:sqs:us-east-1:123456789012:name`.
pub(crate) async fn queue_url(client: &AwsClient, arn: &str) -> Result<String, AwsError> {
    let parts: Vec<_> = arn.split(':').collect();
    let [_, _, "sqs", region, account, name] = parts.as_slice() else {
        return Err(AwsError::Answer(format!("{arn} is no queue's ARN")));
    };
    let parameters = serde_json::json!({"QueueName": name, "QueueOwnerAWSAccountId": account});
    let answer = client.json(region, SQS, "GetQueueUrl", &parameters).await?;
    let url = answer.get("QueueUrl").and_then(Value::as_str).map(str::to_owned);
    url.ok_or_else(|| AwsError::Answer(answer.to_string()))
}

/// The region in an ARN.
pub(crate) fn region_of(arn: &str) -> &str {
    arn.split(':').nth(3).unwrap_or_default()
}

fn read_json(body: &Bytes) -> Result<Value, AwsError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|error| AwsError::Answer(error.to_string()))
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), AwsError> {
    let name: HeaderName = name.parse().map_err(transport)?;
    headers.insert(name, HeaderValue::from_str(value).map_err(transport)?);
    Ok(())
}

fn transport(error: impl std::error::Error) -> AwsError {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    AwsError::Transport(format!("{error}{cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_worth_another_try() {
        let service = |status, code: &str| AwsError::Service {
            status,
            code: code.to_owned(),
            message: String::new(),
        };
        assert!(service(400, "ThrottlingException").is_transient());
        assert!(service(503, "RequestLimitExceeded").is_transient());
        assert!(service(500, "ServiceException").is_transient());
        assert!(!service(400, "StateMachineDoesNotExist").is_transient());
        assert!(AwsError::Transport("refused".to_owned()).is_transient());
    }
}
