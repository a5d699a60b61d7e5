//! Flow records as counters by subnet, and counters as what Prometheus scrapes.
//!
//! A [`Counter`] makes a [`Tally`] of the lines or messages of a piece of input; [`Totals`] add tallies up and bound how
//! many subnets have a label of their own; a [`Page`] writes counters and gauges in one of the
//! [formats](PageFormat) that scrapers ask for. [`Window`] remembers the events that were counted.
//!
//! ```
//! use export::prometheus::{Ends, Page, PageFormat, Subnets, Tally, Totals};
//! use flowlog::Parser;
//!
//! let subnets = Subnets::parse("10.0.1.0/24")?;
//! let text = b"srcaddr dstaddr packets bytes action\n10.0.1.5 203.0.113.5 3 1500 ACCEPT\n";
//! let mut parser = Parser::detect(text).unwrap();
//! let mut tally = Tally::new(&subnets, Ends::Both);
//! let mut records = parser.records(text);
//! while let Some(Ok(record)) = records.next() {
//!     tally.add(&record);
//! }
//! let mut totals = Totals::default();
//! totals.add(&tally, 1000);
//! assert_eq!(totals.subnets["10.0.1.0/24"].sent_bytes, 1500);
//!
//! let mut page = Page::new(PageFormat::Text);
//! totals.write(&mut page);
//! assert!(page.finish().contains("flowlog_sent_bytes_total{subnet=\"10.0.1.0/24\"} 1500\n"));
//! # Ok::<(), export::prometheus::SubnetsError>(())
//! ```

mod counter;
mod page;
mod subnets;
mod tally;
mod totals;
mod window;

pub use counter::{Counted, Counter};
pub use page::{Page, PageFormat};
pub use subnets::{IpNet, Subnets, SubnetsError};
pub use tally::{Ends, SubnetCounts, Tally, WANTED_FIELDS};
pub use totals::{OTHER, Totals};
pub use window::Window;
