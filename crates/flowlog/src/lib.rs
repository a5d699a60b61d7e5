//! VPC flow logs: their fields, formats and meanings.
//!
//! One fact has one home: the fields that AWS defines are the table in [`Field`], the format
//! that the recorder asks for is [`RecordedFormat`], and the saved queries are generated from
//! both. Nothing here does I/O, knows AWS's APIs or starts a thread.
//!
//! ```
//! use flowlog::{Field, Format, RecordedFormat};
//!
//! let format = Format::parse("${srcaddr} ${dstaddr} ${bytes}")?;
//! assert_eq!(format.position(Field::Bytes), Some(2));
//! assert_eq!(RecordedFormat::Zonal.format().position(Field::Action), Some(0));
//! # Ok::<(), flowlog::FormatError>(())
//! ```

mod addresses;
mod bad_line;
mod blocks;
mod detect;
mod digits;
mod envelope;
mod field;
mod format;
mod legs;
mod parser;
mod protocol;
pub mod queries;
mod recorded;
mod source;
mod split;
mod value;
mod values;

pub use bad_line::BadLine;
pub use detect::UnknownFormat;
pub use field::{FIELD_COUNT, Field, FieldFacts, Unit, ValueType};
pub use format::{Format, FormatError, FormatField};
pub use legs::{Flow, GatewayAddresses, Leg};
pub use parser::{Counts, Parser, Record, Records};
pub use protocol::protocol_keyword;
pub use recorded::RecordedFormat;
pub use value::{Expected, Value};
pub use values::{Action, FlowDirection, LogStatus, TcpFlags, TrafficPath};
