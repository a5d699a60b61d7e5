//! Connections: requests in, answers out, or a connection closed without an answer.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::aws_calls::{Answer, HttpCall};
use crate::door::Door;
use crate::{control, pipeline};

/// Makes hyper close the connection.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the request could not be read: {0}")]
    Request(#[from] hyper::Error),
    #[error("the call failed inside: {0}")]
    Inside(#[from] tokio::task::JoinError),
    #[error("the answer is lost on request")]
    Lost,
    #[error(transparent)]
    Control(#[from] axum::Error),
}

/// Serves every connection until the listener fails.
pub(crate) async fn serve(listener: TcpListener, door: Arc<Door>) -> std::io::Result<()> {
    let control = control::router(Arc::clone(&door));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve_connection(stream, Arc::clone(&door), control.clone()));
    }
}

async fn serve_connection(stream: TcpStream, door: Arc<Door>, control: axum::Router) {
    let service = service_fn(move |request| {
        let (door, control) = (Arc::clone(&door), control.clone());
        async move { answer(request, door, control).await }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection closed");
    }
}

async fn answer(
    request: Request<Incoming>,
    door: Arc<Door>,
    control: axum::Router,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    if request.uri().path().starts_with("/_local/") {
        return control_answer(request, control).await;
    }
    let (parts, body) = request.into_parts();
    let call = HttpCall {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: body.collect().await?.to_bytes(),
    };
    // A task of its own: a caller that hangs up does not undo its call, as on AWS.
    let answer: Option<Answer> = tokio::spawn(pipeline::handle(door, call)).await?;
    answer.map(|answer| answer.map(Full::new)).ok_or(NoAnswer::Lost)
}

async fn control_answer(
    request: Request<Incoming>,
    control: axum::Router,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let Ok(answer) = control.oneshot(request).await;
    let (parts, body) = answer.into_parts();
    Ok(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
}
