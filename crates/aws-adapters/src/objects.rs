use std::{ops::Range, time::Duration};

use aws_sdk_s3::{
    Client, config,
    config::{Region, ResponseChecksumValidation},
    operation::{get_object::GetObjectOutput, head_object::HeadObjectOutput},
    primitives::{ByteStream, DateTime},
};
use aws_smithy_async::rt::sleep::{AsyncSleep as _, TokioSleep};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_types::{SdkConfig, service_config::ServiceConfigKey};

use crate::ReadError;

/// Where a bucket is looked for first when no region is configured; S3 tells the right one.
const FIRST_REGION: &str = "us-east-1";

/// How often a body that breaks off is gone on with, without a byte in between.
const MOST_FAILURES: u32 = 5;

/// The pause after the first failure. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A bucket, and how it is reached.
#[derive(Clone, Debug)]
pub struct Bucket {
    config: SdkConfig,
    client: Client,
    region: String,
    name: String,
}

/// An object as it was when it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was written, in Unix seconds.
    pub modified: Option<i64>,
    /// What tells this version of it from others.
    e_tag: Option<String>,
}

impl Bucket {
    /// The bucket of this name. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &SdkConfig, name: &str) -> Self {
        let region = config.region().map_or(FIRST_REGION, |region| region.as_ref()).to_owned();
        let client = client(config, &region);
        Self { config: config.clone(), client, region, name: name.to_owned() }
    }

    /// What a path stands for: the object of this key, or else every object below `path/`, in
    /// the order of their keys; with a `*` at its end, every object whose key begins so.
    ///
    /// Objects are left out whose name, or a folder's below the path, begins with a dot or an
    /// underscore: they are other tools' marks.
    pub async fn find(&mut self, path: &str) -> Result<Vec<Object>, ReadError> {
        if let Some(prefix) = path.strip_suffix('*') {
            return self.list(prefix).await;
        }
        if path.is_empty() || path.ends_with('/') {
            return self.list(path).await;
        }
        let denied = match self.describe(path).await {
            Ok(object) => return Ok(vec![object]),
            Err(error) => match error.code() {
                Some("NotFound" | "NoSuchKey") => None,
                // Without the permission to list, whatever is missing is forbidden.
                Some("AccessDenied" | "403" | "Forbidden") => Some(error),
                _ => return Err(error),
            },
        };
        let objects = self.list(&format!("{path}/")).await?;
        match denied {
            Some(denied) if objects.is_empty() => Err(denied),
            _ => Ok(objects),
        }
    }

    /// The object of this key, or an error with S3's code: `NotFound` when there is none;
    /// without the permission to list the bucket, `AccessDenied`.
    pub async fn describe(&mut self, key: &str) -> Result<Object, ReadError> {
        loop {
            let call = self.client.head_object().bucket(&self.name).key(key);
            match call.send().await {
                Ok(head) => return Ok(described(key, &head)),
                Err(error) if self.moves_to_region_of(&error) => {}
                Err(error) => return Err(ReadError::of_call("s3:HeadObject", &error)),
            }
        }
    }

    /// Deletes an object, unless it was replaced since it was found (`PreconditionFailed`). One
    /// that is gone is none that could be left behind.
    pub async fn delete(&self, object: &Object) -> Result<(), ReadError> {
        let call = self.client.delete_object().bucket(&self.name).key(&object.key);
        match call.set_if_match(object.e_tag.clone()).send().await {
            Ok(_) => Ok(()),
            Err(error) => match ReadError::of_call("s3:DeleteObject", &error) {
                gone if matches!(gone.code(), Some("NoSuchKey" | "NotFound")) => Ok(()),
                error => Err(error),
            },
        }
    }

    async fn list(&mut self, prefix: &str) -> Result<Vec<Object>, ReadError> {
        // Keys come from elsewhere; what the caller named itself is wanted whatever its name.
        let named = prefix.rfind('/').map_or(0, |slash| slash + 1);
        let mut objects = vec![];
        let mut token = None;
        loop {
            let call = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
            match call.set_continuation_token(token.clone()).send().await {
                Ok(page) => {
                    let listed = page.contents.unwrap_or_default().into_iter();
                    objects.extend(listed.filter_map(object).filter(|o| is_ours(o, named)));
                    token = page.next_continuation_token;
                    if token.is_none() {
                        break;
                    }
                }
                Err(error) if self.moves_to_region_of(&error) => {}
                Err(error) => return Err(ReadError::of_call("s3:ListObjectsV2", &error)),
            }
        }
        // Directory buckets list in no order.
        objects.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(objects)
    }

    /// Whether S3 has said that the bucket is elsewhere, where it is asked from now on.
    fn moves_to_region_of<E>(&mut self, error: &SdkError<E, HttpResponse>) -> bool {
        let answer = error.raw_response();
        let region = answer.and_then(|answer| answer.headers().get("x-amz-bucket-region"));
        let Some(region) = region.filter(|region| **region != *self.region) else { return false };
        region.clone_into(&mut self.region);
        self.client = client(&self.config, region);
        true
    }

    /// A part of an object, as a whole.
    pub async fn read(&self, object: &Object, range: Range<u64>) -> Result<Vec<u8>, ReadError> {
        let mut bytes = vec![];
        let mut stream = self.part(object, range);
        while let Some(piece) = stream.next().await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }

    /// A part of an object, or all of it, piece by piece.
    #[must_use]
    pub fn part(&self, object: &Object, range: Range<u64>) -> ObjectStream {
        ObjectStream {
            client: self.client.clone(),
            bucket: self.name.clone(),
            object: object.clone(),
            rest: range,
            body: None,
            failures: 0,
        }
    }
}

/// An object's bytes as they come. A body that breaks off is gone on with where it broke; an
/// object that was replaced in the meantime is an error (`PreconditionFailed`).
#[derive(Debug)]
pub struct ObjectStream {
    client: Client,
    bucket: String,
    object: Object,
    rest: Range<u64>,
    body: Option<ByteStream>,
    failures: u32,
}

impl ObjectStream {
    /// The next piece; none at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        while !self.rest.is_empty() {
            match self.piece().await {
                Ok(piece) => {
                    self.failures = 0;
                    self.rest.start += piece.len() as u64;
                    return Ok(Some(piece));
                }
                Err(ReadError::NoAnswer { .. }) if self.failures < MOST_FAILURES => {
                    self.body = None;
                    TokioSleep::new().sleep(FIRST_PAUSE * 2_u32.pow(self.failures)).await;
                    self.failures += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn piece(&mut self) -> Result<Vec<u8>, ReadError> {
        const OPERATION: &str = "s3:GetObject";
        let body = match self.body.take() {
            Some(body) => body,
            None => self.ask().await?,
        };
        let body = self.body.insert(body);
        let broken = |reason: String| ReadError::NoAnswer { operation: OPERATION, reason };
        match body.next().await {
            Some(Ok(piece)) => Ok(piece.into()),
            Some(Err(error)) => Err(broken(crate::error::chain(&error))),
            None => Err(broken(format!("{} bytes never came", self.rest.end - self.rest.start))),
        }
    }

    async fn ask(&self) -> Result<ByteStream, ReadError> {
        let is_whole = self.rest == (0..self.object.size);
        let range = format!("bytes={}-{}", self.rest.start, self.rest.end - 1);
        let call = self.client.get_object().bucket(&self.bucket).key(&self.object.key);
        let call = call.set_if_match(self.object.e_tag.clone());
        let call = call.set_range((!is_whole).then_some(range));
        let answer = call.send().await;
        let answer = answer.map_err(|error| ReadError::of_call("s3:GetObject", &error))?;
        if !is_whole && !starts_at(&answer, self.rest.start) {
            let asked = self.rest.start;
            let reason = format!("the part from byte {asked} was asked for, another one came");
            return Err(ReadError::Unusable(reason));
        }
        Ok(answer.body)
    }
}

fn starts_at(answer: &GetObjectOutput, start: u64) -> bool {
    let range = answer.content_range().unwrap_or_default();
    range.strip_prefix("bytes ").and_then(|range| range.split_once('-')?.0.parse().ok())
        == Some(start)
}

fn client(config: &SdkConfig, region: &str) -> Client {
    let builder = config::Builder::from(config)
        .region(Region::new(region.to_owned()))
        // Other hosts than AWS's own seldom answer to a bucket's name in front of theirs.
        .force_path_style(has_own_endpoint(config))
        // A part has no checksum, and a body that broke off ends in one; TLS and the packed
        // formats have their own.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    Client::from_conf(builder.build())
}

/// Whether an endpoint is configured for all services or for S3 alone.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
fn has_own_endpoint(config: &SdkConfig) -> bool {
    let key = ServiceConfigKey::builder()
        .service_id("s3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_service = || config.service_config()?.load_config(key.ok()?);
    config.endpoint_url().is_some() || of_service().is_some()
}

fn object(listed: aws_sdk_s3::types::Object) -> Option<Object> {
    Some(Object {
        key: listed.key?,
        size: u64::try_from(listed.size.unwrap_or_default()).unwrap_or_default(),
        modified: listed.last_modified.as_ref().map(DateTime::secs),
        e_tag: listed.e_tag,
    })
}

fn described(key: &str, head: &HeadObjectOutput) -> Object {
    Object {
        key: key.to_owned(),
        size: u64::try_from(head.content_length().unwrap_or_default()).unwrap_or_default(),
        modified: head.last_modified().map(DateTime::secs),
        e_tag: head.e_tag().map(str::to_owned),
    }
}

/// Whether an object below what was named is no mark of another tool and no empty "folder".
fn is_ours(object: &Object, named: usize) -> bool {
    let below = object.key.get(named..).unwrap_or_default();
    !below.ends_with('/') && !below.split('/').any(|part| part.starts_with(['.', '_']))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::loopback::{self, Request};

    fn answer(status: &str, headers: &str, length: usize, body: &str) -> String {
        let head = "connection: close\r\netag: \"v1\"";
        format!("HTTP/1.1 {status}\r\n{head}\r\n{headers}content-length: {length}\r\n\r\n{body}")
    }

    fn bucket(address: SocketAddr) -> Bucket {
        Bucket::new(&loopback::config(address), "logs")
    }

    fn object(size: u64) -> Object {
        Object { key: "a/b.log".to_owned(), size, modified: None, e_tag: Some("\"v1\"".to_owned()) }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_gone_on_with_where_it_broke() {
        let range = |range: &str| format!("content-range: bytes {range}/10\r\n");
        let (address, requests) = loopback::service(&[
            &answer("200 OK", "", 10, "0123"),
            &answer("206 Partial Content", &range("4-9"), 6, ""),
            &answer("206 Partial Content", &range("4-9"), 6, "45"),
            &answer("206 Partial Content", &range("6-9"), 4, "6789"),
        ]);
        let bytes = bucket(address).read(&object(10), 0..10).await.unwrap();
        assert_eq!(bytes, b"0123456789");
        let requests = requests.join().unwrap();
        let requests: Vec<_> = requests.into_iter().map(|request| request.head).collect();
        let asked = |request: &String| request.contains("if-match: \"v1\"\r\n");
        assert!(requests.iter().all(asked), "{requests:?}");
        assert!(!requests[0].contains("\nrange:"), "{}", requests[0]);
        for (request, start) in requests[1..].iter().zip([4, 4, 6]) {
            assert!(request.contains(&format!("\nrange: bytes={start}-9\r\n")), "{request}");
        }
    }

    #[tokio::test]
    async fn an_object_that_was_replaced_is_refused() {
        let (address, _) = loopback::service(&[
            &answer("200 OK", "", 10, "0123"),
            &answer("412 Precondition Failed", "", 0, ""),
        ]);
        let error = bucket(address).read(&object(10), 0..10).await.unwrap_err();
        assert_eq!(error.code(), Some("PreconditionFailed"), "{error}");
    }

    #[tokio::test]
    async fn another_part_than_was_asked_for_is_refused() {
        let (address, _) = loopback::service(&[&answer("200 OK", "", 10, "0123456789")]);
        let error = bucket(address).read(&object(10), 4..10).await.unwrap_err();
        assert!(matches!(error, ReadError::Unusable(_)), "{error}");
    }

    /// S3 answers with the bucket's region, wherever it is asked.
    #[tokio::test]
    async fn a_bucket_is_asked_where_it_is() {
        let region = "x-amz-bucket-region: ap-southeast-2\r\n";
        let (address, requests) = loopback::service(&[
            &answer("301 Moved Permanently", region, 0, ""),
            &answer("200 OK", region, 10, ""),
        ]);
        let found = bucket(address).find("a/b.log").await.unwrap();
        assert_eq!(found, [object(10)]);
        let requests = requests.join().unwrap();
        for (request, region) in requests.iter().zip(["/eu-west-1/s3/", "/ap-southeast-2/s3/"]) {
            assert!(request.head.contains(region), "{}", request.head);
        }
    }

    #[tokio::test]
    async fn an_object_is_deleted_as_it_was_found() {
        let (address, requests) = loopback::service(&[
            &answer("204 No Content", "", 0, ""),
            &answer("404 Not Found", "", 0, ""),
            &answer("412 Precondition Failed", "", 0, ""),
        ]);
        let bucket = bucket(address);
        assert_eq!(bucket.delete(&object(10)).await, Ok(()));
        assert_eq!(bucket.delete(&object(10)).await, Ok(()));
        let error = bucket.delete(&object(10)).await.unwrap_err();
        assert_eq!(error.code(), Some("PreconditionFailed"), "{error}");
        for Request { head, .. } in requests.join().unwrap() {
            assert!(head.starts_with("delete /logs/a/b.log"), "{head}");
            assert!(head.contains("if-match: \"v1\"\r\n"), "{head}");
        }
    }

    #[test]
    fn marks_of_other_tools_are_left_out() {
        let is_ours = |key: &str, prefix: usize| {
            is_ours(&Object { key: key.to_owned(), ..object(1) }, prefix)
        };
        assert!(is_ours("_mine/a/b.log", 6));
        for key in ["_mine/_SUCCESS", "_mine/a/.hidden", "_mine/_temporary/b.log", "_mine/a/"] {
            assert!(!is_ours(key, 6), "{key}");
        }
    }
}
