//! Lambda function `forward-netflow`: sends the records of the objects that S3 tells of to NetFlow
//! and IPFIX collectors.

mod aws;
mod handler;

use lambda_kit::RuntimeError;

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run_invocations(async |event, invocation| {
        handler::handle(&config, &event, &invocation).await
    })
}
