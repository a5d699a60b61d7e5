use std::time::Duration;

use aws_smithy_async::{
    future::timeout::Timeout,
    rt::sleep::{AsyncSleep as _, TokioSleep},
};
use aws_smithy_runtime_api::client::{
    http::HttpConnector as _,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};

use crate::{error, https::Https};

/// As much of an answer's body is read, in bytes: enough to say what is wrong.
const MOST_BODY_BYTES: usize = 4096;

/// Posts to servers that are not AWS's, over connections that stay open.
#[derive(Debug)]
pub struct HttpsPosts(Https);

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The headers' values by their names in small letters, as far as they are texts.
    pub headers: Vec<(String, String)>,
    /// The begin of the body.
    pub body: String,
}

impl Default for HttpsPosts {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpsPosts {
    /// No connection yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Https::new())
    }

    /// Posts a body. An error says why there was no answer within `time`; neither URL nor headers
    /// are in it.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
        time: Duration,
    ) -> Result<HttpAnswer, String> {
        let request = request(url, headers, body)?;
        let call = async {
            let answer = self.0.call(request).await.map_err(|failed| error::chain(&failed))?;
            read(answer).await
        };
        let timed = Timeout::new(call, TokioSleep::new().sleep(time)).await;
        timed.map_err(|_| format!("no answer within {time:.1?}"))?
    }
}

fn request(
    url: &str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Result<HttpRequest, String> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    request.set_method("POST").map_err(|error| error.to_string())?;
    request.set_uri(url).map_err(|_| "the address is no URL".to_owned())?;
    for (name, value) in headers {
        let inserted = request.headers_mut().try_insert(*name, (*value).to_owned());
        inserted.map_err(|_| format!("the value of the header {name} cannot be sent"))?;
    }
    Ok(request)
}

async fn read(answer: HttpResponse) -> Result<HttpAnswer, String> {
    let status = answer.status().as_u16();
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut stream = ByteStream::new(answer.into_body());
    let mut body = vec![];
    while body.len() < MOST_BODY_BYTES {
        match stream.try_next().await.map_err(|failed| error::chain(&failed))? {
            Some(piece) => body.extend_from_slice(&piece),
            None => break,
        }
    }
    body.truncate(MOST_BODY_BYTES);
    Ok(HttpAnswer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        sync::mpsc,
        thread,
    };

    use super::*;

    /// A server that answers one request with these bytes, if any, and tells what it was asked.
    fn server(answer: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/a", listener.local_addr().unwrap());
        let (told, asked) = mpsc::channel();
        thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = vec![0; 4096];
            let length = connection.read(&mut request).unwrap();
            told.send(String::from_utf8_lossy(&request[..length]).into_owned()).unwrap();
            connection.write_all(answer.as_bytes()).unwrap();
            if answer.is_empty() {
                // Until the client has had enough.
                let _ = connection.read(&mut request);
            }
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_post_carries_headers_and_body_and_brings_the_answer() {
        let (url, asked) =
            server("HTTP/1.1 429 Wait\r\nx-wait: 3\r\ncontent-length: 5\r\n\r\nlater");
        let time = Duration::from_secs(20);
        let answer = HttpsPosts::new().post(&url, &[("x-key", "k")], b"body".to_vec(), time).await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (429, "later"));
        assert!(answer.headers.contains(&("x-wait".to_owned(), "3".to_owned())));
        let asked = asked.recv().unwrap();
        assert!(asked.starts_with("POST /a ") && asked.contains("x-key: k\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn what_cannot_be_sent_or_answered_is_said_without_the_header() {
        let posts = HttpsPosts::new();
        let time = Duration::from_millis(50);
        let failed = posts.post("http://localhost/", &[("x-key", "a\nb")], vec![], time).await;
        assert_eq!(failed, Err("the value of the header x-key cannot be sent".to_owned()));
        let (url, _asked) = server("");
        let failed = posts.post(&url, &[("x-key", "secret")], vec![], time).await.unwrap_err();
        assert_eq!(failed, "no answer within 50.0ms");
    }
}
