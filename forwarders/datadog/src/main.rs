//! Lambda function `forward-datadog`: adds the records of a subscription, or of objects, up and
//! sends what they come to to Datadog.

mod account;
mod failure;
mod function;
mod intake;
mod settings;

use std::cell::Cell;

use function::Function;
use lambda_kit::RuntimeError;

fn main() -> Result<(), RuntimeError> {
    let config = aws_adapters::from_environment();
    // The key, the connection and what EC2 said: an invocation that fails takes them along.
    let kept = Cell::new(None);
    lambda_kit::run_invocations(async |event, invocation| {
        let mut function = match kept.take() {
            Some(function) => function,
            None => Function::start(&config).await?,
        };
        let answer = function.handle(event, &invocation).await?;
        if answer.is_empty() {
            kept.set(Some(function));
        }
        Ok(answer)
    })
}
