//! HTTPS for the functions: hyper's HTTP/1.1 and rustls on ring.
//!
//! The SDK's own client brings HTTP/2, which no endpoint here needs, and aws-lc,
//! which spends 30 ms on seeding its random number generator;
//! docs/performance.md has the measurements.

use std::{io, sync::OnceLock, time::Duration};

use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector as TcpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::ring;

/// What the SDK allows for opening a connection:
/// <https://docs.aws.amazon.com/sdk-for-rust/latest/dg/timeouts.html>
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// The client of every service. It is made when the first call needs it.
pub(crate) fn client() -> SharedHttpClient {
    let connector = OnceLock::new();
    http_client_fn(move |_, _| {
        let connector: &SharedHttpConnector =
            connector.get_or_init(|| SharedHttpConnector::new(Https::new()));
        connector.clone()
    })
}

/// Trusts all roots that the system trusts.
#[derive(Debug)]
pub(crate) struct Https(Result<Client<HttpsConnector<TcpConnector>, SdkBody>, String>);

impl Https {
    pub(crate) fn new() -> Self {
        let mut tcp = TcpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(ring::default_provider())
            .map_err(|error| format!("no root certificates: {error}; install ca-certificates"));
        let client = https.map(|https| {
            let https = https.https_or_http().enable_http1().wrap_connector(tcp);
            Client::builder(TokioExecutor::new()).build(https)
        });
        Self(client)
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let client = client.map_err(|error| ConnectorError::user(error.into()))?;
            let request = request.try_into_http1x();
            let request = request.map_err(|error| ConnectorError::user(error.into()))?;
            let answer = client.request(request).await.map_err(failed)?;
            let answer = answer.map(SdkBody::from_body_1_x);
            HttpResponse::try_from(answer)
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Whatever failed on the way to an answer may go well the next time.
fn failed(error: hyper_util::client::legacy::Error) -> ConnectorError {
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
    let is_timeout = causes
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::TimedOut);
    if is_timeout {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{SocketAddr, TcpListener},
        thread,
    };

    use super::*;

    /// A server that reads a request and answers once, with these bytes.
    fn server(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 4096]).unwrap();
            connection.write_all(answer).unwrap();
        });
        address
    }

    async fn call(address: SocketAddr) -> Result<HttpResponse, ConnectorError> {
        let mut request = HttpRequest::new(SdkBody::from("{}"));
        request.set_method("POST").unwrap();
        request.set_uri(format!("http://{address}/")).unwrap();
        Https::new().call(request).await
    }

    #[tokio::test]
    async fn an_answer_comes_back_whole() {
        let address = server(b"HTTP/1.1 418 Teapot\r\nx-a: b\r\ncontent-length: 2\r\n\r\nok");
        let answer = call(address).await.unwrap();
        assert_eq!(answer.status().as_u16(), 418);
        assert_eq!(answer.headers().get("x-a"), Some("b"));
    }

    /// The SDK tries again what failed on the way.
    #[tokio::test]
    async fn no_answer_is_worth_another_try() {
        let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for address in [refused, server(b""), server(b"HTTP/1.1 200 OK\r\ncontent-le")] {
            assert!(call(address).await.unwrap_err().is_io());
        }
    }
}
