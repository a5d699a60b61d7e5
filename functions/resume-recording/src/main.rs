//! Lambda function `resume-recording`: tells the execution that waits for it that
//! the alarm has cleared.

mod handler;

use aws_adapters::{DynamoDbTable, StepFunctionsCallbacks};
use lambda_kit::{RuntimeError, settings};

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    lambda_kit::run(async |event| {
        let table = DynamoDbTable::new(&config, settings::text("TABLE_NAME")?);
        let callbacks = StepFunctionsCallbacks::new(&config);
        handler::handle(&table, &callbacks, event).await
    })
}
