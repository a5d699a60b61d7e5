//! What the recorder needs of AWS: one small trait for each thing it does there.
//! `aws-adapters` implements them on the SDK.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use jiff::Timestamp;
use report::{
    email::Email,
    endpoint::VpcEndpoint,
    interface::{NetworkInterface, Tags},
    metered::MeteredMinute,
};

use crate::{
    Error, NatGatewayId,
    gateway::NatGateway,
    state::FlowLog,
    table::{Item, Outcome, Write},
};

/// The table with one item per gateway.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Table {
    /// Does one conditional write on the gateway's item.
    async fn write(&self, gateway: &NatGatewayId, write: Write) -> Result<Outcome, Error>;
}

/// The table as a whole.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Items {
    /// Every gateway's item, as the writes so far left it, in the order of the gateways' IDs.
    async fn items(&self) -> Result<Vec<(NatGatewayId, Item)>, Error>;
}

/// The gateways of this account and region.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Gateways {
    /// Describes the gateway; [`Error::GatewayNotFound`] when there is none.
    async fn describe(&self, gateway: &NatGatewayId) -> Result<NatGateway, Error>;
}

/// Which gateways there still are.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait ExistingGateways {
    /// Those of them that exist and are not being deleted.
    async fn existing(
        &self,
        gateways: &BTreeSet<NatGatewayId>,
    ) -> Result<BTreeSet<NatGatewayId>, Error>;
}

/// The flow logs that this stack creates.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait FlowLogs {
    /// Creates one flow log for each resource of the order; on an error some of them
    /// may exist.
    async fn create(&self, order: &FlowLogOrder) -> Result<Created, Error>;

    /// Every flow log that is to be found by the tags.
    async fn find(&self, tags: &[Tag]) -> Result<Vec<TaggedFlowLog>, Error>;

    /// Every flow log of these resources that sends to the recorder's log group,
    /// whoever created it.
    async fn on_resources(&self, resources: &[String]) -> Result<Vec<TaggedFlowLog>, Error>;

    /// Deletes them; one that is already gone is fine, and one that is refused does not keep
    /// the others.
    async fn delete(&self, flow_log_ids: &[String]) -> Result<(), Error>;
}

/// The executions of the state machine.
///
/// Step Functions answers these calls as of a moment ago. That an execution has ended is
/// final; that it runs, or is unknown, may be out of date.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Executions {
    /// The ARNs of those that run.
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html>
    async fn running(&self) -> Result<BTreeSet<String>, Error>;

    /// Those that have ended badly since then, by their ARNs; of thousands the latest.
    async fn ended_badly(&self, since: Timestamp) -> Result<Vec<String>, Error>;

    /// What became of one; `None`: Step Functions knows it no longer, or not yet.
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html>
    async fn describe(&self, execution: &str) -> Result<Option<Execution>, Error>;

    /// Whether one has published an e-mail, by its history.
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html>
    async fn has_published(&self, execution: &str) -> Result<bool, Error>;

    /// Stops one; one that has ended is fine. A function that it has called runs on.
    /// <https://docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html>
    async fn stop(&self, execution: &str, cause: &str) -> Result<(), Error>;
}

/// Whoever gets the e-mails.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Topic {
    /// Publishes an e-mail as the state machine does.
    async fn publish(&self, email: &Email) -> Result<(), Error>;
}

/// The executions that wait for an alarm to clear.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Callbacks {
    /// Answers a task token with this output. A token whose task no longer waits
    /// is [`Answered::TooLate`], which is no error.
    async fn succeed(
        &self,
        task_token: &str,
        output: &serde_json::Value,
    ) -> Result<Answered, Error>;
}

/// CloudWatch Logs Insights.
///
/// Few queries may run at once in an account: too many of them, like every other
/// throttling, is [`Error::Transient`], and the report tries again.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait LogsQueries {
    /// Starts a query and answers its ID.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html>
    async fn start(&self, query: &LogsQuery) -> Result<String, Error>;

    /// How far the query is, with the rows that it has so far.
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html>
    async fn results(&self, query_id: &str) -> Result<QueryResults, Error>;

    /// Stops a query that nobody waits for any more; one that has ended is fine.
    async fn stop(&self, query_id: &str) -> Result<(), Error>;
}

/// What CloudWatch metered of a gateway.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait GatewayMetrics {
    /// The sums (`Sum` over 60 seconds) of the metrics that [`MeteredMinute`] names, in the
    /// order of time, from the minute of `from` to before `to`. A minute without
    /// any data point is left out.
    async fn minutes(
        &self,
        gateway: &NatGatewayId,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<MeteredMinute>, Error>;
}

/// The network interfaces of this account and region.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait NetworkInterfaces {
    /// The interfaces of the VPC with any of these private IPv4 or IPv6 addresses, primary or
    /// secondary (filters `addresses.private-ip-address`, `ipv6-addresses.ipv6-address`,
    /// `vpc-id`). At most 200 addresses are asked for.
    async fn with_addresses(
        &self,
        vpc_id: &str,
        addresses: &[IpAddr],
    ) -> Result<Vec<NetworkInterface>, Error>;

    /// The tags of these instances (`DescribeTags`), by the instances' IDs; one without tags
    /// may be missing.
    async fn instance_tags(&self, instance_ids: &[String])
    -> Result<BTreeMap<String, Tags>, Error>;
}

/// The VPC endpoints of this account and region.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait VpcEndpoints {
    /// Every endpoint of the VPC, whatever its state.
    async fn of_vpc(&self, vpc_id: &str) -> Result<Vec<VpcEndpoint>, Error>;
}

/// The list of AWS's public addresses with their services and regions.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait AddressRanges {
    /// The text of <https://ip-ranges.amazonaws.com/ip-ranges.json>.
    async fn document(&self) -> Result<String, Error>;
}

/// Time as it passes.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Clock {
    /// Since when the clock was made; it never goes back.
    fn elapsed(&self) -> Duration;

    /// Lets so much time pass.
    async fn sleep(&self, length: Duration);
}

/// A Logs Insights query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogsQuery {
    /// The log group's name.
    pub log_group: String,
    /// The beginning of the window, inclusive; the API takes seconds.
    pub from: Timestamp,
    /// The end of the window, inclusive; the API takes seconds.
    pub to: Timestamp,
    /// The query.
    pub text: String,
    /// At most so many rows are answered; at most 10,000.
    pub limit: u32,
}

/// What `GetQueryResults` answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryResults {
    /// How far the query is.
    pub status: QueryStatus,
    /// The rows so far: values by their fields' names, without `@ptr`. A missing value is left
    /// out.
    pub rows: Vec<BTreeMap<String, String>>,
    /// What was looked at so far.
    pub statistics: QueryStatistics,
}

/// How far a query is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QueryStatus {
    /// `Scheduled`, `Running`, `Unknown` or a status of later times: the answer is yet to come.
    #[default]
    Running,
    /// The rows are complete.
    Complete,
    /// It failed; rows so far are not to be trusted.
    Failed,
    /// Somebody stopped it; the rows are some of them.
    Cancelled,
    /// It ran for too long; the rows are some of them.
    Timeout,
}

/// How much a query looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueryStatistics {
    /// Log events that matched.
    pub records_matched: f64,
    /// Log events that were looked at.
    pub records_scanned: f64,
    /// Bytes that were looked at, which is what is billed.
    pub bytes_scanned: f64,
}

/// An execution as `DescribeExecution` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// How it fares.
    pub status: ExecutionStatus,
    /// What it was started with, if that is JSON.
    pub input: serde_json::Value,
    /// How it failed, or what was said when it was stopped.
    pub error: Option<String>,
    /// Likewise, at length.
    pub cause: Option<String>,
}

/// How an execution fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// `RUNNING` or `PENDING_REDRIVE`, or a status of later times.
    Running,
    /// `SUCCEEDED`: it has told whom it concerns, or there was nothing to tell.
    Succeeded,
    /// `FAILED`
    Failed,
    /// `TIMED_OUT`
    TimedOut,
    /// `ABORTED`: somebody stopped it.
    Aborted,
}

/// What became of a task token's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// The execution goes on.
    Delivered,
    /// Nobody waits for it any more.
    TooLate,
}

/// A tag of a flow log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The tag's key.
    pub key: &'static str,
    /// Its value.
    pub value: String,
}

/// One `CreateFlowLogs` request. A retry sends the very same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowLogOrder {
    /// What is logged: network interfaces, or one regional gateway.
    pub resources: Vec<String>,
    /// Whether [`resources`](Self::resources) is a regional NAT gateway.
    pub regional: bool,
    /// The fields of a record: `${action} ${flow-direction} …`.
    pub log_format: String,
    /// At most 64 characters, the same for the same request.
    pub client_token: String,
    /// The tags, from the stored reservation.
    pub tags: Vec<Tag>,
}

/// What `CreateFlowLogs` created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// One flow log for each resource.
    All(Vec<FlowLog>),
    /// A flow log with the same destination exists on one of the resources.
    AlreadyExists,
}

/// A flow log with what tells whose it is and how it fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedFlowLog {
    /// The flow log.
    pub flow_log: FlowLog,
    /// The stack that created it, by its tag.
    pub stack: Option<String>,
    /// The execution that created it, by its tag.
    pub execution: Option<String>,
    /// The gateway that it records, by its tag.
    pub gateway: Option<NatGatewayId>,
    /// When its lease passes, by its tag.
    pub lease_ends_at: Option<Timestamp>,
    /// What EC2 says went wrong with its delivery, such as `Rate limited`.
    pub delivery_error: Option<String>,
}
