//! The AWS side of the ports in [`recording::ports`]. The only crate that depends
//! on the SDK's service crates: aws-sdk-ec2 alone takes minutes to compile.
//!
//! Calls are retried here as the SDK does (three attempts for what is transient);
//! the state machine's own retries come on top and last for minutes.

mod address_ranges;
#[cfg(feature = "step-functions")]
mod callbacks;
mod clock;
mod config;
mod error;
#[cfg(feature = "ec2")]
mod flow_logs;
#[cfg(feature = "ec2")]
mod gateways;
mod https;
#[cfg(feature = "logs")]
mod log_events;
#[cfg(feature = "logs")]
mod logs_queries;
#[cfg(feature = "cloudwatch")]
mod metrics;
#[cfg(feature = "ec2")]
mod network_interfaces;
#[cfg(feature = "s3")]
mod objects;
#[cfg(feature = "profile")]
pub mod profile;
#[cfg(any(feature = "logs", feature = "s3"))]
mod read_error;
#[cfg(feature = "dynamodb")]
mod table;
#[cfg(feature = "ec2")]
mod vpc_endpoints;

pub use address_ranges::PublishedRanges;
#[cfg(feature = "step-functions")]
pub use callbacks::StepFunctionsCallbacks;
pub use clock::Stopwatch;
pub use config::{SdkConfig, from_environment};
#[cfg(feature = "ec2")]
pub use flow_logs::{Delivery, Ec2FlowLogs, FileFormat};
#[cfg(feature = "ec2")]
pub use gateways::Ec2Gateways;
#[cfg(feature = "logs")]
pub use log_events::{Filtered, LogEvents, LogGroup, LogGroups, Queried, Seconds};
#[cfg(feature = "logs")]
pub use logs_queries::LogsInsights;
#[cfg(feature = "cloudwatch")]
pub use metrics::CloudWatchMetrics;
#[cfg(feature = "ec2")]
pub use network_interfaces::Ec2NetworkInterfaces;
#[cfg(feature = "s3")]
pub use objects::{Bucket, Object, ObjectStream};
#[cfg(any(feature = "logs", feature = "s3"))]
pub use read_error::ReadError;
#[cfg(feature = "dynamodb")]
pub use table::DynamoDbTable;
#[cfg(feature = "ec2")]
pub use vpc_endpoints::Ec2VpcEndpoints;
