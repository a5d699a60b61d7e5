//! Lambda function `enrich-records`: Firehose's transform. Each record of the stream, a flow-log
//! record, becomes a JSON document with what EC2 knows of its interface and what databases know
//! of its addresses.
//!
//! | variable | value |
//! |---|---|
//! | `DATABASE` | databases in `MaxMind`'s format, separated by commas: paths in a layer, `/opt/…`, or `s3://BUCKET/KEY`; may be empty |
//! | `CACHE_SECONDS` | how long what EC2 says is believed; 300 unless set |
//! | `FORMAT` | the flow log's format, as `CreateFlowLogs` takes it; without it each record's is told from its content |

mod databases;
mod handler;
mod settings;

use std::cell::OnceCell;

use aws_adapters::{DeliveryStreams, Ec2NetworkInterfaces};
use lambda_kit::RuntimeError;

use handler::Aws;

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    let aws = Aws {
        interfaces: Ec2NetworkInterfaces::new(&config),
        streams: DeliveryStreams::new(&config),
    };
    // Databases from S3 are fetched by the first invocation.
    let enricher = OnceCell::new();
    lambda_kit::run_raw(async |event, invocation| {
        let enricher = if let Some(enricher) = enricher.get() {
            enricher
        } else {
            let opened = handler::open(&config).await?;
            enricher.get_or_init(|| opened)
        };
        handler::handle(enricher, &aws, event, invocation.time_left).await
    })
}
