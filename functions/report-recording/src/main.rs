//! Lambda function `report-recording`: writes the e-mail about a recording.

mod handler;

use lambda_kit::{RuntimeError, settings};
use recording::report::{Place, Records};

fn main() -> Result<(), RuntimeError> {
    lambda_kit::run(async |request| {
        let stack = settings::text("STACK_NAME")?;
        let log_group = settings::text("LOG_GROUP_NAME")?;
        let records = Records::LogGroup(&log_group);
        handler::handle(Place { stack: &stack, records }, request)
    })
}
