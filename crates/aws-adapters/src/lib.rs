//! The AWS side of the ports in [`recording::ports`]. The only crate that depends
//! on the SDK's service crates: aws-sdk-ec2 alone takes minutes to compile.
//!
//! Calls are retried here as the SDK does (three attempts for what is transient);
//! the state machine's own retries come on top and last for minutes.

mod callbacks;
mod config;
mod error;
mod flow_logs;
mod gateways;
mod table;

pub use callbacks::StepFunctionsCallbacks;
pub use config::{SdkConfig, from_environment};
pub use flow_logs::{Delivery, Ec2FlowLogs};
pub use gateways::Ec2Gateways;
pub use table::DynamoDbTable;
