//! A process's output: into the journal, and into the function's log group where it exists.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::platform::Platform;
use super::process::Failure;
use super::settings::FunctionSettings;
use crate::aws::{AwsClient, AwsError, LOGS};
use crate::journal::Journal;

/// As much of the log as an answer carries.
const TAIL_BYTES: usize = 4096;
/// Lines in one call to `PutLogEvents`.
const BATCH: usize = 1000;

/// Where a process's lines go.
pub(super) struct Output {
    function: String,
    platform: Platform,
    journal: Arc<Journal>,
    group: UnboundedSender<Value>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    request_id: Option<String>,
    tail: VecDeque<String>,
    tail_bytes: usize,
}

impl Output {
    /// Starts writing to `stream` of the function's log group.
    pub(super) fn start(
        function: &FunctionSettings,
        stream: String,
        moto: AwsClient,
        journal: Arc<Journal>,
    ) -> Self {
        let (group, lines) = mpsc::unbounded_channel();
        let writer = GroupWriter {
            moto,
            region: function.region.clone(),
            group: function.log_group.clone(),
            stream,
        };
        tokio::spawn(writer.run(lines));
        Self {
            function: function.name.clone(),
            platform: Platform::of(function),
            journal,
            group,
            state: Mutex::default(),
        }
    }

    /// From now on lines belong to this invocation.
    pub(super) fn begin(&self, request_id: &str) {
        let mut state = self.state.lock();
        *state = State { request_id: Some(request_id.to_owned()), ..State::default() };
        drop(state);
        self.platform_lines(&self.platform.start(request_id));
    }

    /// The invocation took this long, and failed perhaps.
    pub(super) fn end(&self, request_id: &str, took: Duration, failure: Option<&Failure>) {
        self.platform_lines(&self.platform.end(request_id, took, failure));
    }

    /// A line that the function wrote.
    pub(super) fn line(&self, line: &str) {
        let request_id = self.state.lock().request_id.clone();
        self.journal.record(
            "log",
            json!({"function": self.function, "request_id": request_id, "line": line}),
        );
        self.write(line);
    }

    /// Lines that Lambda itself writes, to the log group alone.
    fn platform_lines(&self, lines: &[String]) {
        for line in lines {
            self.write(line);
        }
    }

    fn write(&self, line: &str) {
        let mut state = self.state.lock();
        state.tail_bytes += line.len() + 1;
        state.tail.push_back(line.to_owned());
        while state.tail_bytes > TAIL_BYTES {
            let Some(first) = state.tail.pop_front() else { break };
            state.tail_bytes -= first.len() + 1;
        }
        let at = Timestamp::now().as_millisecond();
        // An error says that the writer is gone, at shutdown.
        let _ = self.group.send(json!({"timestamp": at, "message": line}));
    }

    /// The last 4 KiB of the current invocation's log.
    pub(super) fn tail(&self) -> String {
        let mut tail = String::new();
        for line in &self.state.lock().tail {
            tail.push_str(line);
            tail.push('\n');
        }
        tail
    }
}

struct GroupWriter {
    moto: AwsClient,
    region: String,
    group: String,
    stream: String,
}

impl GroupWriter {
    async fn run(self, mut lines: UnboundedReceiver<Value>) {
        let mut has_stream = false;
        let mut batch = Vec::new();
        while lines.recv_many(&mut batch, BATCH).await > 0 {
            let events = std::mem::take(&mut batch);
            match self.write(has_stream, events).await {
                Ok(()) => has_stream = true,
                // A function without a log group of its own logs to the journal alone.
                Err(error) if error.code() == "ResourceNotFoundException" => {}
                Err(error) => tracing::error!(group = self.group, %error, "log lines are lost"),
            }
        }
    }

    async fn write(&self, has_stream: bool, events: Vec<Value>) -> Result<(), AwsError> {
        let stream = json!({"logGroupName": self.group, "logStreamName": self.stream});
        if !has_stream {
            create_stream(&self.moto, &self.region, &stream).await?;
        }
        let mut parameters = stream;
        if let Value::Object(parameters) = &mut parameters {
            parameters.insert("logEvents".to_owned(), Value::Array(events));
        }
        self.moto.json(&self.region, LOGS, "PutLogEvents", &parameters).await?;
        Ok(())
    }
}

/// Creates a log stream (`{logGroupName, logStreamName}`) unless it exists.
pub(crate) async fn create_stream(
    moto: &AwsClient,
    region: &str,
    stream: &Value,
) -> Result<(), AwsError> {
    match moto.json(region, LOGS, "CreateLogStream", stream).await {
        Err(error) if error.code() != "ResourceAlreadyExistsException" => Err(error),
        _ => Ok(()),
    }
}
