//! Every reason not to expand a template, in the sentence that fails the deployment.

use macro_protocol::ParameterError;
use thiserror::Error;

/// Why there are no alarms. Values found are shown as JSON.
#[expect(missing_docs, reason = "each case's sentence says what its fields are")]
#[derive(Debug, Error, PartialEq)]
pub enum Refusal {
    #[error(transparent)]
    Parameter(#[from] ParameterError),

    #[error(
        "The template has no Resources, expected some to add the alarms to: name \
         GenerateNgwAlarms in the Transform section of a whole template."
    )]
    ResourcesMissing,

    #[error(
        "Resources is {found}, expected an object to add the alarms to: write each resource under \
         its logical ID."
    )]
    ResourcesNotAnObject { found: String },

    #[error(
        "{parameter} is missing, expected a parameter of the template or the macro: add it to one \
         of them."
    )]
    Missing { parameter: &'static str },

    #[error(
        "NatGatewayIDs is {found}, expected at least one NAT gateway: give its ID, such as \
         nat-0123456789abcdef0."
    )]
    NoGateway { found: String },

    #[error(
        "NatGatewayIDs has {found}, expected nat- and 17 (or 8) of the digits 0 to 9 and a to f: \
         correct or remove it."
    )]
    WrongGatewayId { found: String },

    #[error("NatGatewayIDs has {found} twice, expected each gateway once: remove one of them.")]
    DuplicateGateway { found: String },

    #[error(
        "NatGatewayIDs has {count} gateways, expected at most {most}: spread them over several \
         stacks."
    )]
    TooManyGateways { count: usize, most: usize },

    #[error(
        "SamplingPeriod is {found}, expected a positive multiple of 60: give whole minutes in \
         seconds, as NAT gateways report once a minute."
    )]
    NotWholeMinutes { found: i64 },

    #[error("{parameter} is {found}, expected an integer of at least {least}: raise it.")]
    TooSmall { parameter: &'static str, found: i64, least: i64 },

    #[error(
        "DatapointsToAlarm is {datapoints}, expected at most the EvaluationPeriods of {periods}: \
         lower DatapointsToAlarm or raise EvaluationPeriods."
    )]
    MoreDatapointsThanPeriods { datapoints: i64, periods: i64 },

    #[error(
        "SamplingPeriod {sampling_period} times EvaluationPeriods {periods} is {product} seconds, \
         expected at most 86400 (604800 with a SamplingPeriod of at least 3600): lower one of them."
    )]
    EvaluatesTooLong { sampling_period: i64, periods: i64, product: i64 },

    #[error(
        "Threshold is {found}, expected a number of bytes of at least 0: write it with the digits \
         0 to 9, without a unit."
    )]
    WrongThreshold { found: String },

    #[error(
        "MinimumRecordingTime is {minimum} seconds, expected at most the {longest} seconds that a \
         RecordingTime of {recording_time} allows: lower MinimumRecordingTime or raise \
         RecordingTime."
    )]
    MinimumExceedsRecordingTime { minimum: i64, longest: i64, recording_time: i64 },

    #[error(
        "{parameter} is {found:?}, expected {default:?} with the FlowLogDestination \
         {destination:?}: choose s3, or leave it out."
    )]
    NeedsBucket {
        parameter: &'static str,
        found: String,
        default: &'static str,
        destination: String,
    },

    #[error(
        "Resources already has {logical_id}, expected that ID to be free for the alarm of \
         {gateway}: rename the resource."
    )]
    LogicalIdTaken { logical_id: String, gateway: String },

    #[error(
        "The template has {count} resources with the {alarms} alarms of NatGatewayIDs, expected \
         at most 500: spread the gateways over several stacks."
    )]
    TooManyResources { count: usize, alarms: usize },
}
