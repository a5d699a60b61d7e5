//! AWS API calls as they come over HTTP: which service and operation, with which parameters,
//! by whom, and how an answer is written in the caller's protocol.

mod answers;
pub(crate) mod cbor;
mod identify;
mod parameters;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{HeaderMap, Method, Request, Response, Uri};

pub(crate) use answers::{Refusal, error_code, json_answer, xml_answer};
pub(crate) use identify::service_name;
pub(crate) use parameters::Parameters;

/// An HTTP answer with its whole body.
pub(crate) type Answer = Response<Bytes>;

/// An HTTP request with its whole body.
#[derive(Clone, Debug)]
pub(crate) struct HttpCall {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpCall {
    /// A header's value, if it is there and readable.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The call as a request to send.
    pub(crate) fn into_request(self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = self.headers;
        request
    }
}

/// How a call's parameters and its answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// A form with `Action`, and an XML answer.
    Query,
    /// EC2's kind of [`Protocol::Query`].
    Ec2,
    /// JSON in both directions, with the operation in `X-Amz-Target`.
    Json,
    /// CBOR in both directions, with the operation in the path (smithy-rpc-v2-cbor).
    Cbor,
    /// The operation is told by method and path; JSON.
    RestJson,
    /// The operation is told by method and path; XML (S3).
    RestXml,
}

/// An AWS API call.
#[derive(Clone, Debug)]
pub(crate) struct AwsCall {
    /// The service under boto3's client name: `cloudwatch`, `stepfunctions`.
    pub(crate) service: String,
    /// `CreateFlowLogs`; for a REST call of a service that is not known here `GET /path`.
    pub(crate) operation: String,
    /// `us-east-1`.
    pub(crate) region: String,
    /// The access key ID of the signature; empty without one.
    pub(crate) access_key: String,
    pub(crate) protocol: Protocol,
    pub(crate) parameters: Parameters,
    /// The ID that the answer and the journal carry.
    pub(crate) request_id: String,
    pub(crate) http: HttpCall,
}

impl AwsCall {
    /// Reads what a request asks for.
    pub(crate) fn identify(http: HttpCall) -> Self {
        identify::identify(http)
    }

    /// `refusal` in the call's protocol.
    pub(crate) fn refuse(&self, refusal: &Refusal) -> Answer {
        answers::refuse(self, refusal)
    }
}
