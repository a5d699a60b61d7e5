//! What the stack's template tells the function.

use std::env;

use aws_adapters::{SdkConfig, SecretSource};
use datadog::ApiKey;
use flowlog::Format;
use lambda_kit::{Failure, settings};
use recording::Error;

/// The site of accounts whose address does not say another one.
const DEFAULT_SITE: &str = "datadoghq.com";

/// | variable | value |
/// |---|---|
/// | `TABLE_NAME` | the table of claims |
/// | `DD_API_KEY_SECRET_ARN`, `DD_API_KEY_SSM_NAME`, `DD_KMS_API_KEY` or `DD_API_KEY` | where the API key is; the first that is set counts |
/// | `DD_SITE` | Datadog's site; `datadoghq.com` if it is not set |
/// | `DD_URL` | another address of the intake: of a proxy |
/// | `FORMAT` | the records' format; told by their content if it is not set |
/// | `DISTRIBUTIONS` | `true`: distributions are sent, too |
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) table: String,
    pub(crate) url: String,
    pub(crate) forwarding: datadog::Settings,
}

impl Settings {
    pub(crate) fn read() -> Result<Self, Failure> {
        Ok(Self {
            table: settings::text("TABLE_NAME")?,
            url: url(optional("DD_URL"), optional("DD_SITE"))?,
            forwarding: datadog::Settings {
                format: format()?,
                region: settings::text("AWS_REGION")?,
                distributions: match optional("DISTRIBUTIONS").as_deref() {
                    None | Some("false") => false,
                    Some("true") => true,
                    Some(found) => return Err(wrong("DISTRIBUTIONS", found, "true or false")),
                },
            },
        })
    }
}

/// The API key, from where it is kept.
pub(crate) async fn api_key(config: &SdkConfig) -> Result<ApiKey, Failure> {
    let text = match source()? {
        Some(source) => source.read(config).await?,
        None => optional("DD_API_KEY").ok_or_else(|| {
            let expected = "it, or DD_API_KEY_SECRET_ARN, DD_API_KEY_SSM_NAME or DD_KMS_API_KEY";
            wrong("DD_API_KEY", "not set", expected)
        })?,
    };
    ApiKey::new(&text).map_err(|error| Failure::new("ApiKeyWrong", error.to_string()))
}

fn source() -> Result<Option<SecretSource>, Failure> {
    if let Some(arn) = optional("DD_API_KEY_SECRET_ARN") {
        return Ok(Some(SecretSource::SecretsManager(arn)));
    }
    if let Some(name) = optional("DD_API_KEY_SSM_NAME") {
        return Ok(Some(SecretSource::Parameter(name)));
    }
    let Some(ciphertext) = optional("DD_KMS_API_KEY") else { return Ok(None) };
    let function = settings::text("AWS_LAMBDA_FUNCTION_NAME")?;
    Ok(Some(SecretSource::Encrypted { ciphertext, function }))
}

/// The intake's address, without a path.
fn url(url: Option<String>, site: Option<String>) -> Result<String, Failure> {
    if let Some(url) = url {
        let is_url = url.starts_with("https://") || url.starts_with("http://");
        let url = url.trim_end_matches('/').to_owned();
        return if is_url { Ok(url) } else { Err(wrong("DD_URL", &url, "https://HOST")) };
    }
    let site = site.unwrap_or_else(|| DEFAULT_SITE.to_owned());
    let is_name = site.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if !is_name {
        return Err(wrong("DD_SITE", &site, "a site's name, such as datadoghq.eu"));
    }
    Ok(format!("https://api.{site}"))
}

fn format() -> Result<Option<Format>, Failure> {
    let Some(text) = optional("FORMAT") else { return Ok(None) };
    Format::parse(&text)
        .map(Some)
        .map_err(|error| wrong("FORMAT", &error.to_string(), "fields as in ${srcaddr} ${bytes}"))
}

fn optional(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn wrong(name: &str, found: &str, expected: &'static str) -> Failure {
    Error::SettingsWrong { name: name.to_owned(), found: found.to_owned(), expected }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(of_url: Option<&str>, site: Option<&str>) -> Result<String, Failure> {
        url(of_url.map(str::to_owned), site.map(str::to_owned))
    }

    #[test]
    fn the_intake_is_that_of_the_site_unless_another_takes_its_place() {
        let found = |url, site| address(url, site).unwrap();
        assert_eq!(found(None, None), "https://api.datadoghq.com");
        assert_eq!(found(None, Some("us5.datadoghq.com")), "https://api.us5.datadoghq.com");
        let proxy = "https://proxy.example/datadog/";
        assert_eq!(found(Some(proxy), Some("datadoghq.eu")), "https://proxy.example/datadog");
    }

    #[test]
    fn what_is_no_address_is_named() {
        for (url, site, name) in [
            (Some("proxy.example"), None, "DD_URL"),
            (None, Some("https://app.datadoghq.eu"), "DD_SITE"),
            (None, Some("datadoghq.eu/"), "DD_SITE"),
        ] {
            let failure = address(url, site).unwrap_err();
            assert_eq!(failure.name(), "SettingsWrong");
            assert!(failure.to_string().contains(name), "{failure}");
        }
    }
}
