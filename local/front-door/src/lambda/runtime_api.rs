//! The Lambda Runtime API, on an address of its own for every process.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::{get, post};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::AbortHandle;

/// What the runtime of a process tells, or what becomes of the process.
#[derive(Debug)]
pub(super) enum RuntimeEvent {
    /// It asks for an invocation.
    Ready,
    /// It answers the invocation.
    Response(Bytes),
    /// The invocation failed, with the error's JSON.
    Error { error_type: Option<String>, body: Bytes },
    /// It could not start, with the error's JSON.
    InitError { error_type: Option<String>, body: Bytes },
    /// The process is gone: `exit status: 1`.
    Exited(std::process::ExitStatus),
}

/// One invocation for a process.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    /// Milliseconds since 1970.
    pub(super) deadline_ms: i64,
    pub(super) function_arn: String,
    pub(super) payload: Bytes,
}

struct Api {
    events: UnboundedSender<RuntimeEvent>,
    invocations: tokio::sync::Mutex<UnboundedReceiver<Invocation>>,
    /// The request ID that an answer must name.
    current: Mutex<Option<String>>,
}

/// Serves the Runtime API on a free port until the handle aborts it.
pub(super) async fn serve(
    events: UnboundedSender<RuntimeEvent>,
    invocations: UnboundedReceiver<Invocation>,
) -> std::io::Result<(SocketAddr, AbortHandle)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let api = Arc::new(Api {
        events,
        invocations: tokio::sync::Mutex::new(invocations),
        current: Mutex::default(),
    });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{request_id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{request_id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(api);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((address, server.abort_handle()))
}

type Headers = [(HeaderName, String); 5];

async fn next(State(api): State<Arc<Api>>) -> Result<(Headers, Bytes), StatusCode> {
    // The process is gone when nobody listens any more.
    api.events.send(RuntimeEvent::Ready).map_err(|_| StatusCode::GONE)?;
    let invocation = api.invocations.lock().await.recv().await.ok_or(StatusCode::GONE)?;
    *api.current.lock() = Some(invocation.request_id.clone());
    let trace = "Root=1-00000000-000000000000000000000000;Sampled=0".to_owned();
    let header = HeaderName::from_static;
    let headers = [
        (header("lambda-runtime-aws-request-id"), invocation.request_id),
        (header("lambda-runtime-deadline-ms"), invocation.deadline_ms.to_string()),
        (header("lambda-runtime-invoked-function-arn"), invocation.function_arn),
        (header("lambda-runtime-trace-id"), trace),
        (header("content-type"), "application/json".to_owned()),
    ];
    Ok((headers, invocation.payload))
}

async fn response(
    State(api): State<Arc<Api>>,
    Path(request_id): Path<String>,
    body: Bytes,
) -> StatusCode {
    api.finish(&request_id, RuntimeEvent::Response(body))
}

async fn error(
    State(api): State<Arc<Api>>,
    Path(request_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let error_type = error_type(&headers);
    api.finish(&request_id, RuntimeEvent::Error { error_type, body })
}

async fn init_error(State(api): State<Arc<Api>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let error_type = error_type(&headers);
    api.accept(RuntimeEvent::InitError { error_type, body })
}

fn error_type(headers: &HeaderMap) -> Option<String> {
    let header = headers.get("lambda-runtime-function-error-type")?;
    header.to_str().ok().map(str::to_owned)
}

impl Api {
    /// Takes the answer to the current invocation; another's is refused.
    fn finish(&self, request_id: &str, event: RuntimeEvent) -> StatusCode {
        if self.current.lock().take_if(|current| current == request_id).is_none() {
            return StatusCode::BAD_REQUEST;
        }
        self.accept(event)
    }

    fn accept(&self, event: RuntimeEvent) -> StatusCode {
        match self.events.send(event) {
            Ok(()) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::GONE,
        }
    }
}
