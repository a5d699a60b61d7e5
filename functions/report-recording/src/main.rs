//! Lambda function `report-recording`: writes the e-mail about a recording.

mod handler;

use lambda_kit::{RuntimeError, settings};
use recording::{
    bucket::Bucket,
    report::{Place, Records},
};

fn main() -> Result<(), RuntimeError> {
    lambda_kit::run(async |request| {
        let stack = settings::text("STACK_NAME")?;
        if settings::one_of("FLOW_LOG_DESTINATION", &[("cloudwatch-logs", false), ("s3", true)])? {
            let (folder, work_group) = (settings::text("FOLDER")?, settings::text("WORK_GROUP")?);
            let records = Records::Bucket(Bucket { folder: &folder, work_group: &work_group });
            return handler::handle(Place { stack: &stack, records }, request);
        }
        let log_group = settings::text("LOG_GROUP_NAME")?;
        let records = Records::LogGroup(&log_group);
        handler::handle(Place { stack: &stack, records }, request)
    })
}
