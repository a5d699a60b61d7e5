//! Flow-log records on their way through Firehose into `OpenSearch`.
//!
//! [`batches`] is the way in: what one `PutRecordBatch` takes. [`Enricher`] is the transform:
//! from the event that Firehose invokes a function with to the answer, a JSON document for each
//! record, with what EC2 knows of its interface and what databases know of its addresses. Nothing
//! here calls AWS: what is not known yet is asked for by the caller.

mod answer;
mod batches;
mod document;
mod event;
mod geolocation;
mod interfaces;
mod json;
mod reader;
mod timestamps;
mod transform;

pub use answer::MOST_ANSWER_BYTES;
pub use batches::{Batch, Batches, MOST_RECORD_BYTES};
pub use event::{Event, EventRecord};
pub use geolocation::{DatabaseError, Geolocation};
pub use reader::NoRecord;
pub use transform::{Enricher, MOST_ADDRESSES, NoAnswer, Outcome, Transformed, UnknownInterfaces};
