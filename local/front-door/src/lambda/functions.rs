//! The functions' processes: one per concurrent invocation, used again while they are warm.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use uuid::Uuid;

use super::code::{CodeError, CodeStore};
use super::logs::Output;
use super::process::{self, Failure, Kill, Live, Process};
use super::settings::FunctionSettings;
use crate::aws::AwsClient;
use crate::aws_calls::AwsCall;
use crate::callers::Callers;
use crate::faults::Moment;
use crate::journal::Journal;

/// One invocation as it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: String,
    /// `RequestResponse` or `Event`.
    pub(crate) kind: &'static str,
    /// From 1; an asynchronous invocation that fails is tried again.
    pub(crate) attempt: u32,
    pub(crate) payload: Bytes,
    /// When its process is killed.
    pub(crate) kill: Option<Moment>,
}

/// What became of an invocation.
pub(crate) struct Finished {
    /// The function's answer, or what its caller gets instead.
    pub(crate) result: Result<Bytes, Failure>,
    /// The end of its log.
    pub(crate) tail: String,
}

/// Runs functions.
pub(crate) struct Functions {
    endpoint: String,
    moto: AwsClient,
    callers: Arc<Callers>,
    journal: Arc<Journal>,
    code: CodeStore,
    idle: Mutex<HashMap<String, Vec<Process>>>,
    live: Arc<Live>,
}

impl Functions {
    /// Functions that call AWS at `address`.
    pub(crate) fn new(
        address: SocketAddr,
        moto: AwsClient,
        callers: Arc<Callers>,
        journal: Arc<Journal>,
    ) -> std::io::Result<Self> {
        Ok(Self {
            endpoint: format!("http://{address}"),
            moto,
            callers,
            journal,
            code: CodeStore::new()?,
            idle: Mutex::default(),
            live: Arc::new(Live::new()),
        })
    }

    /// Keeps inline code, which moto does not give back.
    pub(crate) fn remember_code(&self, call: &AwsCall) {
        let parameters = &call.parameters;
        let nested = parameters.value("Code").and_then(|code| code.get("ZipFile"));
        if let Some(zip_file) = nested.or(parameters.value("ZipFile")).and_then(Value::as_str) {
            self.code.remember(zip_file);
        }
    }

    /// Kills every process, and returns when they and their code are gone.
    pub(crate) async fn stop(&self) {
        self.live.close().await;
        if let Err(error) = self.code.remove() {
            tracing::error!(%error, "the functions' code is left behind");
        }
    }

    /// Whether a process of a function calls with this key.
    pub(crate) fn calls_with(&self, access_key: &str) -> bool {
        self.live.process_of(access_key).is_some()
    }

    /// Kills the process that calls with this key.
    pub(crate) fn kill(&self, access_key: &str) {
        if let Some(pid) = self.live.process_of(access_key) {
            self.live.kill(pid);
        }
    }

    /// Has the process that calls with this key killed at its next call, or when it would answer.
    pub(crate) fn condemn(&self, access_key: &str) {
        if let Some(pid) = self.live.process_of(access_key) {
            self.live.condemn(pid);
        }
    }

    /// Kills the process that calls with this key if it was condemned; tells whether it was.
    pub(crate) fn kill_if_condemned(&self, access_key: &str) -> bool {
        let process = self.live.process_of(access_key);
        let condemned = process.filter(|pid| self.live.is_condemned(*pid));
        condemned.inspect(|pid| self.live.kill(*pid)).is_some()
    }

    /// Runs an invocation to its end.
    pub(crate) async fn run(
        &self,
        function: &FunctionSettings,
        request: &Request,
    ) -> Result<Finished, CodeError> {
        let began = Instant::now();
        let about = json!({
            "function": function.name,
            "request_id": request.id,
            "type": request.kind,
            "attempt": request.attempt,
        });
        self.journal.record("invocation-start", about.clone());
        let finished = self.run_in_process(function, request).await;
        let mut fields = about;
        if let Value::Object(fields) = &mut fields {
            fields.extend(outcome(&finished));
            fields.insert("duration_ms".to_owned(), json!(began.elapsed().as_millis()));
        }
        self.journal.record("invocation-end", fields);
        finished
    }

    async fn run_in_process(
        &self,
        function: &FunctionSettings,
        request: &Request,
    ) -> Result<Finished, CodeError> {
        let request_id = &request.id;
        let mut process = match self.warm(function) {
            Some(process) => process,
            None => self.cold(function).await?,
        };
        process.output.begin(request_id);
        let began = Instant::now();
        let kill = request.kill.map(|moment| match moment {
            Moment::Before => Kill::AtOnce,
            Moment::During => Kill::AtItsNextSign,
            Moment::After => Kill::WhenItAnswers,
        });
        let result = process.invoke(request_id, request.payload.clone(), kill).await;
        process.output.end(request_id, began.elapsed(), result.as_ref().err());
        let tail = process.output.tail();
        if process.is_warm() {
            self.idle.lock().entry(function.name.clone()).or_default().push(process);
        }
        Ok(Finished { result, tail })
    }

    /// A process that waits for an invocation. Those with an older configuration are killed.
    fn warm(&self, function: &FunctionSettings) -> Option<Process> {
        let mut idle = self.idle.lock();
        let processes = idle.get_mut(&function.name)?;
        processes.retain_mut(|process| process.settings == *function && process.is_warm());
        processes.pop()
    }

    async fn cold(&self, function: &FunctionSettings) -> Result<Process, CodeError> {
        let code = self.code.folder_of(&self.moto, function).await?;
        let date = Timestamp::now().strftime("%Y/%m/%d");
        let stream = format!("{date}/[$LATEST]{}", Uuid::new_v4().simple());
        let access_key = self.callers.new_access_key(&function.name);
        let environment = process::environment(function, &self.endpoint, &access_key, &stream);
        let journal = Arc::clone(&self.journal);
        let output = Output::start(function, stream, self.moto.clone(), journal);
        let live = Arc::clone(&self.live);
        let process =
            Process::start(function.clone(), &code, &access_key, environment, output, live).await;
        process.map_err(|source| CodeError::Start { function: function.name.clone(), source })
    }
}

fn outcome(finished: &Result<Finished, CodeError>) -> Vec<(String, Value)> {
    let fields = match finished {
        Ok(Finished { result: Ok(_), .. }) => vec![("outcome", json!("ok"))],
        Ok(Finished { result: Err(failure), .. }) => {
            let body: Value = serde_json::from_slice(&failure.body).unwrap_or_default();
            vec![
                ("outcome", json!(failure.outcome)),
                ("error_type", json!(failure.error_type)),
                ("error_message", body.get("errorMessage").cloned().unwrap_or_default()),
            ]
        }
        Err(error) => vec![
            ("outcome", json!("crash")),
            ("error_type", json!("Lambda.Code")),
            ("error_message", json!(error.to_string())),
        ],
    };
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
