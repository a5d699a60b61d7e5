use std::env;

use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use recording::{Error, ports::AddressRanges};

use crate::https::Https;

const OPERATION: &str = "GET ip-ranges.json";

/// <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-ranges.html>
const URL: &str = "https://ip-ranges.amazonaws.com/ip-ranges.json";

/// The list that AWS publishes, or the one that `IP_RANGES_URL` names.
#[derive(Clone, Copy, Debug, Default)]
pub struct PublishedRanges;

impl AddressRanges for PublishedRanges {
    async fn document(&self) -> Result<String, Error> {
        let failed = |message: String| Error::Transient { operation: OPERATION, message };
        let mut request = HttpRequest::new(SdkBody::empty());
        let url = env::var("IP_RANGES_URL").unwrap_or_else(|_| URL.to_owned());
        request.set_uri(url).map_err(|error| failed(error.to_string()))?;
        let answer = Https::new().call(request).await.map_err(|error| failed(error.to_string()))?;
        if !answer.status().is_success() {
            return Err(failed(format!("HTTP status {}", answer.status().as_u16())));
        }
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| failed(error.to_string()))?;
        String::from_utf8(body.to_vec()).map_err(|error| failed(error.to_string()))
    }
}
