//! What AWS charges: every price is here, with where and when it was read.

use serde::Serialize;

/// A price in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// What is charged.
    pub what: &'static str,
    /// US dollars for one [`unit`](Self::unit).
    pub dollars: f64,
    /// `GB`, `hour and zone`, …
    pub unit: &'static str,
    /// AWS's page with the price.
    pub source: &'static str,
}

/// The region whose prices these are. They differ by region; elsewhere they are an estimate.
pub const REGION: &str = "us-east-1";

/// When the prices were noted down. They come from the project's own notes and were not read
/// from AWS's pages on that day: whoever bills by them should look there.
pub const NOTED_ON: &str = "2026-11-21";

/// AWS bills by the gigabyte. One is counted as 10⁹ bytes here, which is at most 7 % too many.
pub const BYTES_PER_GB: f64 = 1e9;

/// Hours of a month, as AWS's own calculator counts them.
pub const HOURS_PER_MONTH: f64 = 730.0;

const VPC: &str = "https://aws.amazon.com/vpc/pricing/";
const PRIVATE_LINK: &str = "https://aws.amazon.com/privatelink/pricing/";
const CLOUDWATCH: &str = "https://aws.amazon.com/cloudwatch/pricing/";
const LAMBDA_PAGE: &str = "https://aws.amazon.com/lambda/pricing/";
const STEP_FUNCTIONS: &str = "https://aws.amazon.com/step-functions/pricing/";

/// A gigabyte that enters a NAT gateway, from either side.
pub const NAT_PROCESSING: Price =
    Price { what: "NAT gateway, data processing", dollars: 0.045, unit: "GB", source: VPC };

/// An interface endpoint in one zone.
pub const INTERFACE_ENDPOINT_HOUR: Price = Price {
    what: "Interface endpoint",
    dollars: 0.01,
    unit: "hour and zone",
    source: PRIVATE_LINK,
};

/// A gigabyte that an interface endpoint carries.
pub const INTERFACE_ENDPOINT_DATA: Price =
    Price { what: "Interface endpoint, data", dollars: 0.01, unit: "GB", source: PRIVATE_LINK };

/// Records into a log group of the class `STANDARD`.
pub const DELIVERY_STANDARD: Price = Price {
    what: "Flow logs to CloudWatch, standard class",
    dollars: 0.50,
    unit: "GB",
    source: CLOUDWATCH,
};

/// Records into a log group of the class `INFREQUENT_ACCESS`.
pub const DELIVERY_INFREQUENT_ACCESS: Price = Price {
    what: "Flow logs to CloudWatch, infrequent access",
    dollars: 0.25,
    unit: "GB",
    source: CLOUDWATCH,
};

/// Records into a bucket.
pub const DELIVERY_S3: Price =
    Price { what: "Flow logs to S3", dollars: 0.25, unit: "GB", source: CLOUDWATCH };

/// A gigabyte that Logs Insights looks at.
pub const QUERIES: Price =
    Price { what: "Logs Insights, data scanned", dollars: 0.005, unit: "GB", source: CLOUDWATCH };

/// A step of the state machine.
pub const STATE_TRANSITION: Price = Price {
    what: "Step Functions",
    dollars: 0.000_025,
    unit: "state transition",
    source: STEP_FUNCTIONS,
};

/// What a Lambda function on arm64 takes, by its time and its memory.
pub const LAMBDA: Price = Price {
    what: "Lambda, arm64",
    dollars: 0.000_013_333_4,
    unit: "GB-second",
    source: LAMBDA_PAGE,
};

/// A call of a Lambda function.
pub const LAMBDA_REQUEST: Price =
    Price { what: "Lambda, requests", dollars: 0.000_000_2, unit: "request", source: LAMBDA_PAGE };

/// A metric of an alarm, for a month.
pub const ALARM_METRIC_MONTH: Price =
    Price { what: "CloudWatch alarm", dollars: 0.10, unit: "metric and month", source: CLOUDWATCH };

/// Every price.
pub const ALL: [Price; 11] = [
    NAT_PROCESSING,
    INTERFACE_ENDPOINT_HOUR,
    INTERFACE_ENDPOINT_DATA,
    DELIVERY_STANDARD,
    DELIVERY_INFREQUENT_ACCESS,
    DELIVERY_S3,
    QUERIES,
    STATE_TRANSITION,
    LAMBDA,
    LAMBDA_REQUEST,
    ALARM_METRIC_MONTH,
];

impl Price {
    /// What so many bytes cost, for a price by the gigabyte.
    #[must_use]
    pub fn of_bytes(&self, bytes: u64) -> f64 {
        self.dollars * gigabytes(bytes)
    }
}

/// So many bytes in gigabytes.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 bytes a byte more is no money")]
pub fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / BYTES_PER_GB
}

/// From how many bytes a month an interface endpoint in one zone costs less than NAT processing.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a few hundred gigabytes"
)]
pub fn interface_endpoint_break_even_bytes() -> u64 {
    let a_month = INTERFACE_ENDPOINT_HOUR.dollars * HOURS_PER_MONTH;
    let saved_per_gb = NAT_PROCESSING.dollars - INTERFACE_ENDPOINT_DATA.dollars;
    (a_month / saved_per_gb * BYTES_PER_GB) as u64
}

/// Where and of when the prices are, for people.
#[must_use]
pub fn note(region: &str) -> String {
    let whose = format!("Prices are those of {REGION}, noted on {NOTED_ON}");
    if region == REGION {
        format!("{whose}: check them at {VPC} before you rely on them.")
    } else {
        format!(
            "{whose}; those of {region} may differ, so every amount is an estimate. \
             See {VPC} for your region's."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_endpoint_pays_from_about_209_gb_a_month() {
        assert_eq!(interface_endpoint_break_even_bytes() / 1_000_000_000, 208);
        assert!(ALL.iter().all(|price| price.source.starts_with("https://aws.amazon.com/")));
    }

    #[test]
    fn another_regions_amounts_are_called_estimates() {
        assert!(note("eu-west-1").contains("those of eu-west-1 may differ"));
        assert!(!note("us-east-1").contains("estimate"));
        assert!((NAT_PROCESSING.of_bytes(2_000_000_000) - 0.09).abs() < 1e-12);
    }
}
