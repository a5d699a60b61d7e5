use std::slice;

use aws_sdk_ec2::{
    Client,
    error::ProvideErrorMetadata as _,
    operation::create_flow_logs::{CreateFlowLogsOutput, builders::CreateFlowLogsFluentBuilder},
    types::{
        DestinationFileFormat, DestinationOptionsRequest, Filter, FlowLog as Described,
        FlowLogsResourceType, LogDestinationType, ResourceType, Tag, TagSpecification, TrafficType,
        UnsuccessfulItem,
    },
};
use aws_types::SdkConfig;
use recording::{
    Error, NatGatewayId,
    ports::{Created, FlowLogOrder, FlowLogs, Tag as OwnTag, TaggedFlowLog},
    start::tag_key,
    state::FlowLog,
};

use crate::error;

/// The flow logs of EC2 that send to the recorder's log group or bucket.
#[derive(Clone, Debug)]
pub struct Ec2FlowLogs {
    client: Client,
    delivery: Option<Delivery>,
}

/// Where records go.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Into a log group.
    LogGroup {
        /// The log group.
        name: String,
        /// The role that VPC Flow Logs takes to write there.
        role_arn: String,
    },
    /// Into a bucket, which needs no role: its policy lets AWS's log delivery in.
    Bucket {
        /// The bucket's ARN and a folder, `arn:aws:s3:::bucket/folder/`.
        folder_arn: String,
        /// How the files are written.
        file_format: FileFormat,
    },
}

/// The format of files in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Lines, compressed by gzip, after a header line.
    Text,
    /// Parquet.
    Parquet,
}

impl Delivery {
    /// Adds the destination to a request.
    ///
    /// Files of a bucket lie in the folders of their days (`2026/11/21/`): neither in those of
    /// hours, of which Athena would have to look through 24 times as many when a query names
    /// no time, nor in Hive's (`year=2026/…`), whose three columns no one range can pick.
    fn of_request(&self, request: CreateFlowLogsFluentBuilder) -> CreateFlowLogsFluentBuilder {
        match self {
            Self::LogGroup { name, role_arn } => request
                .log_destination_type(LogDestinationType::CloudWatchLogs)
                .log_group_name(name)
                .deliver_logs_permission_arn(role_arn),
            Self::Bucket { folder_arn, file_format } => request
                .log_destination_type(LogDestinationType::S3)
                .log_destination(folder_arn)
                .destination_options(
                    DestinationOptionsRequest::builder()
                        .file_format((*file_format).into())
                        .hive_compatible_partitions(false)
                        .per_hour_partition(false)
                        .build(),
                ),
        }
    }

    /// The filter of `DescribeFlowLogs` that comes nearest.
    fn filter(&self) -> Filter {
        match self {
            Self::LogGroup { name, .. } => filter("log-group-name", vec![name.clone()]),
            Self::Bucket { .. } => filter("log-destination-type", vec!["s3".to_owned()]),
        }
    }

    /// Whether a flow log that the filter has found sends here.
    fn is_of(&self, described: &Described) -> bool {
        match self {
            Self::LogGroup { .. } => true,
            Self::Bucket { folder_arn, .. } => described.log_destination().is_some_and(|found| {
                found.trim_end_matches('/') == folder_arn.trim_end_matches('/')
            }),
        }
    }
}

impl From<FileFormat> for DestinationFileFormat {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Text => Self::PlainText,
            FileFormat::Parquet => Self::Parquet,
        }
    }
}

/// Seconds. EC2's own default is 600, too coarse for a spike.
const AGGREGATION_INTERVAL: i32 = 60;

const ALREADY_EXISTS: &str = "FlowLogAlreadyExists";
const NOT_FOUND: &str = "InvalidFlowLogId.NotFound";

/// `DeleteFlowLogs` takes 1,000, and one line of a log or a trail should hold its request.
const DELETED_AT_ONCE: usize = 100;

impl Ec2FlowLogs {
    /// Flow logs that can be created.
    #[must_use]
    pub fn new(config: &SdkConfig, delivery: Delivery) -> Self {
        Self { client: Client::new(config), delivery: Some(delivery) }
    }

    /// Flow logs that can be found and deleted only.
    #[must_use]
    pub fn existing(config: &SdkConfig) -> Self {
        Self { client: Client::new(config), delivery: None }
    }

    fn delivery(&self) -> Result<&Delivery, Error> {
        self.delivery.as_ref().ok_or_else(|| Error::SettingsWrong {
            name: "FLOW_LOG_DESTINATION".to_owned(),
            found: "not read".to_owned(),
            expected: "a destination, in a function that creates flow logs",
        })
    }

    async fn describe(&self, filters: Vec<Filter>) -> Result<Vec<TaggedFlowLog>, Error> {
        Ok(self.described(filters).await?.iter().map(tagged).collect())
    }

    async fn described(&self, filters: Vec<Filter>) -> Result<Vec<Described>, Error> {
        let mut pages =
            self.client.describe_flow_logs().set_filter(Some(filters)).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|failed| error::of_call("ec2:DescribeFlowLogs", &failed))?;
            found.extend(page.flow_logs.unwrap_or_default());
        }
        Ok(found)
    }

    /// Deletes some in one call. What EC2 refuses as a whole, because one of them is gone or
    /// may not be deleted, is tried one by one.
    async fn delete_some(&self, ids: &[String]) -> Result<(), Error> {
        let answer = self.client.delete_flow_logs().set_flow_log_ids(Some(ids.to_vec()));
        match (answer.send().await, ids) {
            (Ok(answer), _) => all_deleted(answer.unsuccessful(), ids),
            (Err(failed), [_]) if failed.code() == Some(NOT_FOUND) => Ok(()),
            (Err(failed), _) => match error::of_call("ec2:DeleteFlowLogs", &failed) {
                Error::AwsRefused { .. } if ids.len() > 1 => self.delete_one_by_one(ids).await,
                error => Err(error),
            },
        }
    }

    async fn delete_one_by_one(&self, ids: &[String]) -> Result<(), Error> {
        let mut deleted = Ok(());
        for id in ids {
            deleted = deleted.and(Box::pin(self.delete_some(slice::from_ref(id))).await);
        }
        deleted
    }

    /// Says which flow log is on which of several resources.
    async fn assign(&self, ids: Vec<String>) -> Result<Vec<FlowLog>, Error> {
        let found = self.describe(vec![filter("flow-log-id", ids)]).await?;
        Ok(found.into_iter().map(|found| found.flow_log).collect())
    }
}

impl FlowLogs for Ec2FlowLogs {
    async fn create(&self, order: &FlowLogOrder) -> Result<Created, Error> {
        let delivery = self.delivery()?;
        let resource_type = if order.regional {
            FlowLogsResourceType::RegionalNatGateway
        } else {
            FlowLogsResourceType::NetworkInterface
        };
        let answer = delivery
            .of_request(self.client.create_flow_logs())
            .resource_type(resource_type)
            .set_resource_ids(Some(order.resources.clone()))
            .traffic_type(TrafficType::All)
            .log_format(&order.log_format)
            .max_aggregation_interval(AGGREGATION_INTERVAL)
            .client_token(&order.client_token)
            .tag_specifications(tag_specification(&order.tags))
            .send()
            .await;
        match answer {
            Ok(answer) => self.created(order, &answer).await,
            Err(failed) if failed.code() == Some(ALREADY_EXISTS) => Ok(Created::AlreadyExists),
            Err(failed) => Err(error::of_call("ec2:CreateFlowLogs", &failed)),
        }
    }

    async fn find(&self, tags: &[OwnTag]) -> Result<Vec<TaggedFlowLog>, Error> {
        let filters = tags
            .iter()
            .map(|tag| filter(&format!("tag:{}", tag.key), vec![tag.value.clone()]))
            .collect();
        self.describe(filters).await
    }

    async fn on_resources(&self, resources: &[String]) -> Result<Vec<TaggedFlowLog>, Error> {
        let delivery = self.delivery()?;
        let filters = vec![filter("resource-id", resources.to_vec()), delivery.filter()];
        let found = self.described(filters).await?;
        Ok(found.iter().filter(|found| delivery.is_of(found)).map(tagged).collect())
    }

    async fn delete(&self, flow_log_ids: &[String]) -> Result<(), Error> {
        let mut deleted = Ok(());
        for ids in flow_log_ids.chunks(DELETED_AT_ONCE) {
            deleted = deleted.and(self.delete_some(ids).await);
        }
        deleted
    }
}

impl Ec2FlowLogs {
    /// HTTP 200 is not success: the answer lists what was not created.
    async fn created(
        &self,
        order: &FlowLogOrder,
        answer: &CreateFlowLogsOutput,
    ) -> Result<Created, Error> {
        if let Some(item) = answer.unsuccessful().iter().find(|item| !already_exists(item)) {
            return Err(refused(item));
        }
        if !answer.unsuccessful().is_empty() {
            return Ok(Created::AlreadyExists);
        }
        let ids = answer.flow_log_ids().to_vec();
        match (order.resources.as_slice(), ids.as_slice()) {
            ([resource], [id]) => {
                let flow_log = FlowLog { id: id.clone(), resource_id: resource.clone() };
                Ok(Created::All(vec![flow_log]))
            }
            _ => self.assign(ids).await.map(Created::All),
        }
    }
}

/// HTTP 200 is not success here either.
fn all_deleted(unsuccessful: &[UnsuccessfulItem], ids: &[String]) -> Result<(), Error> {
    let mut refused = unsuccessful.iter().filter(|item| code_and_message(item).0 != NOT_FOUND);
    let Some(item) = refused.next() else { return Ok(()) };
    let (code, message) = code_and_message(item);
    let flow_log = item.resource_id().map_or_else(|| ids.join(" "), str::to_owned);
    Err(Error::DeleteRefused { flow_log, code, message })
}

fn already_exists(item: &UnsuccessfulItem) -> bool {
    code_and_message(item).0 == ALREADY_EXISTS
}

fn refused(item: &UnsuccessfulItem) -> Error {
    let (code, message) = code_and_message(item);
    if error::is_transient(&code) {
        let message = format!("{code}, {message}");
        return Error::Transient { operation: "ec2:CreateFlowLogs", message };
    }
    let resource = item.resource_id().unwrap_or("a resource that EC2 does not name").to_owned();
    Error::FlowLogRefused { resource, code, message }
}

fn code_and_message(item: &UnsuccessfulItem) -> (String, String) {
    let error = item.error();
    let code = error.and_then(|error| error.code()).unwrap_or("no code");
    let message = error.and_then(|error| error.message()).unwrap_or("no message");
    (code.to_owned(), message.to_owned())
}

fn filter(name: &str, values: Vec<String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values)).build()
}

fn tag_specification(tags: &[OwnTag]) -> TagSpecification {
    let tags = tags.iter().map(|tag| Tag::builder().key(tag.key).value(&tag.value).build());
    TagSpecification::builder()
        .resource_type(ResourceType::VpcFlowLog)
        .set_tags(Some(tags.collect()))
        .build()
}

fn tagged(described: &Described) -> TaggedFlowLog {
    let tag = |key: &str| {
        let tag = described.tags().iter().find(|tag| tag.key() == Some(key));
        tag.and_then(|tag| tag.value()).map(str::to_owned)
    };
    TaggedFlowLog {
        flow_log: FlowLog {
            id: described.flow_log_id().unwrap_or_default().to_owned(),
            resource_id: described.resource_id().unwrap_or_default().to_owned(),
        },
        stack: tag(tag_key::STACK),
        execution: tag(tag_key::EXECUTION),
        gateway: tag(tag_key::GATEWAY).and_then(|id| NatGatewayId::try_from(id).ok()),
        lease_ends_at: tag(tag_key::LEASE_ENDS_AT).and_then(|at| at.parse().ok()),
        delivery_error: described.deliver_logs_error_message().map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flow_logs_of_other_folders_are_none_of_ours() {
        let folder_arn = "arn:aws:s3:::b/recorder/text/".to_owned();
        let bucket = Delivery::Bucket { folder_arn, file_format: FileFormat::Text };
        let sends_to = |arn: &str| Described::builder().log_destination(arn).build();
        assert!(bucket.is_of(&sends_to("arn:aws:s3:::b/recorder/text/")));
        assert!(bucket.is_of(&sends_to("arn:aws:s3:::b/recorder/text")));
        assert!(!bucket.is_of(&sends_to("arn:aws:s3:::b/recorder/parquet/")));
        assert!(!bucket.is_of(&sends_to("arn:aws:s3:::b")));
        assert!(!bucket.is_of(&Described::builder().build()));
    }
}
