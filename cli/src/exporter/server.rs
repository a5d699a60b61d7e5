//! The server: `/metrics` and `/health`.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use export::prometheus::PageFormat;
use http_body_util::Full;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use super::{Exporter, page};

/// A request whose head has not come by then will not come.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// When no connection can be accepted, there are too many: a moment later there may be fewer.
const BREATH: Duration = Duration::from_millis(100);

const TEXT: &str = "text/plain; charset=utf-8";

/// Serves as long as the process runs.
pub(super) async fn serve(listener: TcpListener, exporter: Arc<Exporter>) {
    loop {
        let Ok((connection, _)) = listener.accept().await else {
            tokio::time::sleep(BREATH).await;
            continue;
        };
        let exporter = Arc::clone(&exporter);
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<_>| {
                let answer =
                    answer(&exporter, request.method(), request.uri().path(), request.headers());
                ready(Ok::<_, Infallible>(answer))
            });
            let mut server = http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
            // A scraper that goes away is no failure.
            let _ = server.serve_connection(TokioIo::new(connection), answer).await;
        });
    }
}

fn answer(
    exporter: &Exporter,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/metrics" => metrics(exporter, headers),
        "/health" => health(exporter),
        "/" => text(StatusCode::OK, "natflow exporter: /metrics and /health\n".to_owned()),
        _ => text(StatusCode::NOT_FOUND, "there are /metrics and /health\n".to_owned()),
    }
}

fn metrics(exporter: &Exporter, headers: &HeaderMap) -> Response<Full<Bytes>> {
    let accepts = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let format = PageFormat::accepted(&accepts.collect::<Vec<_>>().join(","));
    let mut response = Response::new(Full::from(page::page(exporter, format)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

fn health(exporter: &Exporter) -> Response<Full<Bytes>> {
    let complaints = exporter.health.complaints();
    if complaints.is_empty() {
        return text(StatusCode::OK, "ok\n".to_owned());
    }
    text(StatusCode::SERVICE_UNAVAILABLE, complaints.join("\n") + "\n")
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    response
}
