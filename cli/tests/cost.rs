//! `natflow cost` without an account.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::Folder;

fn rows(arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["cost", "-q", "--output", "json"], arguments].concat();
    serde_json::from_str(&Folder::new().succeed(&arguments)).unwrap()
}

fn dollars(rows: &[Value], part: &str, what: &str) -> f64 {
    let row = rows.iter().find(|row| row["part"] == part && row["what"] == what);
    row.unwrap()["dollars"].as_f64().unwrap()
}

fn is(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= expected * 1e-9
}

const TABLE: &str = "\
PART         WHAT                                    A MONTH  ARITHMETIC
all traffic  NAT processing                           $45.00  1,000 GB, at $0.045 per GB
the spikes   NAT processing                            $1.35  3 spikes × 10 GB = 30 GB, at $0.045 per GB
always on    flow logs, CloudWatch standard             $131  2 gateways × 5,000 connections × 4 records × 43,800 minutes × 150 bytes = 263 GB, at $0.5 per GB
always on    flow logs, infrequent access             $65.70  2 gateways × 5,000 connections × 4 records × 43,800 minutes × 150 bytes = 263 GB, at $0.25 per GB
always on    flow logs, S3                            $65.70  2 gateways × 5,000 connections × 4 records × 43,800 minutes × 150 bytes = 263 GB, at $0.25 per GB
recorder     alarms                                    $0.40  2 gateways × 2 metrics = 4, at $0.1 per metric and month
recorder     the recorder's own alarm                  $0.50  5 metrics, at $0.1 per metric and month
recorder     records                                   $0.03  3 spikes × 5,000 connections × 4 records × 15 minutes × 150 bytes = 135 MB, at $0.25 per GB
recorder     the report's queries            less than $0.01  3 spikes × 4 queries × 5,000 connections × 4 records × 15 minutes × 150 bytes = 540 MB, at $0.005 per GB
recorder     state machine                   less than $0.01  3 spikes × 11 transitions = 33, at $0.000025 per state transition
recorder     Lambda, time                    less than $0.01  3 spikes × 5 invocations × 1 s × 0.25 GB = 3.75, at $0.0000133334 per GB-second
recorder     Lambda, requests                less than $0.01  3 spikes × 5 invocations = 15, at $0.0000002 per request
recorder     together                                  $0.94
";

#[test]
fn the_arithmetic_is_shown() {
    let arguments = ["cost", "--gateways", "2", "--spikes", "3", "--connections", "5000"];
    let outcome = Folder::new().run(&arguments);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, TABLE);
    let note = "natflow: Prices are those of us-east-1, noted on ";
    assert!(outcome.stderr.starts_with(note), "{}", outcome.stderr);
}

/// The same arithmetic as in the README, with its result.
#[test]
fn a_recording_costs_what_the_readme_says() {
    let rows = rows(&[]);
    assert!(is(dollars(&rows, "recorder", "alarms"), 0.20));
    assert!(is(dollars(&rows, "recorder", "the recorder's own alarm"), 0.50));
    assert!(is(dollars(&rows, "recorder", "records"), 0.002_25));
    assert!(is(dollars(&rows, "recorder", "state machine"), 0.000_275));
    let lambda =
        dollars(&rows, "recorder", "Lambda, time") + dollars(&rows, "recorder", "Lambda, requests");
    assert!((0.000_017..0.000_02).contains(&lambda), "{lambda}");
    assert!(is(dollars(&rows, "always on", "flow logs, infrequent access"), 6.57));
    assert!(is(dollars(&rows, "all traffic", "NAT processing"), 45.0));
    assert!(is(dollars(&rows, "the spikes", "NAT processing"), 0.45));
}

#[test]
fn another_regions_price_takes_the_place_of_ours() {
    let rows = rows(&["--price", "nat-processing=0.052", "--price", "infrequent-access=0.3"]);
    assert!(is(dollars(&rows, "all traffic", "NAT processing"), 52.0));
    assert!(is(dollars(&rows, "the spikes", "NAT processing"), 0.52));
    assert!(is(dollars(&rows, "recorder", "records"), 0.0027));
    // That one keeps its own.
    assert!(is(dollars(&rows, "always on", "flow logs, S3"), 6.57));
    let complaint = Folder::new().fail(2, &["cost", "--price", "nat=1"]);
    assert!(complaint.contains("nat-processing, alarm-metric"), "{complaint}");
}

#[test]
fn a_region_has_its_own_prices_where_they_are_known() {
    let outcome = Folder::new().run(&["cost", "--region", "eu-west-1"]);
    let line = |what: &str| outcome.stdout.lines().find(|line| line.contains(what)).unwrap();
    assert!(line("NAT processing").ends_with("1,000 GB, at $0.048 per GB"), "{}", outcome.stdout);
    assert!(line("recorder     records").ends_with("at $0.25 per GB"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("those of eu-west-1, noted on"), "{}", outcome.stderr);
    let own = rows(&["--region", "eu-west-1", "--price", "nat-processing=0.05"]);
    assert!(is(dollars(&own, "all traffic", "NAT processing"), 50.0));
}

#[test]
fn records_in_a_bucket_are_not_queried_by_the_report() {
    let to = |destination| rows(&["--destination", destination]);
    let has_queries = |rows: &[Value]| rows.iter().any(|row| row["what"] == "the report's queries");
    assert!(!has_queries(&to("s3")));
    assert!(has_queries(&to("standard")));
    assert!(is(dollars(&to("standard"), "recorder", "records"), 0.0045));
}

#[test]
fn amounts_must_make_sense() {
    for wrong in [["--gb", "-1"], ["--spikes", "NaN"], ["--recording-minutes", "long"]] {
        let argument = format!("{}={}", wrong[0], wrong[1]);
        let complaint = Folder::new().fail(2, &["cost", &argument]);
        assert!(complaint.contains("expected a number that is not negative"), "{complaint}");
    }
    Folder::new().fail(2, &["cost", "--stack", "recorder", "--gb", "5"]);
}
