//! Flow records as the datagrams of NetFlow v5, NetFlow v9 and IPFIX.
//!
//! Sources: [RFC 7011] and [RFC 7012] (IPFIX), IANA's [registry] of information elements,
//! [RFC 3954] (NetFlow v9), Cisco's [datagram format] (NetFlow v5).
//!
//! An [`Encoder`] turns [`Flow`]s into [`Datagrams`]; whoever sends these gives them their
//! sequence numbers first ([`Datagrams::number`]), so that several encoders can fill datagrams of
//! one observation domain side by side. Nothing is allocated per record.
//!
//! A value that a record lacks is left out of it: the template says so, and [`Counts`] names the
//! field. The number of a template follows from the fields that it has, so that it never means
//! anything else: not in another encoder, and not after a restart.
//!
//! ```
//! use export::netflow::{Encoder, Flow, Protocol, Settings};
//! use flowlog::Parser;
//!
//! let text = b"srcaddr dstaddr bytes\n10.0.1.5 203.0.113.5 1500\n";
//! let mut encoder = Encoder::new(Settings::new(Protocol::Ipfix))?;
//! encoder.set_time(1_700_000_000);
//! let mut parser = Parser::detect(text).unwrap();
//! let mut records = parser.records(text);
//! while let Some(Ok(record)) = records.next() {
//!     encoder.add_record(&record, None);
//! }
//! encoder.finish();
//! let next_sequence = encoder.datagrams_mut().number(41);
//! assert_eq!(next_sequence, 42);
//! assert_eq!(encoder.datagrams().iter().count(), 1);
//! # Ok::<(), export::netflow::SettingsError>(())
//! ```
//!
//! [RFC 7011]: https://www.rfc-editor.org/rfc/rfc7011
//! [RFC 7012]: https://www.rfc-editor.org/rfc/rfc7012
//! [RFC 3954]: https://www.rfc-editor.org/rfc/rfc3954
//! [registry]: https://www.iana.org/assignments/ipfix/ipfix.xhtml
//! [datagram format]: https://www.cisco.com/c/en/us/td/docs/net_mgmt/netflow_collection_engine/3-6/user/guide/format.html

mod counts;
mod datagrams;
mod element;
mod encoder;
mod flow;
mod image;
mod packet;
mod shape;
mod template;
mod templated;
mod uptime;
mod v5;

pub use counts::{Counts, Unexportable};
pub use datagrams::{Datagram, Datagrams};
pub use encoder::{Encoder, Protocol, Settings, SettingsError};
pub use flow::{Flow, INSIDE, OUTSIDE, WANTED_FIELDS};
