//! The Lambda Runtime API, for one function process after another.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::Value;

use crate::http::{Request, Response};

const REQUEST_ID: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// How long a function may take; those that work take a thousandth of it.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct RuntimeApi {
    pub(crate) address: SocketAddr,
    invocation: Arc<Mutex<Option<Value>>>,
    answers: Receiver<Result<Answer>>,
}

/// What a function posted, and when it arrived.
pub(crate) struct Answer {
    pub(crate) at: Instant,
    pub(crate) body: Value,
}

impl RuntimeApi {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let invocation = Arc::new(Mutex::new(None));
        let (sender, answers) = mpsc::channel();
        let pending = Arc::clone(&invocation);
        thread::spawn(move || accept(&listener, &pending, &sender));
        Ok(Self { address, invocation, answers })
    }

    /// The next process that asks gets this event, and no other after it.
    pub(crate) fn offer(&self, event: &Value) -> Result<()> {
        let mut invocation =
            self.invocation.lock().map_err(|_| anyhow!("a connection panicked"))?;
        *invocation = Some(event.clone());
        Ok(())
    }

    /// Waits for what the function posts; its error is an error here.
    pub(crate) fn answer(&self) -> Result<Answer> {
        self.answers.recv_timeout(PATIENCE).context("the function has not answered")?
    }
}

fn accept(
    listener: &TcpListener,
    invocation: &Arc<Mutex<Option<Value>>>,
    answers: &Sender<Result<Answer>>,
) {
    for connection in listener.incoming().flatten() {
        let (invocation, answers) = (Arc::clone(invocation), answers.clone());
        thread::spawn(move || {
            if let Err(error) = serve(connection, &invocation, &answers) {
                // Nobody listens when the benchmark is over.
                let _ = answers.send(Err(error));
            }
        });
    }
}

fn serve(
    mut connection: TcpStream,
    invocation: &Mutex<Option<Value>>,
    answers: &Sender<Result<Answer>>,
) -> Result<()> {
    connection.set_nodelay(true)?;
    while let Some(request) = Request::read(&mut connection)? {
        let arrived = Instant::now();
        match request.path.rsplit('/').next() {
            Some("next") => {
                // Lambda freezes a process that has nothing to do; here it waits.
                if let Some(event) = take(invocation)? {
                    next(&event)?.write(&mut connection)?;
                }
            }
            Some("response") => {
                let body = serde_json::from_slice(&request.body)?;
                answers.send(Ok(Answer { at: arrived, body }))?;
                accepted().write(&mut connection)?;
            }
            _ => bail!("{}: {}", request.path, String::from_utf8_lossy(&request.body)),
        }
    }
    Ok(())
}

fn take(invocation: &Mutex<Option<Value>>) -> Result<Option<Value>> {
    Ok(invocation.lock().map_err(|_| anyhow!("a connection panicked"))?.take())
}

fn next(event: &Value) -> Result<Response> {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + PATIENCE;
    Ok(Response {
        status: "200 OK",
        headers: vec![
            ("content-type", "application/json".to_owned()),
            ("lambda-runtime-aws-request-id", REQUEST_ID.to_owned()),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            (
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:eu-west-1:123456789012:function:measured".to_owned(),
            ),
        ],
        body: serde_json::to_vec(event)?,
    })
}

fn accepted() -> Response {
    Response { status: "202 Accepted", headers: Vec::new(), body: b"{}".to_vec() }
}
