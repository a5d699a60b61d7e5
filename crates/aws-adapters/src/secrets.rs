//! Secrets, from wherever AWS keeps them.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use recording::Error;

use crate::error;

/// Where a text is that nobody should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A secret in Secrets Manager, by its ARN or name.
    SecretsManager(String),
    /// A parameter in Systems Manager, encrypted or not, by its name.
    Parameter(String),
    /// Base64 of what KMS has encrypted, as the console's helpers for environment variables write
    /// it: with the function's name as encryption context, or without one.
    Encrypted {
        /// The base64 text.
        ciphertext: String,
        /// The function whose name is the context.
        function: String,
    },
}

impl SecretSource {
    /// Reads the text. No error says it.
    pub async fn read(&self, config: &SdkConfig) -> Result<String, Error> {
        match self {
            Self::SecretsManager(id) => from_secrets_manager(config, id).await,
            Self::Parameter(name) => from_parameter(config, name).await,
            Self::Encrypted { ciphertext, function } => {
                decrypted(config, ciphertext, function).await
            }
        }
    }
}

async fn from_secrets_manager(config: &SdkConfig, id: &str) -> Result<String, Error> {
    const OPERATION: &str = "secretsmanager:GetSecretValue";
    let call = aws_sdk_secretsmanager::Client::new(config).get_secret_value().secret_id(id);
    let answer = call.send().await.map_err(|failed| of_call(OPERATION, &failed, id))?;
    answer.secret_string.ok_or_else(|| no_text(OPERATION, id))
}

async fn from_parameter(config: &SdkConfig, name: &str) -> Result<String, Error> {
    const OPERATION: &str = "ssm:GetParameter";
    let call = aws_sdk_ssm::Client::new(config).get_parameter().name(name).with_decryption(true);
    let answer = call.send().await.map_err(|failed| of_call(OPERATION, &failed, name))?;
    let value = answer.parameter.and_then(|parameter| parameter.value);
    value.ok_or_else(|| no_text(OPERATION, name))
}

const DECRYPT: &str = "kms:Decrypt";

async fn decrypted(config: &SdkConfig, ciphertext: &str, function: &str) -> Result<String, Error> {
    let ciphertext = aws_smithy_types::base64::decode(ciphertext.trim())
        .map_err(|_| no_text(DECRYPT, "a variable that is no base64"))?;
    let call = aws_sdk_kms::Client::new(config)
        .decrypt()
        .ciphertext_blob(aws_sdk_kms::primitives::Blob::new(ciphertext));
    let with_context = call.clone().encryption_context("LambdaFunctionName", function).send().await;
    let answer = match with_context {
        // Encrypted without a context, or with another one.
        Err(failed) if failed.code() == Some("InvalidCiphertextException") => call.send().await,
        answer => answer,
    };
    let answer = answer.map_err(|failed| of_call(DECRYPT, &failed, "the encrypted variable"))?;
    let plain = answer.plaintext.map(aws_sdk_kms::primitives::Blob::into_inner);
    plain
        .and_then(|plain| String::from_utf8(plain).ok())
        .ok_or_else(|| no_text(DECRYPT, "the encrypted variable"))
}

/// What the SDK says, with the name of what was asked for.
fn of_call<E>(operation: &'static str, failed: &SdkError<E, HttpResponse>, name: &str) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error::of_call(operation, failed) {
        Error::AwsRefused { operation, code, message } => {
            Error::AwsRefused { operation, code, message: format!("{message} ({name})") }
        }
        other => other,
    }
}

fn no_text(operation: &'static str, name: &str) -> Error {
    let message = format!("{name} holds no text; expected a secret in plain text");
    Error::AwsRefused { operation, code: "NoText".to_owned(), message }
}
