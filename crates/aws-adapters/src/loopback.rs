//! A service on loopback that says what a test has it say.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread::{self, JoinHandle},
    time::Duration,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_types::{SdkConfig, region::Region};

use crate::https;

/// What the service was asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The first line and the headers, in small letters.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A configuration whose calls go to this address, and come again soon.
pub(crate) fn config(address: SocketAddr) -> SdkConfig {
    let credentials = Credentials::new("id", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .region(Region::new("eu-west-1"))
        .http_client(https::client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .endpoint_url(format!("http://{address}"))
        .build()
}

/// A service that gives these answers, one for each connection, and then tells what it was asked.
/// An answer that is empty is lost.
pub(crate) fn service(answers: &[&str]) -> (SocketAddr, JoinHandle<Vec<Request>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answers: Vec<_> = answers.iter().map(ToString::to_string).collect();
    let requests = thread::spawn(move || {
        let answered = answers.into_iter().map(|answer| {
            let (mut connection, _) = listener.accept().unwrap();
            let request = request(&mut connection);
            connection.write_all(answer.as_bytes()).unwrap();
            request
        });
        answered.collect()
    });
    (address, requests)
}

/// An answer in JSON, such as `400 Bad Request`.
pub(crate) fn answer(status: &str, body: &str) -> String {
    let head = "connection: close\r\ncontent-type: application/x-amz-json-1.0";
    format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn request(connection: &mut TcpStream) -> Request {
    let mut head = vec![];
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    connection.read_exact(&mut body).unwrap();
    Request { head, body }
}
