//! What the recorder needs of AWS: one small trait for each thing it does there.
//! `aws-adapters` implements them on the SDK.

use crate::{
    Error, NatGatewayId,
    gateway::NatGateway,
    state::FlowLog,
    table::{Outcome, Write},
};

/// The table with one item per gateway.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Table {
    /// Does one conditional write on the gateway's item.
    async fn write(&self, gateway: &NatGatewayId, write: Write) -> Result<Outcome, Error>;
}

/// The gateways of this account and region.
#[expect(async_fn_in_trait, reason = "functions run on one thread, so no bound on Send is needed")]
pub trait Gateways {
    /// Describes the gateway; [`Error::GatewayNotFound`] when there is none.
    async fn describe(&self, gateway: &NatGatewayId) -> Result<NatGateway, Error>;
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

    /// Deletes them; one that is already gone is fine.
    async fn delete(&self, flow_log_ids: &[String]) -> Result<(), Error>;
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
    /// What EC2 says went wrong with its delivery, such as `Rate limited`.
    pub delivery_error: Option<String>,
}
