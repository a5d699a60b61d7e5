//! What AWS charges: every price is here, with its region, where it is to be read and when it was
//! noted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A price in US dollars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// What is charged.
    pub what: Cow<'static, str>,
    /// US dollars for one [`unit`](Self::unit).
    pub dollars: f64,
    /// `GB`, `hour and zone`, …
    pub unit: Cow<'static, str>,
    /// The region whose price it is.
    pub region: Cow<'static, str>,
    /// The day on which it was noted.
    pub noted_on: Cow<'static, str>,
    /// AWS's page with the price.
    pub source: Cow<'static, str>,
}

/// The region whose prices stand for those that are not known.
pub const REGION: &str = "us-east-1";

/// When the prices of [`REGION`] were noted down. They come from the project's own notes and were
/// not read from AWS's pages on that day: whoever bills by them should look there.
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

/// A price of [`REGION`].
const fn price(
    what: &'static str,
    dollars: f64,
    unit: &'static str,
    source: &'static str,
) -> Price {
    Price {
        what: Cow::Borrowed(what),
        dollars,
        unit: Cow::Borrowed(unit),
        region: Cow::Borrowed(REGION),
        noted_on: Cow::Borrowed(NOTED_ON),
        source: Cow::Borrowed(source),
    }
}

/// A gigabyte that enters a NAT gateway, from either side.
pub const NAT_PROCESSING: Price = price("NAT gateway, data processing", 0.045, "GB", VPC);

/// An interface endpoint in one zone.
pub const INTERFACE_ENDPOINT_HOUR: Price =
    price("Interface endpoint", 0.01, "hour and zone", PRIVATE_LINK);

/// A gigabyte that an interface endpoint carries.
pub const INTERFACE_ENDPOINT_DATA: Price =
    price("Interface endpoint, data", 0.01, "GB", PRIVATE_LINK);

/// Records into a log group of the class `STANDARD`.
pub const DELIVERY_STANDARD: Price =
    price("Flow logs to CloudWatch, standard class", 0.50, "GB", CLOUDWATCH);

/// Records into a log group of the class `INFREQUENT_ACCESS`.
pub const DELIVERY_INFREQUENT_ACCESS: Price =
    price("Flow logs to CloudWatch, infrequent access", 0.25, "GB", CLOUDWATCH);

/// Records into a bucket.
pub const DELIVERY_S3: Price = price("Flow logs to S3", 0.25, "GB", CLOUDWATCH);

/// A gigabyte that Logs Insights looks at.
pub const QUERIES: Price = price("Logs Insights, data scanned", 0.005, "GB", CLOUDWATCH);

/// A step of the state machine.
pub const STATE_TRANSITION: Price =
    price("Step Functions", 0.000_025, "state transition", STEP_FUNCTIONS);

/// What a Lambda function on arm64 takes, by its time and its memory.
pub const LAMBDA: Price = price("Lambda, arm64", 0.000_013_333_4, "GB-second", LAMBDA_PAGE);

/// A call of a Lambda function.
pub const LAMBDA_REQUEST: Price = price("Lambda, requests", 0.000_000_2, "request", LAMBDA_PAGE);

/// A metric of an alarm, for a month.
pub const ALARM_METRIC_MONTH: Price =
    price("CloudWatch alarm", 0.10, "metric and month", CLOUDWATCH);

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

/// The prices of another region, as far as they are known.
struct Regional {
    region: &'static str,
    noted_on: &'static str,
    /// [`NAT_PROCESSING`]
    nat_processing: f64,
    /// [`INTERFACE_ENDPOINT_HOUR`] and [`INTERFACE_ENDPOINT_DATA`]
    interface_endpoint: Option<[f64; 2]>,
}

/// What AWS asks elsewhere, by its list of prices (`pricing.us-east-1.amazonaws.com`), an example
/// on its page (us-east-2) or an invoice (ap-southeast-1), as others published them with the day
/// on which they had read them. A region or a price that nobody was found to have published so
/// is not here: [`REGION`]'s stands in for it, and the report says so.
const REGIONAL: [Regional; 6] = [
    Regional {
        region: "us-east-2",
        noted_on: "2026-09-20",
        nat_processing: 0.045,
        interface_endpoint: None,
    },
    Regional {
        region: "eu-central-1",
        noted_on: "2026-09-23",
        nat_processing: 0.052,
        interface_endpoint: None,
    },
    Regional {
        region: "eu-west-1",
        noted_on: "2026-05-01",
        nat_processing: 0.048,
        interface_endpoint: Some([0.011, 0.01]),
    },
    Regional {
        region: "ap-northeast-1",
        noted_on: "2026-09-25",
        nat_processing: 0.062,
        interface_endpoint: Some([0.014, 0.01]),
    },
    Regional {
        region: "ap-northeast-2",
        noted_on: "2026-10-01",
        nat_processing: 0.059,
        interface_endpoint: None,
    },
    Regional {
        region: "ap-southeast-1",
        noted_on: "2025-06-01",
        nat_processing: 0.059,
        interface_endpoint: None,
    },
];

impl Regional {
    fn of(region: &str) -> Option<&'static Self> {
        REGIONAL.iter().find(|regional| regional.region == region)
    }

    fn dollars(&self, what: &str) -> Option<f64> {
        let [hour, data] = self.interface_endpoint.map_or([None; 2], |prices| prices.map(Some));
        let known = [
            (&NAT_PROCESSING, Some(self.nat_processing)),
            (&INTERFACE_ENDPOINT_HOUR, hour),
            (&INTERFACE_ENDPOINT_DATA, data),
        ];
        known.iter().find(|(price, _)| price.what == what)?.1
    }
}

impl Price {
    /// The price in a region, or [`REGION`]'s where that is not known.
    #[must_use]
    pub fn in_region(self, region: Option<&str>) -> Self {
        let own = region.and_then(Regional::of);
        match own.and_then(|own| Some((own, own.dollars(&self.what)?))) {
            Some((own, dollars)) => Self {
                dollars,
                region: Cow::Borrowed(own.region),
                noted_on: Cow::Borrowed(own.noted_on),
                ..self
            },
            None => self,
        }
    }

    /// What so many bytes cost, for a price by the gigabyte.
    #[must_use]
    pub fn of_bytes(&self, bytes: u64) -> f64 {
        self.dollars * gigabytes(bytes)
    }

    /// `$0.048 per GB (eu-west-1, 2026-05-01)`
    #[must_use]
    pub fn words(&self) -> String {
        format!("${} per {} ({}, {})", self.dollars, self.unit, self.region, self.noted_on)
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
pub fn interface_endpoint_break_even_bytes(region: Option<&str>) -> u64 {
    let dollars = |price: Price| price.in_region(region).dollars;
    let a_month = dollars(INTERFACE_ENDPOINT_HOUR) * HOURS_PER_MONTH;
    let saved_per_gb = dollars(NAT_PROCESSING) - dollars(INTERFACE_ENDPOINT_DATA);
    (a_month / saved_per_gb * BYTES_PER_GB) as u64
}

/// Where and of when the prices are, for people.
#[must_use]
pub fn note(region: Option<&str>) -> String {
    let all = format!("those of {REGION}, noted on {NOTED_ON}");
    let name = region.unwrap_or("your region");
    match region.and_then(Regional::of) {
        _ if region == Some(REGION) => {
            format!("Prices are {all}: check them at {VPC} before you rely on them.")
        }
        Some(own) => {
            let what = match own.interface_endpoint {
                Some(_) => "NAT data processing and interface endpoints",
                None => "NAT data processing",
            };
            format!(
                "Prices of {what} are those of {name}, noted on {}; all others are {all}, so \
                 amounts with them are estimates. Check them at {VPC} before you rely on them.",
                own.noted_on
            )
        }
        None => format!(
            "Prices are {all}; those of {name} may differ, so every amount is an estimate. \
             See {VPC} for your region's."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_endpoint_pays_from_about_209_gb_a_month() {
        assert_eq!(interface_endpoint_break_even_bytes(None) / 1_000_000_000, 208);
        assert_eq!(interface_endpoint_break_even_bytes(Some("eu-west-1")) / 1_000_000_000, 211);
        assert!(ALL.iter().all(|price| price.source.starts_with("https://aws.amazon.com/")));
    }

    #[test]
    fn a_region_has_its_own_prices_as_far_as_they_are_known() {
        let of = |price: Price, region| price.in_region(Some(region)).words();
        assert_eq!(of(NAT_PROCESSING, "eu-west-1"), "$0.048 per GB (eu-west-1, 2026-05-01)");
        assert_eq!(of(QUERIES, "eu-west-1"), "$0.005 per GB (us-east-1, 2026-11-21)");
        assert_eq!(of(NAT_PROCESSING, "sa-east-1"), "$0.045 per GB (us-east-1, 2026-11-21)");
        let hour = INTERFACE_ENDPOINT_HOUR;
        assert_eq!(
            of(hour.clone(), "ap-northeast-1"),
            "$0.014 per hour and zone (ap-northeast-1, 2026-09-25)"
        );
        assert_eq!(of(hour.clone(), "ap-northeast-2"), hour.words());
        assert_eq!(NAT_PROCESSING.in_region(None), NAT_PROCESSING);
    }

    #[test]
    fn another_regions_amounts_are_called_estimates() {
        let own = note(Some("eu-west-1"));
        assert!(own.contains("those of eu-west-1, noted on 2026-05-01; all others"), "{own}");
        assert!(note(Some("sa-east-1")).contains("those of sa-east-1 may differ"));
        assert!(note(None).contains("those of your region may differ"));
        assert!(!note(Some("us-east-1")).contains("estimate"));
        assert!((NAT_PROCESSING.of_bytes(2_000_000_000) - 0.09).abs() < 1e-12);
    }
}
