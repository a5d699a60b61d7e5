//! The AWS side of the ports in [`recording::ports`]. The only crate that depends
//! on the SDK's service crates: aws-sdk-ec2 alone takes minutes to compile.
//!
//! Calls are retried here as the SDK does (three attempts for what is transient);
//! the state machine's own retries come on top and last for minutes.

#[cfg(feature = "step-functions")]
mod callbacks;
mod config;
mod error;
#[cfg(feature = "ec2")]
mod flow_logs;
#[cfg(feature = "ec2")]
mod gateways;
mod https;
#[cfg(feature = "dynamodb")]
mod table;

#[cfg(feature = "step-functions")]
pub use callbacks::StepFunctionsCallbacks;
pub use config::{SdkConfig, from_environment};
#[cfg(feature = "ec2")]
pub use flow_logs::{Delivery, Ec2FlowLogs};
#[cfg(feature = "ec2")]
pub use gateways::Ec2Gateways;
#[cfg(feature = "dynamodb")]
pub use table::DynamoDbTable;
