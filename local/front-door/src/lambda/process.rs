//! One process of a function: started cold, kept warm, killed when it times out.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

use super::logs::Output;
use super::runtime_api::{self, Invocation, RuntimeEvent};
use super::settings::FunctionSettings;

/// Lambda's limit for the time until a runtime asks for its first invocation.
const INIT_LIMIT: Duration = Duration::from_secs(10);
/// How long the last lines of a process that is gone are waited for: a process of its own that
/// it left behind may keep the pipe open.
const LAST_LINES: Duration = Duration::from_millis(500);
/// Another process that is just being started may still hold the program open for writing.
const STARTS: u32 = 20;

/// The processes that run. Closed at shutdown: nothing is started any more.
pub(super) struct Live {
    groups: watch::Sender<Groups>,
}

#[derive(Default)]
struct Groups {
    pids: Vec<i32>,
    /// Processes by the access keys that they call with.
    keys: HashMap<String, i32>,
    /// Processes that are killed at their next call, or when they would answer.
    condemned: HashSet<i32>,
    is_closed: bool,
}

impl Live {
    pub(super) fn new() -> Self {
        Self { groups: watch::Sender::new(Groups::default()) }
    }

    /// Counts the process in, or kills it if it comes too late.
    fn add(&self, pid: i32, access_key: &str) {
        self.groups.send_modify(|groups| {
            groups.pids.push(pid);
            groups.keys.insert(access_key.to_owned(), pid);
            if groups.is_closed {
                kill(pid);
            }
        });
    }

    fn remove(&self, pid: i32) {
        self.groups.send_modify(|groups| {
            groups.pids.retain(|live| *live != pid);
            groups.keys.retain(|_, live| *live != pid);
            groups.condemned.remove(&pid);
        });
    }

    /// The process that calls with this key, while it runs.
    pub(super) fn process_of(&self, access_key: &str) -> Option<i32> {
        self.groups.borrow().keys.get(access_key).copied()
    }

    /// Has the process killed at its next call, or when it would answer.
    pub(super) fn condemn(&self, pid: i32) {
        self.groups.send_modify(|groups| {
            if groups.pids.contains(&pid) {
                groups.condemned.insert(pid);
            }
        });
    }

    pub(super) fn is_condemned(&self, pid: i32) -> bool {
        self.groups.borrow().condemned.contains(&pid)
    }

    /// Kills the process with its children, if it still runs.
    pub(super) fn kill(&self, pid: i32) {
        // Under the lock, so that the number cannot be another process's by now.
        self.groups.send_modify(|groups| {
            if groups.pids.contains(&pid) {
                kill(pid);
            }
        });
    }

    /// Kills all processes and returns when they are gone.
    pub(super) async fn close(&self) {
        self.groups.send_modify(|groups| {
            groups.is_closed = true;
            groups.pids.iter().copied().for_each(kill);
        });
        let mut groups = self.groups.subscribe();
        let _ = tokio::time::timeout(
            Duration::from_secs(5),
            groups.wait_for(|groups| groups.pids.is_empty()),
        )
        .await;
    }
}

/// Kills a process group.
fn kill(pid: i32) {
    // An error says that nobody is left.
    let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
}

/// How an invocation failed, and the JSON that its caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// `error`, `timeout` or `crash`, for the journal.
    pub(crate) outcome: &'static str,
    pub(crate) error_type: String,
    pub(crate) body: Bytes,
}

impl Failure {
    /// A failure in Lambda's own words.
    pub(super) fn of_lambda(
        outcome: &'static str,
        error_type: &str,
        request_id: &str,
        message: &str,
    ) -> Self {
        let message = format!("RequestId: {request_id} Error: {message}");
        let body = json!({"errorType": error_type, "errorMessage": message}).to_string();
        Self { outcome, error_type: error_type.to_owned(), body: body.into() }
    }

    fn of_runtime(error_type: Option<String>, body: Bytes) -> Self {
        let document: Value = serde_json::from_slice(&body).unwrap_or_default();
        let in_body = document.get("errorType").and_then(Value::as_str).map(str::to_owned);
        let error_type = in_body.or(error_type).unwrap_or_else(|| "Unhandled".to_owned());
        Self { outcome: "error", error_type, body }
    }

    fn of_exit(request_id: &str, status: ExitStatus) -> Self {
        let message = if status.success() {
            "Runtime exited without providing a reason".to_owned()
        } else {
            format!("Runtime exited with error: {status}")
        };
        Self::of_lambda("crash", "Runtime.ExitError", request_id, &message)
    }

    fn of_timeout(request_id: &str, limit: Duration) -> Self {
        let message = format!("Task timed out after {:.2} seconds", limit.as_secs_f64());
        Self::of_lambda("timeout", "Sandbox.Timedout", request_id, &message)
    }
}

/// A process of a function and its Runtime API. Dropping it kills it.
pub(super) struct Process {
    pub(super) settings: FunctionSettings,
    pub(super) output: Arc<Output>,
    pid: i32,
    live: Arc<Live>,
    api: AbortHandle,
    invocations: UnboundedSender<Invocation>,
    events: UnboundedReceiver<RuntimeEvent>,
    /// Whether it has asked for the next invocation.
    is_ready: bool,
    is_gone: bool,
    /// Whether it is killed when it would answer.
    must_not_answer: bool,
}

/// When a process is killed in an invocation.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kill {
    AtOnce,
    /// At its next API call, or when it would answer.
    AtItsNextSign,
    WhenItAnswers,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.api.abort();
        self.live.kill(self.pid);
    }
}

impl Process {
    /// Starts `bootstrap` in `code` with this environment besides the Runtime API's address.
    pub(super) async fn start(
        settings: FunctionSettings,
        code: &Path,
        access_key: &str,
        environment: Vec<(String, String)>,
        output: Output,
        live: Arc<Live>,
    ) -> std::io::Result<Self> {
        let (invocations, to_process) = mpsc::unbounded_channel();
        let (from_process, events) = mpsc::unbounded_channel();
        let (address, api) = runtime_api::serve(from_process.clone(), to_process).await?;
        let mut command = Command::new(code.join("bootstrap"));
        command
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("LAMBDA_TASK_ROOT", code)
            .current_dir(code)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: killed as a whole, and not by a Ctrl-C meant for the demo.
            .process_group(0)
            .kill_on_drop(true);
        let child = spawn(&mut command).await.inspect_err(|_| api.abort())?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        live.add(pid, access_key);
        let output = Arc::new(output);
        tokio::spawn(watch_child(child, pid, Arc::clone(&output), Arc::clone(&live), from_process));
        Ok(Self {
            settings,
            output,
            pid,
            live,
            api,
            invocations,
            events,
            is_ready: false,
            is_gone: false,
            must_not_answer: false,
        })
    }

    /// Whether it can take another invocation. Without waiting: a warm process has asked.
    pub(super) fn is_warm(&mut self) -> bool {
        while let Ok(event) = self.events.try_recv() {
            match event {
                RuntimeEvent::Exited(_) => self.is_gone = true,
                RuntimeEvent::Ready => self.is_ready = true,
                _ => {}
            }
        }
        self.is_ready && !self.is_gone
    }

    /// Runs one invocation. The process may be used again if [`Process::is_warm`] says so.
    pub(super) async fn invoke(
        &mut self,
        request_id: &str,
        payload: Bytes,
        kill: Option<Kill>,
    ) -> Result<Bytes, Failure> {
        self.initialise(request_id).await?;
        match kill {
            Some(Kill::AtOnce) => {
                self.live.kill(self.pid);
                return self.answer(request_id).await;
            }
            Some(Kill::AtItsNextSign) => self.live.condemn(self.pid),
            Some(Kill::WhenItAnswers) => self.must_not_answer = true,
            None => {}
        }
        let limit = self.settings.timeout;
        let deadline = Instant::now() + limit;
        self.hand_over(request_id, payload, limit);
        let answer = tokio::time::timeout_at(deadline, self.answer(request_id)).await;
        let Ok(answer) = answer else { return Err(self.time_out(request_id, limit)) };
        // An invocation ends when the runtime asks for the next one, as on AWS: whoever calls
        // twice in a row meets the same process.
        if tokio::time::timeout_at(deadline, self.next_ready()).await.is_err() {
            return Err(self.time_out(request_id, limit));
        }
        answer
    }

    /// Waits until the runtime has asked for its first invocation.
    async fn initialise(&mut self, request_id: &str) -> Result<(), Failure> {
        if self.is_ready {
            return Ok(());
        }
        match tokio::time::timeout(INIT_LIMIT, self.first_ready(request_id)).await {
            Ok(initialised) => initialised,
            Err(_) => Err(self.time_out(request_id, INIT_LIMIT)),
        }
    }

    async fn first_ready(&mut self, request_id: &str) -> Result<(), Failure> {
        let mut failure = None;
        while !self.is_ready {
            match self.event().await {
                Some(RuntimeEvent::Ready) => self.is_ready = true,
                Some(RuntimeEvent::InitError { error_type, body }) => {
                    failure = Some(Failure::of_runtime(error_type, body));
                }
                Some(RuntimeEvent::Exited(status)) => {
                    return Err(failure.unwrap_or_else(|| Failure::of_exit(request_id, status)));
                }
                Some(_) => {}
                None => return Err(Self::vanished(request_id)),
            }
        }
        Ok(())
    }

    fn hand_over(&mut self, request_id: &str, payload: Bytes, limit: Duration) {
        let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
        let deadline = Timestamp::now().saturating_add(limit);
        let invocation = Invocation {
            request_id: request_id.to_owned(),
            deadline_ms: deadline.map_or(i64::MAX, Timestamp::as_millisecond),
            function_arn: self.settings.arn.clone(),
            payload,
        };
        self.is_ready = false;
        // An error says that the process is gone: the events tell.
        let _ = self.invocations.send(invocation);
    }

    async fn answer(&mut self, request_id: &str) -> Result<Bytes, Failure> {
        loop {
            match self.event().await {
                Some(RuntimeEvent::Response(_) | RuntimeEvent::Error { .. })
                    if self.must_not_answer || self.live.is_condemned(self.pid) =>
                {
                    self.live.kill(self.pid);
                }
                Some(RuntimeEvent::Response(body)) => return Ok(body),
                Some(
                    RuntimeEvent::Error { error_type, body }
                    | RuntimeEvent::InitError { error_type, body },
                ) => return Err(Failure::of_runtime(error_type, body)),
                Some(RuntimeEvent::Exited(status)) => {
                    return Err(Failure::of_exit(request_id, status));
                }
                Some(RuntimeEvent::Ready) => {}
                None => return Err(Self::vanished(request_id)),
            }
        }
    }

    async fn next_ready(&mut self) {
        while !self.is_ready && !self.is_gone {
            match self.event().await {
                Some(RuntimeEvent::Ready) => self.is_ready = true,
                Some(_) => {}
                None => self.is_gone = true,
            }
        }
    }

    async fn event(&mut self) -> Option<RuntimeEvent> {
        let event = self.events.recv().await;
        if let Some(RuntimeEvent::Exited(_)) = event {
            self.is_gone = true;
        }
        event
    }

    fn time_out(&mut self, request_id: &str, limit: Duration) -> Failure {
        self.live.kill(self.pid);
        self.is_gone = true;
        Failure::of_timeout(request_id, limit)
    }

    fn vanished(request_id: &str) -> Failure {
        Failure::of_lambda("crash", "Runtime.Unknown", request_id, "the runtime is gone")
    }
}

async fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let mut attempt = 1;
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == std::io::ErrorKind::ExecutableFileBusy && attempt < STARTS =>
            {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            outcome => return outcome,
        }
    }
}

/// Passes on what the process writes, and tells when it is gone.
async fn watch_child(
    mut child: Child,
    pid: i32,
    output: Arc<Output>,
    live: Arc<Live>,
    events: UnboundedSender<RuntimeEvent>,
) {
    let stdout = child.stdout.take().map(|pipe| read_lines(pipe, Arc::clone(&output)));
    let stderr = child.stderr.take().map(|pipe| read_lines(pipe, output));
    let status = child.wait().await;
    live.remove(pid);
    let last_lines = async {
        for reader in [stdout, stderr].into_iter().flatten() {
            let _ = reader.await;
        }
    };
    // What is written after that belongs to nobody's answer.
    let _ = tokio::time::timeout(LAST_LINES, last_lines).await;
    if let Ok(status) = status {
        let _ = events.send(RuntimeEvent::Exited(status));
    }
}

fn read_lines(
    pipe: impl AsyncRead + Unpin + Send + 'static,
    output: Arc<Output>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(pipe).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            output.line(String::from_utf8_lossy(&line).trim_end_matches('\r'));
        }
    })
}

/// The environment of a function: its own variables, and Lambda's.
pub(super) fn environment(
    function: &FunctionSettings,
    endpoint: &str,
    access_key: &str,
    log_stream: &str,
) -> Vec<(String, String)> {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let memory = function.memory_mb.to_string();
    let ranges = format!("{endpoint}{}", crate::address_ranges::PATH);
    // Like nothing else, so that they are found wherever they are logged.
    let secret = format!("secret-of-{access_key}");
    let session = format!("session-of-{access_key}");
    let lambdas = [
        ("PATH", path.as_str()),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
        ("_HANDLER", &function.handler),
        ("AWS_REGION", &function.region),
        ("AWS_DEFAULT_REGION", &function.region),
        ("AWS_ENDPOINT_URL", endpoint),
        // No AWS variable: nothing here may depend on the internet.
        ("IP_RANGES_URL", &ranges),
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_SECRET_ACCESS_KEY", &secret),
        ("AWS_SESSION_TOKEN", &session),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &function.log_group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream),
    ];
    let own = function.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
    own.chain(lambdas.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}
