//! CloudWatch Logs Insights queries, run on local records.
//!
//! This is the subset of the query language that the saved queries use and that their users
//! expect beside it. What is not in it is refused with its place, and never ignored. How values
//! are converted and compared, and what AWS leaves open, is written down in `docs/insights.md`.
//!
//! Source: [the query syntax](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html)
//! and the pages of its commands.
//!
//! ```
//! use insights::{Event, Query};
//!
//! let query = Query::parse(
//!     r#"parse @message "* *" as client, bytes
//!        | stats sum(bytes) as total by client | sort total desc"#,
//! )?;
//! let messages = ["10.0.1.5 900", "10.0.1.6 1000", "10.0.1.5 600"];
//! let table = query.run(messages.map(|message| Event::new(0, message)));
//! assert_eq!(table.columns, ["client", "total"]);
//! let rows = table.rows.iter().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>());
//! assert_eq!(rows.collect::<Vec<_>>(), [["10.0.1.5", "1500"], ["10.0.1.6", "1000"]]);
//! # Ok::<(), insights::QueryError>(())
//! ```

mod aggregate;
mod calendar;
mod error;
mod evaluate;
mod event;
mod function;
mod glob;
mod groups;
mod lexer;
mod names;
mod order;
mod parser;
mod query;
mod rows;
mod syntax;
mod value;

pub use error::{Problem, QueryError};
pub use event::Event;
pub use query::{Query, Run, Statistics, Table};
pub use value::Value;
