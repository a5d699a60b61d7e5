//! What all parts of the front door share.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::http::uri::Authority;

use crate::alarms::Alarms;
use crate::aws::AwsClient;
use crate::callers::{self, Callers};
use crate::faults::Faults;
use crate::flow_logs::FlowLogTokens;
use crate::flow_records::Traffic;
use crate::journal::Journal;
use crate::lambda::Functions;
use crate::logs_insights::Queries;
use crate::mailbox::Mailbox;
use crate::nat_metrics::NatMetrics;
use crate::service_metrics::ServiceMetrics;
use crate::throttling::Throttling;

/// The front door.
pub(crate) struct Door {
    /// Calls moto directly: nobody sees them.
    pub(crate) moto: AwsClient,
    /// Calls the front door itself, as EventBridge.
    pub(crate) as_events: AwsClient,
    /// Calls the front door itself, as CloudWatch.
    pub(crate) as_cloudwatch: AwsClient,
    pub(crate) callers: Arc<Callers>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) faults: Faults,
    pub(crate) mailbox: Mailbox,
    pub(crate) functions: Functions,
    pub(crate) alarms: Alarms,
    pub(crate) flow_log_tokens: FlowLogTokens,
    pub(crate) traffic: Traffic,
    pub(crate) nat_metrics: NatMetrics,
    pub(crate) service_metrics: ServiceMetrics,
    pub(crate) queries: Queries,
    pub(crate) throttling: Throttling,
}

impl Door {
    /// A front door on `address` for the moto at `moto`.
    pub(crate) fn new(address: SocketAddr, moto: Authority) -> anyhow::Result<Self> {
        let callers = Arc::new(Callers::default());
        let journal = Arc::new(Journal::new());
        let moto = AwsClient::new(moto, callers.new_access_key(callers::FRONT_DOOR));
        let own = Authority::try_from(address.to_string())?;
        let functions =
            Functions::new(address, moto.clone(), Arc::clone(&callers), Arc::clone(&journal))?;
        Ok(Self {
            as_events: AwsClient::new(own.clone(), callers.new_access_key(callers::EVENTS)),
            as_cloudwatch: AwsClient::new(own, callers.new_access_key(callers::CLOUDWATCH)),
            moto,
            callers,
            journal,
            faults: Faults::default(),
            mailbox: Mailbox::default(),
            functions,
            alarms: Alarms::default(),
            flow_log_tokens: FlowLogTokens::default(),
            traffic: Traffic::default(),
            nat_metrics: NatMetrics::default(),
            service_metrics: ServiceMetrics::default(),
            queries: Queries::default(),
            throttling: Throttling::default(),
        })
    }
}
