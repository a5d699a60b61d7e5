//! The subnets of an account and region, as EC2 describes them.
//!
//! natflow asks for nothing else of EC2, and aws-sdk-ec2 would take ten minutes to compile: so
//! this is one request of EC2's Query protocol, signed and read by what the SDK itself signs and
//! reads with. docs/adr/0018-subnets-without-the-sdk.md weighs it.

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_async::{
    future::timeout::Timeout,
    rt::sleep::{AsyncSleep as _, TokioSleep},
};
use aws_smithy_runtime_api::client::{
    http::HttpConnector as _,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use aws_types::{SdkConfig, service_config::ServiceConfigKey};

use crate::{ReadError, error::chain, profile};

const OPERATION: &str = "ec2:DescribeSubnets";

/// The version of EC2's API. There has been no other since.
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html>
const VERSION: &str = "2016-11-15";

/// The most subnets of an answer that EC2 allows to ask for.
const PAGE: &str = "1000";

/// An answer that has not come by then will not come.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where EC2 is in the partitions beside the commercial one, by how their regions begin.
/// <https://docs.aws.amazon.com/general/latest/gr/ec2-service.html>
const SUFFIXES: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
];

/// A subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-…`.
    pub id: String,
    /// The VPC, `vpc-…`.
    pub vpc: String,
    /// Its blocks of IPv4 and IPv6 addresses, as CIDR.
    pub blocks: Vec<String>,
}

/// The subnets of the configuration's account and region.
#[derive(Clone, Debug)]
pub struct Subnets {
    config: SdkConfig,
    region: String,
    endpoint: String,
}

impl Subnets {
    /// The subnets of the configuration's account and region. `AWS_ENDPOINT_URL_EC2` counts.
    pub fn new(config: &SdkConfig) -> Result<Self, ReadError> {
        let region = config.region().ok_or(ReadError::NoRegion)?.to_string();
        let endpoint = own_endpoint(config).unwrap_or_else(|| default_endpoint(&region));
        Ok(Self { config: config.clone(), region, endpoint })
    }

    /// All subnets, or those of these VPCs.
    pub async fn all(&self, vpcs: &[String]) -> Result<Vec<Subnet>, ReadError> {
        let (mut subnets, mut token) = (vec![], None);
        loop {
            let page = self.page(vpcs, token.as_deref()).await?;
            subnets.extend(page.subnets);
            token = page.next_token;
            if token.is_none() {
                return Ok(subnets);
            }
        }
    }

    async fn page(&self, vpcs: &[String], token: Option<&str>) -> Result<Page, ReadError> {
        let request = self.signed(&form(vpcs, token)).await?;
        let connector = profile::connector_of(&self.config);
        let call = connector.call(request);
        let answer = Timeout::new(call, TokioSleep::new().sleep(TIMEOUT)).await;
        let answer = answer.map_err(|_| no_answer("none in time".to_owned()))?;
        let answer = answer.map_err(|error| no_answer(chain(&error)))?;
        read(answer).await
    }

    async fn signed(&self, form: &str) -> Result<HttpRequest, ReadError> {
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| no_credentials("none are configured".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| no_credentials(chain(&error)))?.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("ec2")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(unusable)?;
        let content_type = ("content-type", "application/x-www-form-urlencoded");
        let body = SignableBody::Bytes(form.as_bytes());
        let signable =
            SignableRequest::new("POST", self.endpoint.as_str(), [content_type].into_iter(), body);
        let signed = signable.and_then(|signable| sign(signable, &params.into()));
        let (instructions, _) = signed.map_err(unusable)?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(form));
        request.set_method("POST").map_err(unusable)?;
        request.set_uri(self.endpoint.as_str()).map_err(unusable)?;
        let headers = request.headers_mut();
        for (name, value) in [content_type].into_iter().chain(instructions.headers()) {
            headers.try_insert(name.to_owned(), value.to_owned()).map_err(unusable)?;
        }
        Ok(request)
    }
}

fn own_endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("EC2")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let of_service = config.service_config().and_then(|service| service.load_config(key));
    let endpoint = of_service.or_else(|| config.endpoint_url().map(str::to_owned))?;
    Some(format!("{}/", endpoint.trim_end_matches('/')))
}

fn default_endpoint(region: &str) -> String {
    let suffix = SUFFIXES.iter().find(|(begin, _)| region.starts_with(begin));
    let suffix = suffix.map_or("amazonaws.com", |(_, suffix)| suffix);
    format!("https://ec2.{region}.{suffix}/")
}

/// The request's body. Nothing in it but the token has characters that need escapes.
fn form(vpcs: &[String], token: Option<&str>) -> String {
    let mut form = vec![format!("Action=DescribeSubnets&Version={VERSION}&MaxResults={PAGE}")];
    if !vpcs.is_empty() {
        form.push("Filter.1.Name=vpc-id".to_owned());
    }
    let values = vpcs.iter().zip(1..);
    form.extend(values.map(|(vpc, place)| format!("Filter.1.Value.{place}={}", escaped(vpc))));
    form.extend(token.map(|token| format!("NextToken={}", escaped(token))));
    form.join("&")
}

fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escape).collect()
}

async fn read(answer: HttpResponse) -> Result<Page, ReadError> {
    let status = answer.status();
    let body = ByteStream::new(answer.into_body()).collect().await;
    let body = body.map_err(|error| no_answer(chain(&error)))?.to_vec();
    let text = String::from_utf8(body).map_err(unusable)?;
    if status.is_success() {
        return Page::read(&text).map_err(|error| {
            ReadError::Unusable(format!("{OPERATION} answered no list: {}", chain(&error)))
        });
    }
    match refusal(&text) {
        Ok(Some((code, message))) => {
            Err(ReadError::Refused { operation: OPERATION, code, message })
        }
        _ => Err(no_answer(format!("HTTP status {}", status.as_u16()))),
    }
}

/// One answer's subnets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    subnets: Vec<Subnet>,
    next_token: Option<String>,
}

impl Page {
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html>
    fn read(text: &str) -> Result<Self, XmlDecodeError> {
        let mut document = Document::new(text);
        let mut root = document.root_element()?;
        if !root.start_el().matches("DescribeSubnetsResponse") {
            return Err(XmlDecodeError::custom("expected DescribeSubnetsResponse"));
        }
        let mut page = Self::default();
        while let Some(mut tag) = root.next_tag() {
            match tag.start_el().local() {
                "subnetSet" => {
                    while let Some(mut item) = tag.next_tag() {
                        page.subnets.push(subnet(&mut item)?);
                    }
                }
                "nextToken" => page.next_token = Some(data(&mut tag)?).filter(|t| !t.is_empty()),
                _ => {}
            }
        }
        Ok(page)
    }
}

fn subnet(item: &mut ScopedDecoder<'_, '_>) -> Result<Subnet, XmlDecodeError> {
    let mut subnet = Subnet::default();
    while let Some(mut tag) = item.next_tag() {
        match tag.start_el().local() {
            "subnetId" => subnet.id = data(&mut tag)?,
            "vpcId" => subnet.vpc = data(&mut tag)?,
            "cidrBlock" => subnet.blocks.push(data(&mut tag)?),
            "ipv6CidrBlockAssociationSet" => {
                while let Some(mut association) = tag.next_tag() {
                    subnet.blocks.extend(associated(&mut association)?);
                }
            }
            _ => {}
        }
    }
    Ok(subnet)
}

/// The block of IPv6 addresses, if it has not been taken away again.
fn associated(association: &mut ScopedDecoder<'_, '_>) -> Result<Option<String>, XmlDecodeError> {
    let (mut block, mut is_associated) = (None, false);
    while let Some(mut tag) = association.next_tag() {
        match tag.start_el().local() {
            "ipv6CidrBlock" => block = Some(data(&mut tag)?),
            "ipv6CidrBlockState" => {
                while let Some(mut state) = tag.next_tag() {
                    if state.start_el().matches("state") {
                        is_associated |= data(&mut state)? == "associated";
                    }
                }
            }
            _ => {}
        }
    }
    Ok(block.filter(|_| is_associated))
}

/// Code and message of a refusal.
fn refusal(text: &str) -> Result<Option<(String, String)>, XmlDecodeError> {
    let mut document = Document::new(text);
    let mut root = document.root_element()?;
    while let Some(mut errors) = root.next_tag() {
        if !errors.start_el().matches("Errors") {
            continue;
        }
        if let Some(mut error) = errors.next_tag() {
            let (mut code, mut message) = (None, String::new());
            while let Some(mut tag) = error.next_tag() {
                match tag.start_el().local() {
                    "Code" => code = Some(data(&mut tag)?),
                    "Message" => message = data(&mut tag)?,
                    _ => {}
                }
            }
            return Ok(code.map(|code| (code, message)));
        }
    }
    Ok(None)
}

fn data(tag: &mut ScopedDecoder<'_, '_>) -> Result<String, XmlDecodeError> {
    try_data(tag).map(|text| text.trim().to_owned())
}

fn no_answer(reason: String) -> ReadError {
    ReadError::NoAnswer { operation: OPERATION, reason }
}

fn no_credentials(reason: String) -> ReadError {
    ReadError::NoCredentials { reason }
}

fn unusable(error: impl std::error::Error) -> ReadError {
    ReadError::Unusable(format!("{OPERATION} cannot be asked: {}", chain(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the API reference, with a second page, IPv6 and tags.
    const ANSWER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeSubnetsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE</requestId>
  <subnetSet>
    <item>
      <subnetId>subnet-0a1b</subnetId>
      <state>available</state>
      <vpcId>vpc-1</vpcId>
      <cidrBlock>10.0.1.0/24</cidrBlock>
      <ipv6CidrBlockAssociationSet>
        <item>
          <ipv6CidrBlock>2001:db8:1::/64</ipv6CidrBlock>
          <associationId>subnet-cidr-assoc-1</associationId>
          <ipv6CidrBlockState><state>associated</state></ipv6CidrBlockState>
        </item>
        <item>
          <ipv6CidrBlock>2001:db8:2::/64</ipv6CidrBlock>
          <ipv6CidrBlockState><state>disassociated</state></ipv6CidrBlockState>
        </item>
      </ipv6CidrBlockAssociationSet>
      <tagSet><item><key>Name</key><value>a &amp; b</value></item></tagSet>
    </item>
    <item><subnetId>subnet-0a1c</subnetId><vpcId>vpc-2</vpcId><cidrBlock>10.0.1.0/24</cidrBlock></item>
  </subnetSet>
  <nextToken>a+b/c=</nextToken>
</DescribeSubnetsResponse>"#;

    #[test]
    fn subnets_have_the_blocks_that_are_theirs_now() {
        let page = Page::read(ANSWER).unwrap();
        let subnet = |id: &str, vpc: &str, blocks: &[&str]| Subnet {
            id: id.to_owned(),
            vpc: vpc.to_owned(),
            blocks: blocks.iter().map(|block| (*block).to_owned()).collect(),
        };
        let expected = [
            subnet("subnet-0a1b", "vpc-1", &["10.0.1.0/24", "2001:db8:1::/64"]),
            subnet("subnet-0a1c", "vpc-2", &["10.0.1.0/24"]),
        ];
        assert_eq!(page.subnets, expected);
        assert_eq!(page.next_token.as_deref(), Some("a+b/c="));
    }

    #[test]
    fn a_request_names_vpcs_and_the_page() {
        let vpcs = ["vpc-1".to_owned(), "vpc-2".to_owned()];
        let expected = "Action=DescribeSubnets&Version=2016-11-15&MaxResults=1000\
                        &Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.1.Value.2=vpc-2\
                        &NextToken=a%2Bb%2Fc%3D";
        assert_eq!(form(&vpcs, Some("a+b/c=")), expected);
    }

    #[test]
    fn a_refusal_has_a_code_and_a_message() {
        let text = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are \
                    not authorized.</Message></Error></Errors><RequestID>1</RequestID></Response>";
        let refused = refusal(text).unwrap().unwrap();
        assert_eq!(
            refused,
            ("UnauthorizedOperation".to_owned(), "You are not authorized.".to_owned())
        );
    }

    #[test]
    fn every_partition_has_its_own_endpoint() {
        assert_eq!(default_endpoint("eu-west-1"), "https://ec2.eu-west-1.amazonaws.com/");
        assert_eq!(default_endpoint("cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn/");
        assert_eq!(default_endpoint("us-isob-east-1"), "https://ec2.us-isob-east-1.sc2s.sgov.gov/");
        assert_eq!(default_endpoint("us-gov-west-1"), "https://ec2.us-gov-west-1.amazonaws.com/");
    }
}
