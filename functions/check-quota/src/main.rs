//! Lambda function `check-quota`: reserves a recording, or says why not.

mod handler;

use aws_adapters::DynamoDbTable;
use lambda_kit::{RuntimeError, settings};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |request| {
        let table = DynamoDbTable::new(&config, settings::text("TABLE_NAME")?);
        handler::handle(&table, request).await
    })
}
