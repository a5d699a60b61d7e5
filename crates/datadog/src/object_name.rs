//! What the key of an object says of its records.

use crate::points::Log;

/// An object with records.
///
/// AWS writes keys as `AWSLogs/ACCOUNT/vpcflowlogs/REGION/YEAR/MONTH/DAY/`, or with
/// `aws-account-id=` and the like before each of them, and then
/// `ACCOUNT_vpcflowlogs_REGION_FLOW-LOG_TIME_HASH.log.gz`:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectName<'n> {
    /// The bucket.
    pub bucket: &'n str,
    /// The key.
    pub key: &'n str,
    /// What tells this version of the object from others.
    pub version: &'n str,
}

impl<'n> ObjectName<'n> {
    /// Where the records are from, if neither they nor the key say their region.
    pub(crate) fn log(&self, region: &'n str) -> Log<'n> {
        let folders: Vec<_> =
            self.key.split('/').map(|folder| folder.rsplit('=').next().unwrap_or(folder)).collect();
        let found = folders.windows(3).find_map(|folders| match folders {
            [account, "vpcflowlogs", region] => Some(Log { account, region }),
            _ => None,
        });
        found.unwrap_or(Log { account: "", region })
    }

    /// What the object has in common with the others of its flow log, and with no other flow log's.
    pub(crate) fn flow_log(&self) -> &'n str {
        let file = self.key.rsplit('/').next().unwrap_or(self.key);
        let is_of_flow_log = |name: &&str| name.contains("_vpcflowlogs_");
        let parts = file.rsplitn(3, '_').nth(2);
        parts.filter(is_of_flow_log).unwrap_or(self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "012345678901_vpcflowlogs_eu-west-1_fl-0a1b_20261121T1405Z_5f2e.log.gz";

    fn named(key: &str) -> ObjectName<'_> {
        ObjectName { bucket: "records", key, version: "1" }
    }

    #[test]
    fn keys_say_account_region_and_flow_log() {
        let plain = format!("nat/AWSLogs/012345678901/vpcflowlogs/eu-west-1/2026/11/21/{FILE}");
        let hive = format!(
            "AWSLogs/aws-account-id=012345678901/aws-service=vpcflowlogs/aws-region=eu-west-1/\
             year=2026/month=11/{FILE}"
        );
        for key in [plain, hive] {
            let log = named(&key).log("us-east-1");
            assert_eq!(log, Log { account: "012345678901", region: "eu-west-1" });
            assert_eq!(named(&key).flow_log(), "012345678901_vpcflowlogs_eu-west-1_fl-0a1b");
        }
    }

    #[test]
    fn other_keys_say_nothing() {
        let name = named("export/a_b_c_d.log");
        assert_eq!(name.log("us-east-1"), Log { account: "", region: "us-east-1" });
        assert_eq!(name.flow_log(), "export/a_b_c_d.log");
    }
}
