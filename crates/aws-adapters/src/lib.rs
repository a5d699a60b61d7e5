//! The AWS side of the ports in [`recording::ports`]. The only crate that depends
//! on the SDK's service crates: aws-sdk-ec2 alone takes minutes to compile.
//!
//! Calls are retried here as the SDK does (three attempts for what is transient);
//! the state machine's own retries come on top and last for minutes.

mod address_ranges;
#[cfg(all(feature = "cloudwatch", feature = "profile"))]
mod alarms;
#[cfg(feature = "s3")]
mod bucket_events;
#[cfg(feature = "step-functions")]
mod callbacks;
#[cfg(all(feature = "dynamodb", feature = "profile"))]
mod checkpoints;
mod clock;
mod config;
#[cfg(feature = "firehose")]
mod delivery_streams;
mod error;
#[cfg(feature = "executions")]
mod executions;
#[cfg(feature = "ec2")]
mod flow_logs;
#[cfg(feature = "ec2")]
mod gateways;
mod https;
#[cfg(feature = "logs")]
mod log_events;
#[cfg(feature = "logs")]
mod logs_queries;
#[cfg(test)]
#[cfg(any(feature = "dynamodb", feature = "executions", feature = "firehose", feature = "s3"))]
mod loopback;
#[cfg(all(feature = "step-functions", feature = "profile"))]
mod mailed_reports;
#[cfg(all(feature = "cloudwatch", feature = "profile"))]
mod metered_bytes;
#[cfg(feature = "cloudwatch")]
mod metrics;
#[cfg(feature = "ec2")]
mod network_interfaces;
#[cfg(feature = "s3")]
mod objects;
mod posts;
mod presigned_url;
#[cfg(feature = "profile")]
pub mod profile;
#[cfg(any(feature = "dynamodb", feature = "logs", feature = "profile", feature = "s3"))]
mod read_error;
#[cfg(all(feature = "dynamodb", feature = "profile"))]
mod recordings;
#[cfg(feature = "dynamodb")]
mod replaced_texts;
#[cfg(all(feature = "kms", feature = "secrets-manager", feature = "ssm"))]
mod secrets;
#[cfg(feature = "dynamodb")]
mod sequences;
#[cfg(feature = "executions")]
mod step_functions;
#[cfg(all(feature = "kinesis", feature = "profile"))]
mod streams;
#[cfg(feature = "subnets")]
mod subnets;
#[cfg(feature = "dynamodb")]
mod table;
#[cfg(feature = "sns")]
mod topic;
#[cfg(feature = "ec2")]
mod vpc_endpoints;

pub use address_ranges::PublishedRanges;
#[cfg(all(feature = "cloudwatch", feature = "profile"))]
pub use alarms::{Alarms, GatewayAlarm};
#[cfg(feature = "s3")]
pub use bucket_events::BucketEvents;
#[cfg(feature = "step-functions")]
pub use callbacks::StepFunctionsCallbacks;
#[cfg(all(feature = "dynamodb", feature = "profile"))]
pub use checkpoints::{CheckpointItem, MOST_CHECKPOINT_BYTES, Stored, Written};
pub use clock::Stopwatch;
pub use config::{SdkConfig, from_environment};
#[cfg(feature = "firehose")]
pub use delivery_streams::DeliveryStreams;
#[cfg(feature = "executions")]
pub use executions::StateMachineExecutions;
#[cfg(feature = "ec2")]
pub use flow_logs::{Delivery, Ec2FlowLogs, FileFormat};
#[cfg(feature = "ec2")]
pub use gateways::Ec2Gateways;
#[cfg(feature = "logs")]
pub use log_events::{Filtered, LogEvents, LogGroup, LogGroups, Queried, Seconds};
#[cfg(feature = "logs")]
pub use logs_queries::LogsInsights;
#[cfg(all(feature = "step-functions", feature = "profile"))]
pub use mailed_reports::{MailedReport, MailedReports};
#[cfg(all(feature = "cloudwatch", feature = "profile"))]
pub use metered_bytes::MeteredBytes;
#[cfg(feature = "cloudwatch")]
pub use metrics::CloudWatchMetrics;
#[cfg(feature = "ec2")]
pub use network_interfaces::Ec2NetworkInterfaces;
#[cfg(feature = "s3")]
pub use objects::{Bucket, Object, ObjectStream};
pub use posts::{HttpAnswer, HttpsPosts};
pub use presigned_url::PresignedUrl;
#[cfg(any(feature = "dynamodb", feature = "logs", feature = "profile", feature = "s3"))]
pub use read_error::ReadError;
#[cfg(all(feature = "dynamodb", feature = "profile"))]
pub use recordings::RecordingsTables;
#[cfg(feature = "dynamodb")]
pub use replaced_texts::ReplacedTexts;
#[cfg(all(feature = "kms", feature = "secrets-manager", feature = "ssm"))]
pub use secrets::SecretSource;
#[cfg(feature = "dynamodb")]
pub use sequences::SequenceTable;
#[cfg(all(feature = "kinesis", feature = "profile"))]
pub use streams::{Batch, ReadFrom, Shard, Stream, StreamIdentity, StreamRecord};
#[cfg(feature = "subnets")]
pub use subnets::{Subnet, Subnets};
#[cfg(feature = "dynamodb")]
pub use table::DynamoDbTable;
#[cfg(feature = "sns")]
pub use topic::SnsTopic;
#[cfg(feature = "ec2")]
pub use vpc_endpoints::Ec2VpcEndpoints;
