//! Records as the objects that AWS writes into a bucket.
//!
//! `folder/AWSLogs/account/vpcflowlogs/region/2026/11/21/`, with `aws-account-id=…/` and so on in
//! Hive's style, and a folder of the hour in it where that was asked for. Source:
//! <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html>

use std::fmt::Write as _;
use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use flowlog::Format;
use hyper::Method;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use roxmltree::Node;
use sha2::{Digest as _, Sha256};

use crate::aws::{AwsClient, AwsError};
use crate::xml;

use super::gateway::Gateway;
use super::parquet;
use super::record::{self, Values};

/// What need not be encoded in the path of an object.
const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A folder of a bucket, and how files are written there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Folder {
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
    is_parquet: bool,
    is_hive: bool,
    is_hourly: bool,
}

impl Folder {
    /// The destination of a flow log that `DescribeFlowLogs` shows.
    pub(super) fn of_item(item: Node<'_, '_>) -> Option<Self> {
        let path = xml::text(item, "logDestination")?.splitn(6, ':').nth(5)?;
        let (bucket, folder) = path.split_once('/').unwrap_or((path, ""));
        let folder = folder.trim_matches('/');
        let options = xml::child(item, "destinationOptions");
        let option = |name| options.and_then(|options| xml::text(options, name));
        Some(Self {
            bucket: bucket.to_owned(),
            prefix: if folder.is_empty() { String::new() } else { format!("{folder}/") },
            is_parquet: option("fileFormat") == Some("parquet"),
            is_hive: option("hiveCompatiblePartitions") == Some("true"),
            is_hourly: option("perHourPartition") == Some("true"),
        })
    }

    /// The content of an object with these records.
    pub(super) fn file(&self, format: &Format, records: &[Values]) -> Result<Vec<u8>, AwsError> {
        let file =
            if self.is_parquet { parquet::file(format, records) } else { text(format, records) };
        file.map_err(|error| AwsError::Answer(format!("writing a file of records: {error}")))
    }

    /// Puts an object into the bucket; returns its URL.
    pub(super) async fn put(
        &self,
        moto: &AwsClient,
        (gateway, flow_log_id, at): (&Gateway, &str, Timestamp),
        body: Vec<u8>,
    ) -> Result<String, AwsError> {
        let key = self.key(gateway, flow_log_id, at);
        let path = format!("/{}/{key}", self.bucket);
        let path = utf8_percent_encode(&path, PATH).to_string();
        let acl = [("x-amz-acl", "bucket-owner-full-control")];
        moto.rest(&gateway.region, "s3", (Method::PUT, &path), &acl, Bytes::from(body)).await?;
        Ok(format!("s3://{}/{key}", self.bucket))
    }

    fn key(&self, gateway: &Gateway, flow_log_id: &str, at: Timestamp) -> String {
        let Gateway { account, region, .. } = gateway;
        let at_utc = at.to_zoned(TimeZone::UTC);
        let (of_gateway, day, hour) = if self.is_hive {
            let of_gateway =
                format!("aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}");
            (of_gateway, "year=%Y/month=%m/day=%d/", "hour=%H/")
        } else {
            (format!("{account}/vpcflowlogs/{region}"), "%Y/%m/%d/", "%H/")
        };
        let hour = if self.is_hourly { hour } else { "" };
        let time = at_utc.strftime(&format!("{day}{hour}")).to_string();
        let minute = at_utc.strftime("%Y%m%dT%H%MZ");
        let hash = hash(flow_log_id, at);
        let end = if self.is_parquet { "parquet" } else { "gz" };
        format!(
            "{}AWSLogs/{of_gateway}/{time}{account}_vpcflowlogs_{region}_{flow_log_id}_{minute}_{hash}.log.{end}",
            self.prefix
        )
    }
}

/// Lines after a header line with the names of the fields, compressed.
fn text(format: &Format, records: &[Values]) -> std::io::Result<Vec<u8>> {
    let mut file = GzEncoder::new(Vec::new(), Compression::default());
    let names: Vec<_> = format.fields().iter().map(|field| field.name().to_owned()).collect();
    writeln!(file, "{}", names.join(" "))?;
    for values in records {
        writeln!(file, "{}", record::line(values))?;
    }
    file.finish()
}

/// Eight hexadecimal digits, so that no file of the same minute takes the place of another.
fn hash(flow_log_id: &str, at: Timestamp) -> String {
    let digest = Sha256::digest(format!("{flow_log_id} {}", at.as_nanosecond()));
    digest.iter().take(4).fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use flowlog::RecordedFormat;

    use super::super::gateway::tests::gateway;
    use super::*;

    fn folder(options: &str) -> Folder {
        let item = format!(
            "<r xmlns='http://ec2'><logDestination>arn:aws:s3:::b/recorder/text/</logDestination>\
             <destinationOptions>{options}</destinationOptions></r>"
        );
        let document = xml::parse(&item).unwrap();
        Folder::of_item(document.root_element()).unwrap()
    }

    fn key(options: &str) -> String {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        folder(options).key(&gateway(), "fl-1", at)
    }

    #[test]
    fn keys_are_those_of_aws() {
        let name = "123456789012_vpcflowlogs_us-east-1_fl-1_20260102T0304Z_";
        let plain = "recorder/text/AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/02/";
        assert!(key("").starts_with(&format!("{plain}{name}")), "{}", key(""));
        assert!(key("").ends_with(".log.gz"));
        assert!(
            key("<perHourPartition>true</perHourPartition>")
                .starts_with(&format!("{plain}03/{name}"))
        );
        let hive = key("<hiveCompatiblePartitions>true</hiveCompatiblePartitions>\
            <perHourPartition>true</perHourPartition><fileFormat>parquet</fileFormat>");
        assert!(hive.starts_with(&format!(
            "recorder/text/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/\
             aws-region=us-east-1/year=2026/month=01/day=02/hour=03/{name}"
        )));
        assert!(hive.ends_with(".log.parquet"));
    }

    #[test]
    fn text_begins_with_the_names_of_the_fields() {
        let format = RecordedFormat::Zonal.format();
        let mut values = vec![None; format.fields().len()];
        values[0] = Some("ACCEPT".to_owned());
        let file = folder("").file(&format, &[values]).unwrap();
        let mut text = String::new();
        GzDecoder::new(file.as_slice()).read_to_string(&mut text).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("action flow-direction traffic-path srcaddr "));
        assert!(lines[1].starts_with("ACCEPT - - "));
    }
}
