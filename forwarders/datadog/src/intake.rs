//! Datadog's intake over HTTPS.

use std::time::Duration;

use aws_adapters::HttpsPosts;
use datadog::{Answer, ApiKey, Intake, Request};

/// Headers that say after how many seconds it is worth asking again.
const RETRY_HEADERS: [&str; 2] = ["retry-after", "x-ratelimit-reset"];

/// The intake of one site, or what stands in its place.
#[derive(Debug)]
pub(crate) struct HttpsIntake {
    posts: HttpsPosts,
    url: String,
    key: ApiKey,
}

impl HttpsIntake {
    /// `url` is the address without a path.
    pub(crate) fn new(url: String, key: ApiKey) -> Self {
        Self { posts: HttpsPosts::new(), url, key }
    }
}

impl Intake for HttpsIntake {
    async fn post(&self, request: &Request, time: Duration) -> Result<Answer, String> {
        let url = format!("{}{}", self.url, request.path);
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", "deflate"),
            ("dd-api-key", self.key.expose()),
        ];
        let answer = self.posts.post(&url, &headers, request.body.clone(), time).await?;
        let retry_after = answer
            .headers
            .iter()
            .filter(|(name, _)| RETRY_HEADERS.contains(&name.as_str()))
            .find_map(|(_, value)| value.parse().ok());
        Ok(Answer { status: answer.status, retry_after, body: self.key.hidden_in(&answer.body) })
    }
}
