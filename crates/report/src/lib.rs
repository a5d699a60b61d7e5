//! What a recording says about a NAT gateway: who caused the spike, and what it cost.
//!
//! Everything here is pure. What Logs Insights, CloudWatch and EC2 answered comes in as
//! [`facts::Facts`], whether a Lambda function gathered it or `natflow`; out of it comes a
//! [`Report`], which programs get as JSON and people as an [e-mail](Report::email)
//! or as a [page](Report::page).

pub mod advice;
mod answer;
pub mod cause;
pub mod costs;
pub mod email;
pub mod endpoint;
pub mod facts;
pub mod interface;
pub mod metered;
mod page;
pub mod prices;
pub mod ranges;
mod report;
mod text;
pub mod timeline;
pub mod traffic;
pub mod words;

pub use report::{
    Client, List, Metered, NamedPeer, NamedPort, Others, Pair, Peak, Report, Row, Service, VERSION,
    clients_to_name,
};
