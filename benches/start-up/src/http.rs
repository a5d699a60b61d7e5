//! As much of HTTP/1.1 as the functions use: requests with a length, over
//! connections that stay open.

use std::io::{self, Read, Write};

use anyhow::{Context as _, Result, bail};

const MOST_HEADERS: usize = 64;

pub(crate) struct Request {
    pub(crate) path: String,
    headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Waits for a request; `None` when the client closes the connection.
    pub(crate) fn read(connection: &mut impl Read) -> Result<Option<Self>> {
        let mut received = Vec::new();
        loop {
            if let Some((mut request, body_at)) = Self::parse(&received)? {
                request.body = received.split_off(body_at);
                request.read_body(connection)?;
                return Ok(Some(request));
            }
            if read_more(connection, &mut received)? == 0 {
                return Ok(None);
            }
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// The request without its body, and where the body begins; `None` while the
    /// headers are incomplete.
    fn parse(received: &[u8]) -> Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(body_at) = parsed.parse(received)? else { return Ok(None) };
        let request = Self {
            path: parsed.path.unwrap_or_default().to_owned(),
            headers: parsed
                .headers
                .iter()
                .map(|header| (header.name.to_owned(), header.value.to_owned()))
                .collect(),
            body: Vec::new(),
        };
        Ok(Some((request, body_at)))
    }

    fn read_body(&mut self, connection: &mut impl Read) -> Result<()> {
        if self.header("transfer-encoding").is_some() {
            bail!("{} was sent in chunks, expected a content-length", self.path);
        }
        let length = self.header("content-length").unwrap_or("0");
        let length: usize = length.parse().context("content-length is no number")?;
        while self.body.len() < length {
            if read_more(connection, &mut self.body)? == 0 {
                bail!("{} ended before its {length} bytes", self.path);
            }
        }
        Ok(())
    }
}

/// A TLS client that goes without a closing message has closed all the same.
fn read_more(connection: &mut impl Read, received: &mut Vec<u8>) -> Result<usize> {
    let mut chunk = [0; 16_384];
    match connection.read(&mut chunk) {
        Ok(length) => {
            received.extend(chunk.iter().take(length));
            Ok(length)
        }
        Err(error) if is_closed(&error) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

pub(crate) struct Response {
    /// Code and words.
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Headers and body in one write, so that no packet waits for another.
    pub(crate) fn write(&self, connection: &mut impl Write) -> io::Result<()> {
        let mut message = Vec::new();
        write!(message, "HTTP/1.1 {}\r\n", self.status)?;
        for (name, value) in &self.headers {
            write!(message, "{name}: {value}\r\n")?;
        }
        write!(message, "content-length: {}\r\n\r\n", self.body.len())?;
        message.extend(&self.body);
        connection.write_all(&message)?;
        connection.flush()
    }
}
