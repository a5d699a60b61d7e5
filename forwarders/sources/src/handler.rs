use std::time::Duration;

use aws_adapters::{LogGroup, ReadError};
use lambda_kit::{
    Failure, Invocation,
    custom_resource::{Change, Request},
};
use recording::Error;
use serde_json::Value;
use tracing::{info, warn};

/// The answer to `CloudFormation` is written to S3, three times if need be. The work ends so long
/// before Lambda ends the function.
const ANSWER_TAKES: Duration = Duration::from_secs(15);

/// Subscription filters that a log group can have.
const MOST_SUBSCRIPTIONS: usize = 2;

/// Under which name `CloudFormation`, and the log, hear of what cannot feed a sink.
const SOURCE_UNUSABLE: &str = "SourceUnusable";

/// What is asked of AWS.
pub(crate) trait Account {
    /// The log group of this name, if there is one.
    async fn log_group(&self, name: &str) -> Result<Option<LogGroup>, ReadError>;
    /// The names of its subscription filters.
    async fn subscriptions(&self, log_group: &str) -> Result<Vec<String>, ReadError>;
    /// Whether the bucket tells `EventBridge` of its objects.
    async fn reaches_event_bridge(&self, bucket: &str) -> Result<bool, ReadError>;
}

/// Takes `CloudFormation`'s request, which is answered whatever happens.
pub(crate) async fn handle(
    account: &impl Account,
    answer: impl AsyncFn(&str, &str) -> Result<(), Error>,
    event: &Value,
    invocation: &Invocation,
) -> Result<(), Failure> {
    let Some(request) = Request::read(event) else {
        let said = Error::EventRefused("the event is no request of CloudFormation's".to_owned());
        return Err(said.into());
    };
    let time = invocation.time_left.saturating_sub(ANSWER_TAKES);
    let done = lambda_kit::within(time, change(account, &request)).await;
    match &done {
        Ok(said) => info!("{said}"),
        Err(failure) => warn!(error = failure.name(), "{failure}"),
    }
    Ok(answer(&request.response_url, &request.answer("sources", &done)).await?)
}

async fn change(account: &impl Account, request: &Request) -> Result<String, Failure> {
    if request.change()? == Change::Deleted {
        return Ok("nothing was made".to_owned());
    }
    if request.property("Subscribes") == "true" {
        let (group, filter) = (request.property("LogGroupName"), request.property("FilterName"));
        check_log_group(account, group, filter).await?;
    }
    if request.property("ReadsObjects") == "true" {
        check_bucket(account, request.property("BucketName")).await?;
    }
    Ok("the sources can feed the sinks".to_owned())
}

/// Whether the group takes the subscription filter of this name.
async fn check_log_group(account: &impl Account, name: &str, filter: &str) -> Result<(), Failure> {
    let asked = account.log_group(name).await;
    let found = asked.map_err(|error| unusable(format!("LogGroupName {name}: {error}")))?;
    let Some(group) = found else {
        return Err(unusable(format!(
            "LogGroupName {name}: there is no such log group in this account and region"
        )));
    };
    if group.is_infrequent_access {
        return Err(unusable(format!(
            "LogGroupName {name}: the log group is of class INFREQUENT_ACCESS, which takes no \
             subscription filter, and a group's class cannot be changed. Records can be sent on \
             from a group of class STANDARD (the recorder's parameter LogGroupClass) or from a \
             bucket (BucketName)"
        )));
    }
    let asked = account.subscriptions(name).await;
    let mut others = asked.map_err(|error| unusable(format!("LogGroupName {name}: {error}")))?;
    others.retain(|other| other != filter);
    if others.len() >= MOST_SUBSCRIPTIONS {
        return Err(unusable(format!(
            "LogGroupName {name}: the log group has {MOST_SUBSCRIPTIONS} subscription filters \
             already ({}), which is all that it can have: delete one of them",
            others.join(", ")
        )));
    }
    Ok(())
}

async fn check_bucket(account: &impl Account, name: &str) -> Result<(), Failure> {
    let asked = account.reaches_event_bridge(name).await;
    if asked.map_err(|error| unusable(format!("BucketName {name}: {error}")))? {
        return Ok(());
    }
    Err(unusable(format!(
        "BucketName {name}: the bucket does not send its events to EventBridge, so that nothing \
         would be sent on. Switch that on under Properties, Amazon EventBridge, or, if the bucket \
         has no other notifications, with aws s3api put-bucket-notification-configuration \
         --bucket {name} --notification-configuration EventBridgeConfiguration={{}}"
    )))
}

fn unusable(sentence: String) -> Failure {
    Failure::new(SOURCE_UNUSABLE, sentence)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;

    use super::*;

    /// An account with one log group and one bucket.
    struct Fake {
        group: Result<Option<bool>, ReadError>,
        filters: Vec<&'static str>,
        events: bool,
    }

    impl Account for Fake {
        async fn log_group(&self, name: &str) -> Result<Option<LogGroup>, ReadError> {
            let found = self.group.clone()?;
            Ok(found.map(|is_infrequent_access| LogGroup {
                name: name.to_owned(),
                arn: String::new(),
                is_infrequent_access,
                first_second: 0,
            }))
        }

        async fn subscriptions(&self, _: &str) -> Result<Vec<String>, ReadError> {
            Ok(self.filters.iter().map(ToString::to_string).collect())
        }

        async fn reaches_event_bridge(&self, _: &str) -> Result<bool, ReadError> {
            Ok(self.events)
        }
    }

    const FINE: Fake = Fake { group: Ok(Some(false)), filters: vec![], events: true };

    async fn asked(account: Fake, kind: &str) -> (String, String) {
        let event = json!({
            "RequestType": kind,
            "ResponseURL": "https://bucket.example/answer",
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/forwarders/0f",
            "ResourceProperties": {
                "LogGroupName": "flows",
                "BucketName": "logs",
                "Subscribes": "true",
                "FilterName": "forwarders-records",
                "ReadsObjects": "true",
            },
        });
        let said = RefCell::new(String::new());
        let answer = async |url: &str, text: &str| {
            assert_eq!(url, "https://bucket.example/answer");
            text.clone_into(&mut said.borrow_mut());
            Ok(())
        };
        let invocation =
            Invocation { request_id: "r-1".to_owned(), time_left: Duration::from_secs(30) };
        handle(&account, answer, &event, &invocation).await.unwrap();
        let answer: Value = serde_json::from_str(&said.borrow()).unwrap();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (text("Status"), text("Reason"))
    }

    async fn refused(account: Fake) -> String {
        let (status, reason) = asked(account, "Create").await;
        assert_eq!(status, "FAILED", "{reason}");
        reason
    }

    #[tokio::test]
    async fn sources_that_can_feed_are_accepted() {
        assert_eq!(asked(FINE, "Create").await.0, "SUCCESS");
        let own = Fake { filters: vec!["forwarders-records", "another"], ..FINE };
        assert_eq!(asked(own, "Update").await.0, "SUCCESS");
    }

    #[tokio::test]
    async fn a_group_that_takes_no_filter_is_named_with_the_reason() {
        let reason = refused(Fake { group: Ok(Some(true)), ..FINE }).await;
        assert!(reason.starts_with("LogGroupName flows: ") && reason.contains("INFREQUENT_ACCESS"));
        let reason = refused(Fake { group: Ok(None), ..FINE }).await;
        assert!(reason.contains("there is no such log group"), "{reason}");
        let reason = refused(Fake { filters: vec!["one", "two"], ..FINE }).await;
        assert!(reason.contains("(one, two)"), "{reason}");
    }

    #[tokio::test]
    async fn a_bucket_that_tells_nobody_is_named_with_the_command() {
        let reason = refused(Fake { events: false, ..FINE }).await;
        assert!(reason.contains("--bucket logs") && reason.contains("EventBridgeConfiguration={}"));
    }

    #[tokio::test]
    async fn what_aws_refuses_is_told_and_a_deletion_always_succeeds() {
        let broken = || Fake { group: Err(ReadError::NoRegion), ..FINE };
        assert!(refused(broken()).await.contains("no AWS region"));
        assert_eq!(asked(broken(), "Delete").await.0, "SUCCESS");
    }

    #[tokio::test]
    async fn an_event_that_is_no_request_is_refused() {
        let answer = async |_: &str, _: &str| Ok(());
        let invocation =
            Invocation { request_id: "r-1".to_owned(), time_left: Duration::from_secs(30) };
        let failure = handle(&FINE, answer, &json!({}), &invocation).await.unwrap_err();
        assert_eq!(failure.name(), "EventRefused");
    }
}
