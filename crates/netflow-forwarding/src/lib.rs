//! Sends the records of objects to NetFlow and IPFIX collectors: what the Lambda function
//! `forward-netflow` does, without AWS.
//!
//! [`Forwarder::forward`] handles the objects of one invocation. It reads them through [`Buckets`]
//! and numbers the datagrams through [`Sequences`], which both have their AWS side elsewhere.

mod error;
mod forwarder;
mod ports;
mod settings;
mod stream;
mod summary;

pub use error::Error;
pub use forwarder::{Forwarded, Forwarder};
pub use ports::{Buckets, PortError, Sequences};
pub use settings::Settings;
pub use summary::Summary;
