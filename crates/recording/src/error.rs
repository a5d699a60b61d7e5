//! What can go wrong, under names that the state machine knows.

use std::fmt;

/// An error of a step. Its [`name`](Error::name) is what the state machine sees,
/// its text is what the e-mail says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input of the execution or the event is none that starts, ends or
    /// describes a recording.
    #[error("{0}")]
    EventRefused(String),

    /// A variable of the function's environment is missing or wrong.
    #[error(
        "the environment variable {name} is {found}, expected {expected}: deploy the stack again from its template"
    )]
    SettingsWrong {
        /// The variable.
        name: String,
        /// What stands there, or "not set".
        found: String,
        /// What should stand there.
        expected: &'static str,
    },

    /// EC2 knows no such NAT gateway, or it is being deleted.
    #[error(
        "NAT gateway {gateway} cannot be recorded: {found}, expected an available gateway of this account and region; correct NatGatewayIDs and deploy again"
    )]
    GatewayNotFound {
        /// The gateway asked for.
        gateway: String,
        /// What EC2 answered, in words.
        found: String,
    },

    /// `CreateFlowLogs` answered 200 and listed the resource as unsuccessful.
    #[error("EC2 created no flow log for {resource}: {code}, {message}")]
    FlowLogRefused {
        /// The network interface or the regional gateway.
        resource: String,
        /// EC2's error code.
        code: String,
        /// EC2's own sentence.
        message: String,
    },

    /// A flow log of somebody else's already sends the same records to the same
    /// log group or folder.
    #[error(
        "{resource} already has the flow log {flow_log}, which this stack did not create, to the same destination: delete it, or let it send elsewhere"
    )]
    FlowLogTaken {
        /// The network interface or the regional gateway.
        resource: String,
        /// The other flow log.
        flow_log: String,
    },

    /// `DeleteFlowLogs` did not delete.
    #[error(
        "EC2 did not delete the flow log {flow_log}: {code}, {message}; it goes on costing until `aws ec2 delete-flow-logs --flow-log-ids {flow_log}` succeeds"
    )]
    DeleteRefused {
        /// The flow log that still runs.
        flow_log: String,
        /// EC2's error code.
        code: String,
        /// EC2's own sentence.
        message: String,
    },

    /// The gateway's lease belongs to another execution by now.
    #[error(
        "the lease of {gateway} is no longer held by {execution}, but by {holder}: this execution is too late and changes nothing more"
    )]
    LeaseLost {
        /// The gateway.
        gateway: String,
        /// The execution that asked.
        execution: String,
        /// The execution that holds the lease, or "nobody".
        holder: String,
    },

    /// A sweep could not do all that it found to do.
    #[error("this sweep has left work for the next one: {left}")]
    SweepIncomplete {
        /// What, a sentence each.
        left: String,
    },

    /// The stack is being deleted, and recordings may be left behind.
    #[error(
        "recordings of the stack {stack} may be left behind and cost money, since {why}; delete the stack again, or stop the executions of its state machine, delete the flow logs that `aws ec2 describe-flow-logs --filter Name=tag:nat-flow-recorder:stack,Values={stack}` lists with `aws ec2 delete-flow-logs --flow-log-ids`, and delete the stack again, retaining this resource"
    )]
    RecordingsLeft {
        /// The stack.
        stack: String,
        /// What went wrong.
        why: String,
    },

    /// AWS refused the call, and would again.
    #[error("{operation} was refused: {code}, {message}")]
    AwsRefused {
        /// Service and operation, like `ec2:CreateFlowLogs`.
        operation: &'static str,
        /// The service's error code.
        code: String,
        /// The service's own sentence.
        message: String,
    },

    /// Throttled, unreachable or faulty for the moment: the state machine tries
    /// again.
    #[error("{operation} failed for the moment: {message}")]
    Transient {
        /// Service and operation, like `dynamodb:UpdateItem`.
        operation: &'static str,
        /// What went wrong.
        message: String,
    },
}

impl Error {
    /// The name that the state machine catches and retries by.
    #[must_use]
    pub fn name(&self) -> ErrorName {
        match self {
            Self::EventRefused(_) => ErrorName::EventRefused,
            Self::SettingsWrong { .. } => ErrorName::SettingsWrong,
            Self::GatewayNotFound { .. } => ErrorName::GatewayNotFound,
            Self::FlowLogRefused { .. } => ErrorName::FlowLogRefused,
            Self::FlowLogTaken { .. } => ErrorName::FlowLogTaken,
            Self::DeleteRefused { .. } => ErrorName::DeleteRefused,
            Self::LeaseLost { .. } => ErrorName::LeaseLost,
            Self::SweepIncomplete { .. } => ErrorName::SweepIncomplete,
            Self::RecordingsLeft { .. } => ErrorName::RecordingsLeft,
            Self::AwsRefused { .. } => ErrorName::AwsRefused,
            Self::Transient { .. } => ErrorName::Transient,
        }
    }
}

/// The error types of the functions, as the state machine spells them. Only
/// [`Transient`](ErrorName::Transient) and
/// [`DeleteRefused`](ErrorName::DeleteRefused) are worth another try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is explained at the Error of the same name")]
pub enum ErrorName {
    EventRefused,
    SettingsWrong,
    GatewayNotFound,
    FlowLogRefused,
    FlowLogTaken,
    DeleteRefused,
    LeaseLost,
    SweepIncomplete,
    RecordingsLeft,
    AwsRefused,
    Transient,
}

impl ErrorName {
    /// Every name, for the check that the state machine uses no other.
    pub const ALL: [Self; 11] = [
        Self::EventRefused,
        Self::SettingsWrong,
        Self::GatewayNotFound,
        Self::FlowLogRefused,
        Self::FlowLogTaken,
        Self::DeleteRefused,
        Self::LeaseLost,
        Self::SweepIncomplete,
        Self::RecordingsLeft,
        Self::AwsRefused,
        Self::Transient,
    ];

    /// As it stands in `ErrorEquals`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventRefused => "EventRefused",
            Self::SettingsWrong => "SettingsWrong",
            Self::GatewayNotFound => "GatewayNotFound",
            Self::FlowLogRefused => "FlowLogRefused",
            Self::FlowLogTaken => "FlowLogTaken",
            Self::DeleteRefused => "DeleteRefused",
            Self::LeaseLost => "LeaseLost",
            Self::SweepIncomplete => "SweepIncomplete",
            Self::RecordingsLeft => "RecordingsLeft",
            Self::AwsRefused => "AwsRefused",
            Self::Transient => "Transient",
        }
    }
}

impl fmt::Display for ErrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
