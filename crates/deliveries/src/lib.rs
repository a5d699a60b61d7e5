//! What a forwarder's Lambda function is invoked with.
//!
//! Either log events that a subscription of CloudWatch Logs sent, directly or through a Kinesis
//! stream, or objects that S3 tells of.
//!
//! ```
//! use deliveries::{Content, Delivery, Unpacker};
//!
//! let event = serde_json::json!({"awslogs": {"data": "H4sIAAAAAAACA6tWyk0tLk5MTw2pLEhVslJy9vcLCfL3ifd1DQ52dHdV0lHKL89LLQLJ5OSXppQnliRn+OSnFwMlcvLT3YvySwuAchBecElRamIuhFtcmlScXJRZUJKZn+eWmVOSWlSsZBUdC1bnWpaaVwLm1gIAGeSWUn8AAAA="}});
//! let Delivery::Payloads(payloads) = Delivery::read(event)? else { unreachable!() };
//! let mut unpacker = Unpacker::default();
//! for payload in &payloads {
//!     match unpacker.open(payload) {
//!         Ok(Content::Events(delivered)) => println!("{} events", delivered.log_events.len()),
//!         Ok(Content::Control) => println!("CloudWatch Logs asked whether anybody is there"),
//!         Err(error) => println!("{error}"),
//!     }
//! }
//! # Ok::<(), deliveries::EventError>(())
//! ```

mod content;
mod event;
mod unpacker;

pub use content::{Content, LogEvent, LogEvents};
pub use event::{Delivery, EventError, Payload, StreamRecord};
pub use notifications::{Object, PartialFailures, Told};
pub use unpacker::{PayloadError, Unpacker};
