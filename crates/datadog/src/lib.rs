//! What flow-log records come to, as metrics for Datadog's intake.
//!
//! One delivery of records is one [`Points`]: records are added up for each set of tags and each
//! second, and only then are the points split into requests. The intake keeps the last of several
//! points of the same metric, tags and second, so two deliveries that could have such a point in
//! common are told apart by a tag `shard` (see [`Claims`]), and a delivery that comes again sends
//! what it sent before: the same points with the same values at the same times.
//!
//! Names, types and tags are those of Datadog's own function for flow logs; docs/forwarders.md
//! lists them. Nothing here knows AWS.

mod claims;
mod direction;
mod forward;
mod histogram;
mod intake;
mod key;
mod metric;
mod object_name;
mod points;
mod requests;
mod subject;

pub use claims::{Claim, Claims, writer};
pub use direction::Interfaces;
pub use forward::{
    Account, ForwardError, ForwardObjectError, Forwarder, Moment, Pieces, Sent, Settings,
};
pub use intake::{Answer, Intake, IntakeError, Retries, deliver};
pub use key::{ApiKey, NoApiKey};
pub use object_name::ObjectName;
pub use points::{FIELDS, Log, Points, Seen};
pub use requests::{Request, Requests};

/// Points that are older have no place in the intake, in seconds.
/// <https://docs.datadoghq.com/api/latest/metrics/#submit-metrics>
pub const OLDEST_SECONDS: i64 = 3600;

/// Points that are further ahead of now have no place in the intake, in seconds.
pub const NEWEST_SECONDS: i64 = 600;
