//! Lambda function `ingest-records`: puts each flow-log record into a delivery stream of Firehose,
//! as a record of its own, since a transform can make one document of each.
//!
//! It is invoked by a subscription of CloudWatch Logs, directly or through a Kinesis stream, or
//! with S3's word of new objects.
//!
//! | variable | value |
//! |---|---|
//! | `DELIVERY_STREAM_NAME` | the stream |

mod handler;
mod lines;
mod outlet;

use aws_adapters::DeliveryStreams;
use lambda_kit::{RuntimeError, settings};

use handler::Source;
use outlet::Firehose;

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    let streams = DeliveryStreams::new(&config);
    lambda_kit::run_invocations(async |event, invocation| {
        let name = settings::text("DELIVERY_STREAM_NAME")?;
        let firehose = Firehose::new(streams.clone(), name, invocation.time_left);
        handler::handle(&Source(config.clone()), firehose, event).await
    })
}
