//! Step Functions' actions as JSON, called by the SDK's own machinery.
//!
//! With the shapes of `aws-sdk-sfn` (an execution's history has events of forty kinds) the
//! sweeper would be larger than a function may be: docs/performance.md. Of that crate only the
//! endpoints are used here; signing, retries and time limits are those of every other call.

use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    retries::classifiers::AwsErrorCodeClassifier,
};
use aws_sdk_sfn::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
use aws_smithy_runtime::client::{
    orchestrator::operation::Operation,
    retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        auth::{AuthSchemeOptionResolverParams, static_resolver::StaticAuthSchemeOptionResolver},
        endpoint::EndpointResolverParams,
        identity::SharedIdentityResolver,
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        result::SdkError,
        runtime_components::RuntimeComponentsBuilder,
        runtime_plugin::StaticRuntimePlugin,
    },
};
use aws_smithy_types::{
    body::SdkBody, config_bag::Layer, error::ErrorMetadata, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_types::{SdkConfig, SigningName, region::SigningRegion};
use serde_json::Value;

/// Why a call has no answer.
pub(crate) type Failed = SdkError<ErrorMetadata, HttpResponse>;

/// The actions of Step Functions.
/// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html>
#[derive(Clone, Debug)]
pub(crate) struct StepFunctions(Operation<Call, Value, ErrorMetadata>);

#[derive(Debug)]
struct Call {
    action: &'static str,
    input: Value,
}

impl StepFunctions {
    /// Those of the configuration's account and region. Nothing is asked yet.
    pub(crate) fn new(config: &SdkConfig) -> Self {
        let operation = Operation::builder()
            .service_name("SFN")
            .operation_name("Call")
            .standard_retry(config.retry_config().unwrap_or(&RetryConfig::standard()))
            .timeout_config(
                config.timeout_config().cloned().unwrap_or_else(TimeoutConfig::disabled),
            )
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .runtime_plugin(service(config))
            .serializer(|call: Call| request(&call))
            .deserializer(answer);
        let operation = match config.behavior_version() {
            Some(version) => operation.behavior_version(version),
            None => operation,
        };
        Self(operation.build())
    }

    /// What the action answers.
    pub(crate) async fn call(&self, action: &'static str, input: Value) -> Result<Value, Failed> {
        self.0.invoke(Call { action, input }).await
    }
}

/// Where the service is, and as whom it is called.
fn service(config: &SdkConfig) -> StaticRuntimePlugin {
    let region = config.region().cloned();
    let mut settings = Layer::new("StepFunctions");
    let endpoint = Params::builder()
        .set_region(region.as_ref().map(ToString::to_string))
        .set_endpoint(config.endpoint_url().map(ToOwned::to_owned))
        .build();
    if let Ok(endpoint) = endpoint {
        settings.store_put(EndpointResolverParams::new(endpoint));
    }
    settings.store_put(AuthSchemeOptionResolverParams::new(()));
    settings.store_put(SigV4OperationSigningConfig::default());
    settings.store_put(SigningName::from_static("states"));
    settings.store_or_unset(region.map(SigningRegion::from));

    let auth = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("StepFunctions")
        .with_endpoint_resolver(Some(DefaultResolver::new().into_shared_resolver()))
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(auth))
        .with_http_client(config.http_client())
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
    }
    StaticRuntimePlugin::new().with_config(settings.freeze()).with_runtime_components(components)
}

/// <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html>
fn request(call: &Call) -> Result<HttpRequest, BoxError> {
    let body = call.input.to_string();
    let mut request = HttpRequest::new(SdkBody::empty());
    request.set_method("POST")?;
    request.set_uri("/")?;
    let headers = request.headers_mut();
    headers.insert("content-type", "application/x-amz-json-1.0");
    headers.insert("content-length", body.len().to_string());
    headers.insert("x-amz-target", format!("AWSStepFunctions.{}", call.action));
    *request.body_mut() = SdkBody::from(body);
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<ErrorMetadata>> {
    let body = response.body().bytes().unwrap_or_default();
    let body = serde_json::from_slice(body);
    if response.status().is_success() {
        return body.map_err(|error| OrchestratorError::other(BoxError::from(error)));
    }
    let named = response.headers().get("x-amzn-errortype");
    Err(OrchestratorError::operation(refused(&body.unwrap_or_default(), named)))
}

/// An error's code comes as `namespace#Code` or `Code:address`.
/// <https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization>
fn refused(body: &Value, named: Option<&str>) -> ErrorMetadata {
    let text = |field| body.get(field).and_then(Value::as_str);
    let code = named.or(text("__type")).or(text("code"));
    let code = code.and_then(|code| code.split(':').next()?.rsplit('#').next());
    let message = text("message").or(text("Message")).unwrap_or("no message");
    let error = ErrorMetadata::builder().message(message);
    match code {
        Some(code) => error.code(code).build(),
        None => error.build(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        result::ConnectorError,
    };
    use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
    use aws_types::region::Region;
    use serde_json::json;

    use super::*;
    use crate::loopback;

    /// Notes where requests would go to, and as whom, and sends none.
    #[derive(Clone, Debug, Default)]
    struct Noting(Arc<Mutex<Vec<(String, String)>>>);

    impl HttpConnector for Noting {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let signature = request.headers().get("authorization").unwrap_or_default();
            let asked = (request.uri().to_owned(), signature.to_owned());
            self.0.lock().unwrap().push(asked);
            HttpConnectorFuture::ready(Err(ConnectorError::user("no network".into())))
        }
    }

    #[tokio::test]
    async fn every_partition_has_its_own_endpoint() {
        for (region, host) in [
            ("eu-west-1", "states.eu-west-1.amazonaws.com"),
            ("cn-north-1", "states.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "states.us-gov-west-1.amazonaws.com"),
        ] {
            let noting = Noting::default();
            let connector = SharedHttpConnector::new(noting.clone());
            let mut config = loopback::config(([127, 0, 0, 1], 9).into()).to_builder();
            config.set_endpoint_url(None);
            let config = config.region(Region::new(region));
            let config = config.http_client(http_client_fn(move |_, _| connector.clone())).build();
            StepFunctions::new(&config).call("ListExecutions", json!({})).await.unwrap_err();
            let asked = noting.0.lock().unwrap();
            let [(uri, signature)] = asked.as_slice() else { panic!("{asked:?}") };
            assert_eq!(*uri, format!("https://{host}/"));
            assert!(signature.contains(&format!("/{region}/states/aws4_request")), "{signature}");
        }
    }

    #[tokio::test]
    async fn what_failed_for_the_moment_is_asked_again() {
        for failed in [
            &loopback::answer("500 -", r#"{"__type": "InternalServerError"}"#),
            &loopback::answer("503 -", r#"{"__type": "ServiceUnavailable"}"#),
            &loopback::answer("400 -", r#"{"__type": "ThrottlingException"}"#),
            // Its answer is lost.
            "",
        ] {
            let taken = loopback::answer("200 OK", r#"{"executions": []}"#);
            let (address, requests) = loopback::service(&[failed, &taken]);
            let client = StepFunctions::new(&loopback::config(address));
            let answer = client.call("ListExecutions", json!({ "maxResults": 1000 })).await;
            assert_eq!(answer.unwrap(), json!({ "executions": [] }), "{failed}");
            let requests = requests.join().unwrap();
            assert_eq!(requests[0].body, requests[1].body);
            let head = &requests[1].head;
            assert!(
                head.contains("\r\nx-amz-target: awsstepfunctions.listexecutions\r\n"),
                "{head}"
            );
            assert!(head.contains("/eu-west-1/states/aws4_request"), "{head}");
        }
    }

    #[tokio::test]
    async fn what_was_refused_is_not_asked_again() {
        let refused = loopback::answer("400 -", r#"{"__type": "ExecutionDoesNotExist"}"#);
        let (address, requests) = loopback::service(&[&refused]);
        let client = StepFunctions::new(&loopback::config(address));
        let failed = client.call("DescribeExecution", json!({})).await.unwrap_err();
        assert_eq!(failed.code(), Some("ExecutionDoesNotExist"));
        assert_eq!(requests.join().unwrap().len(), 1);
    }

    #[test]
    fn a_refusal_has_its_code_without_what_is_around_it() {
        for (body, header) in [
            (json!({ "__type": "com.amazonaws.swf#ExecutionDoesNotExist" }), None),
            (json!({ "__type": "ExecutionDoesNotExist:http://internal.example/" }), None),
            (json!({ "code": "ExecutionDoesNotExist" }), None),
            (json!({ "__type": "Other" }), Some("ExecutionDoesNotExist")),
        ] {
            assert_eq!(refused(&body, header).code(), Some("ExecutionDoesNotExist"));
        }
        assert_eq!(refused(&Value::Null, None).code(), None);
        assert_eq!(refused(&json!({ "Message": "why" }), None).message(), Some("why"));
    }
}
