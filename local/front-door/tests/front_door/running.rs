//! The front door as its users meet it: a process, its address, its journal.

use std::process::Stdio;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::moto::Moto;

/// Longer than anything here takes, shorter than anybody's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a call got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn error(&self) -> &str {
        self.headers.get("x-amzn-errortype").map_or("", |code| code.to_str().unwrap())
    }
}

/// A front door with its stub of moto.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) moto: Moto,
    /// Where it puts what it needs for a while.
    pub(crate) folder: TempDir,
    pub(crate) client: TestClient,
}

/// Calls a front door.
#[derive(Clone)]
pub(crate) struct TestClient {
    pub(crate) url: String,
    http: Client<HttpConnector, Full<Bytes>>,
}

impl Running {
    pub(crate) async fn start() -> Self {
        let moto = Moto::start().await;
        let folder = tempfile::tempdir().unwrap();
        // Not killed in the end: its standard input ends with this process at the latest.
        let mut child = Command::new(env!("CARGO_BIN_EXE_front-door"))
            .args(["--listen", "127.0.0.1:0", "--moto", &format!("http://{}", moto.address)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .env("TMPDIR", folder.path())
            .spawn()
            .unwrap();
        let mut first_line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first_line).await.unwrap();
        let url = first_line.trim().strip_prefix("listening on ").unwrap().to_owned();
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { child, moto, folder, client: TestClient { url, http } }
    }
}

impl TestClient {
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.http.request(request)).await;
        let (parts, body) = answer.expect("an answer in time")?.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }

    /// Calls a service with JSON and `X-Amz-Target`.
    pub(crate) async fn json(&self, service: &str, operation: &str, body: Value) -> Answer {
        let authorization = signed(service);
        let target = format!("Any_20260101.{operation}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-amz-target", &target),
            ("content-type", "application/x-amz-json-1.0"),
        ];
        self.send(Method::POST, "/", &headers, body.to_string()).await.unwrap()
    }

    /// Calls a service with a form.
    pub(crate) async fn form(&self, service: &str, form: &[(&str, &str)]) -> Result<Answer, Error> {
        let authorization = signed(service);
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ];
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(Method::POST, "/", &headers, body).await
    }

    /// Invokes a function and waits for its answer.
    pub(crate) async fn invoke(&self, function: &str, event: Value) -> Answer {
        self.invoke_as("RequestResponse", function, event).await.unwrap()
    }

    pub(crate) async fn invoke_as(
        &self,
        kind: &str,
        function: &str,
        event: Value,
    ) -> Result<Answer, Error> {
        let authorization = signed("lambda");
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-amz-invocation-type", kind),
            ("x-amz-log-type", "Tail"),
        ];
        let path = format!("/2015-03-31/functions/{function}/invocations");
        self.send(Method::POST, &path, &headers, event.to_string()).await
    }

    /// Uses the control API.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send(method, &format!("/_local{path}"), &headers, body.to_string()).await.unwrap()
    }

    /// Asks for a fault; answers its ID.
    pub(crate) async fn fault(&self, fault: Value) -> String {
        let answer = self.control(Method::POST, "/faults", fault).await.json();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// The first entry of the kind that has these members, past or to come.
    pub(crate) async fn wait_for(&self, kind: &str, members: Value) -> Value {
        let mut after = 0;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            let page = self.read_journal(after, 5).await;
            let found = page["events"]
                .as_array()
                .unwrap()
                .iter()
                .find(|entry| entry["kind"] == kind && has(entry, &members));
            if let Some(entry) = found {
                return entry.clone();
            }
            after = page["next"].as_u64().unwrap();
        }
        panic!("no {kind} with {members}: {:#}", self.read_journal(0, 0).await);
    }

    /// Every entry of the kind so far that has these members.
    pub(crate) async fn entries(&self, kind: &str, members: Value) -> Vec<Value> {
        let page = self.read_journal(0, 0).await;
        let entries = page["events"].as_array().unwrap().iter();
        entries.filter(|entry| entry["kind"] == kind && has(entry, &members)).cloned().collect()
    }

    async fn read_journal(&self, after: u64, wait: u64) -> Value {
        let path = format!("/events?after={after}&wait={wait}");
        self.control(Method::GET, &path, json!(null)).await.json()
    }
}

/// Whether `entry` has all members of `members`, however deep.
fn has(entry: &Value, members: &Value) -> bool {
    match members {
        Value::Object(members) => members.iter().all(|(name, value)| has(&entry[name], value)),
        other => entry == other,
    }
}

fn signed(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAX/20260102/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}
