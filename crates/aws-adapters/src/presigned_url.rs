use std::time::Duration;

use aws_smithy_async::{
    future::timeout::Timeout,
    rt::sleep::{AsyncSleep as _, TokioSleep},
};
use aws_smithy_runtime_api::client::{
    http::HttpConnector as _,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::body::SdkBody;
use recording::Error;

use crate::{error, https::Https};

const OPERATION: &str = "PUT to the pre-signed URL";

/// The pauses between the attempts; there is one attempt more.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Longer does no attempt take, so that all of them take 27 seconds at most.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(8);

/// An address of S3 that whoever knows it may write to, once or again: as a custom resource
/// gets it from `CloudFormation`.
///
/// It is a secret, so no error says it.
#[derive(Clone, Copy, Debug)]
pub struct PresignedUrl<'a>(pub &'a str);

impl PresignedUrl<'_> {
    /// Writes a text there. It is signed for a content type that is empty.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>
    pub async fn put(self, text: &str) -> Result<(), Error> {
        self.put_with_pauses(text, PAUSES).await
    }

    async fn put_with_pauses(self, text: &str, pauses: [Duration; 2]) -> Result<(), Error> {
        let mut pauses = pauses.iter();
        loop {
            match (self.try_put(text).await, pauses.next()) {
                (Err(Error::Transient { .. }), Some(pause)) => {
                    TokioSleep::new().sleep(*pause).await;
                }
                (done, _) => return done,
            }
        }
    }

    async fn try_put(self, text: &str) -> Result<(), Error> {
        let call = Https::new().call(self.request(text)?);
        match Timeout::new(call, TokioSleep::new().sleep(ATTEMPT_TIMEOUT)).await {
            Ok(Ok(answer)) => judge(&answer),
            Ok(Err(failed)) => Err(for_the_moment(error::chain(&failed))),
            Err(_) => Err(for_the_moment("no answer in time".to_owned())),
        }
    }

    fn request(self, text: &str) -> Result<HttpRequest, Error> {
        let wrong = |_| Error::EventRefused("the pre-signed URL is none".to_owned());
        let mut request = HttpRequest::new(SdkBody::from(text));
        request.set_method("PUT").map_err(wrong)?;
        request.set_uri(self.0).map_err(wrong)?;
        request.headers_mut().insert("content-type", "");
        Ok(request)
    }
}

fn judge(answer: &HttpResponse) -> Result<(), Error> {
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(for_the_moment(format!("HTTP status {}", status.as_u16())))
    }
}

fn for_the_moment(message: String) -> Error {
    Error::Transient { operation: OPERATION, message }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// A server that answers one request after the other, and then says what they were.
    fn server(answers: &'static [&'static str]) -> (String, thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/answer?signature=secret", listener.local_addr().unwrap());
        let serving = thread::spawn(move || {
            answers
                .iter()
                .map(|answer| {
                    let (mut connection, _) = listener.accept().unwrap();
                    let mut request = [0; 4096];
                    let length = connection.read(&mut request).unwrap();
                    write!(connection, "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").unwrap();
                    String::from_utf8(request[..length].to_vec()).unwrap()
                })
                .collect()
        });
        (url, serving)
    }

    #[tokio::test]
    async fn puts_the_text_without_a_content_type() {
        let (url, serving) = server(&["200 OK"]);
        PresignedUrl(&url).put("{}").await.unwrap();
        let request = serving.join().unwrap().remove(0);
        assert!(request.starts_with("PUT /answer?signature=secret HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\ncontent-type: \r\n"), "{request}");
        assert!(request.contains("\r\ncontent-length: 2\r\n"), "{request}");
    }

    #[tokio::test]
    async fn tries_again_and_then_says_the_status_but_not_the_secret() {
        const AT_ONCE: [Duration; 2] = [Duration::ZERO; 2];
        let (url, serving) = server(&["503 Slow Down", "200 OK"]);
        PresignedUrl(&url).put_with_pauses("{}", AT_ONCE).await.unwrap();
        assert_eq!(serving.join().unwrap().len(), 2);

        let (url, serving) = server(&["500 No", "500 No", "403 Expired"]);
        let said = PresignedUrl(&url).put_with_pauses("{}", AT_ONCE).await;
        let said = said.unwrap_err().to_string();
        assert_eq!(serving.join().unwrap().len(), 3);
        assert!(said.ends_with("HTTP status 403") && !said.contains("secret"), "{said}");
    }
}
