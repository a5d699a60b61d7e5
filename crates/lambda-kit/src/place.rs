use recording::{
    Error,
    bucket::Bucket,
    report::{Destination, Place, Records},
};

use crate::settings;

/// The stack, and where its records are: what every function that writes e-mails is told by the
/// stack's template.
///
/// | variable | value |
/// |---|---|
/// | `STACK_NAME` | the stack's name |
/// | `FLOW_LOG_DESTINATION` | `cloudwatch-logs` or `s3` |
/// | `LOG_GROUP_NAME` | with `cloudwatch-logs`: the log group |
/// | `LOG_GROUP_CLASS` | with `cloudwatch-logs`: `STANDARD`, or not |
/// | `FOLDER`, `WORK_GROUP` | with `s3`: the folder of the records, and Athena's work group |
#[derive(Clone, Debug)]
pub struct StackPlace {
    stack: String,
    records: Where,
}

#[derive(Clone, Debug)]
enum Where {
    LogGroup { name: String, destination: Destination },
    Bucket { folder: String, work_group: String },
}

impl StackPlace {
    /// Reads the variables.
    pub fn read() -> Result<Self, Error> {
        let destinations = [("cloudwatch-logs", false), ("s3", true)];
        let is_bucket = settings::one_of("FLOW_LOG_DESTINATION", &destinations)?;
        let records = if is_bucket { Where::bucket() } else { Where::log_group() }?;
        Ok(Self { stack: settings::text("STACK_NAME")?, records })
    }

    /// As the e-mails want it.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        let records = match &self.records {
            Where::LogGroup { name, destination } => {
                Records::LogGroup { name, destination: *destination }
            }
            Where::Bucket { folder, work_group } => Records::Bucket(Bucket { folder, work_group }),
        };
        Place { stack: &self.stack, records }
    }
}

impl Where {
    fn log_group() -> Result<Self, Error> {
        Ok(Self::LogGroup { name: settings::text("LOG_GROUP_NAME")?, destination: destination() })
    }

    fn bucket() -> Result<Self, Error> {
        Ok(Self::Bucket {
            folder: settings::text("FOLDER")?,
            work_group: settings::text("WORK_GROUP")?,
        })
    }
}

/// The class decides about the price alone, so a stack that does not say it is no failure.
fn destination() -> Destination {
    match settings::text("LOG_GROUP_CLASS").as_deref() {
        Ok("STANDARD") => Destination::Standard,
        _ => Destination::InfrequentAccess,
    }
}
