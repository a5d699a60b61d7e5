//! Reads the flow-log records of an object while it is downloaded: of any size, in the memory of
//! one block of lines.
//!
//! Whoever downloads pushes each piece as it comes and takes the records that are complete by
//! then, so that this crate knows neither S3 nor how to wait:
//!
//! ```
//! use flowlog::Field;
//! use objects::ObjectRecords;
//!
//! let mut object = ObjectRecords::new(None);
//! let mut sum = 0;
//! let mut pieces = ["srcaddr bytes\n10.0.1.5 15", "00\n10.0.1.6 40\n10.0.1.7 many"].into_iter();
//! loop {
//!     // With S3: `match stream.next().await?`.
//!     match pieces.next() {
//!         Some(piece) => object.push(piece.into()),
//!         None => object.end(),
//!     }
//!     while let Some(mut records) = object.next()? {
//!         while let Some(record) = records.next() {
//!             sum += record.ok().and_then(|record| record.number(Field::Bytes)).unwrap_or(0);
//!         }
//!     }
//!     if object.is_read() {
//!         break;
//!     }
//! }
//! assert_eq!((sum, object.counts().read, object.counts().bad), (1540, 2, 1));
//! # Ok::<(), objects::ObjectError>(())
//! ```
//!
//! Objects are text, plain or packed with gzip (several members may follow each other), as AWS
//! delivers flow logs and as log shippers write them; lines may be wrapped in JSON.

mod blocks;
mod cut;
mod error;
mod records;
mod unpack;

pub use blocks::Blocks;
pub use cut::complete_length;
pub use error::ObjectError;
pub use records::ObjectRecords;
