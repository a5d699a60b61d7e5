//! `natflow report` as its users run it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use serde_json::Value;
use support::{Connection, Folder, GATEWAY, NODATA, recording};

fn recorded() -> Folder {
    let folder = Folder::new();
    folder.write("recording.log", recording());
    folder
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    let arguments = [&["report", "--output", "json"], arguments].concat();
    serde_json::from_str(&folder.succeed(&arguments)).unwrap()
}

const REPORT: &str = "\
10.0.1.5 uploaded 3.26 MB: 93 % of all traffic, 92 % of that to S3. NAT gateway
eni-0a1b peaked at 3.00 MB a minute and processed 3.51 MB for less than $0.01. A
gateway endpoint com.amazonaws.eu-west-1.s3 would be free.

Warning         1 record with the status SKIPDATA: AWS did not record some
                flows, so all sums are too low.
Missing         What no record says: what CloudWatch metered, who is behind the
                clients' addresses, and which endpoints the VPC has.

Gateway         eni-0a1b
Recorded        2023-11-14 22:13:20 UTC to 2023-11-14 22:15:20 UTC: 2 min
Records         recording.log
Traffic         3.00 MB up, 505 kB down: 2 clients, 2 peers, in 6 records
Peak            3.00 MB in the minute of 2023-11-14 22:14:00 UTC, by the records
The spike cost  less than $0.01 of NAT data processing, for the 3.51 MB recorded
                at $0.048 per GB (eu-west-1, 2026-05-01)

Top clients
     Bytes  Share               Down  Client
   3.26 MB   93 %  #########     8 %  10.0.1.5
    252 kB    7 %  #            99 %  10.0.2.7

Top peers
     Bytes  Share               Down  Peer
   3.00 MB   86 %  #########    <1 %  52.218.0.1 S3
    503 kB   14 %  #            99 %  203.0.113.5

Top pairs
     Bytes  Share               Down  Client and peer
   3.00 MB   86 %  #########    <1 %  10.0.1.5 with 52.218.0.1 S3
    252 kB    7 %  #            99 %  10.0.1.5 with 203.0.113.5
    252 kB    7 %  #            99 %  10.0.2.7 with 203.0.113.5

Ports of the peers
     Bytes  Share               Down  Port
   3.26 MB   93 %  #########     8 %  TCP 443
    252 kB    7 %  #            99 %  TCP 8080

AWS services
     Bytes  Share               Down  Service
   3.00 MB   86 %  #########    <1 %  S3
    503 kB   14 %  #            99 %  none: other addresses

What an endpoint would carry
S3              3.00 MB through the gateway, less than $0.01. A gateway endpoint
                com.amazonaws.eu-west-1.s3 would be free.

Prices of NAT data processing and interface endpoints are those of eu-west-1,
noted on 2026-05-01; all others are those of us-east-1, noted on 2026-11-21, so
amounts with them are estimates. Check them at
https://aws.amazon.com/vpc/pricing/ before you rely on them. 1 GB is 10^9 bytes.
Data transfer to the internet is billed beside these.
";

#[test]
fn the_report_is_that_of_the_email() {
    let folder = recorded();
    let outcome = folder.run(&["report", "--region", "eu-west-1", "recording.log"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert_eq!(outcome.stdout, REPORT);
    assert!(
        outcome.stderr.starts_with("natflow: 15 records read, 1 of them"),
        "{}",
        outcome.stderr
    );
    assert_eq!(folder.succeed(&["report", "-q", "--region", "eu-west-1", "recording.log"]), REPORT);
}

/// What the generator put in comes out, to the byte, and no leg twice.
#[test]
fn programs_get_every_sum() {
    let folder = Folder::new();
    let mut lines = vec![];
    let (mut upload, mut download) = (0, 0);
    for number in 0..500_u64 {
        let client = format!("10.1.{}.{}", number % 7, number % 5);
        let peer = format!("203.0.113.{}", number % 11);
        let service = ["S3", "DYNAMODB", "-"][usize::try_from(number % 3).unwrap()];
        let connection = Connection {
            client: &client,
            peer: &peer,
            service,
            upload: number * 1000 + 1,
            download: number * 7 + 3,
            start: 1_700_000_000 + number * 13,
            ..Connection::default()
        };
        (upload, download) = (upload + connection.upload, download + connection.download);
        lines.extend(connection.legs());
    }
    folder.write("all.log", lines.join("\n"));
    let report = json(&folder, &["all.log"]);
    let recorded = &report["recorded"];
    assert_eq!(recorded["uploadBytes"], upload);
    assert_eq!(recorded["downloadBytes"], download);
    assert_eq!(recorded["records"], 1000);
    assert_eq!(recorded["packets"], 3000);
    assert_eq!(recorded["clients"], serde_json::json!({"number": 35, "isExact": true}));
    assert_eq!(recorded["peers"]["number"], 11);
    for list in ["clients", "peers", "pairs", "ports", "services"] {
        let rows = report[list]["rows"].as_array().unwrap();
        let shown: u64 = rows.iter().map(|row| row["totalBytes"].as_u64().unwrap()).sum();
        let others = &report[list]["others"];
        let rest = ["uploadBytes", "downloadBytes"].map(|way| others[way].as_u64().unwrap_or(0));
        assert_eq!(shown + rest.iter().sum::<u64>(), upload + download, "{list}");
    }
    let series = report["timeline"]["series"].as_array().unwrap();
    let bytes = series.iter().flat_map(|series| series["bytes"].as_array().unwrap());
    assert_eq!(bytes.map(|bytes| bytes.as_u64().unwrap()).sum::<u64>(), upload + download);
    assert_eq!(report["gateway"]["natGatewayId"], "eni-0a1b");
    assert_eq!(report["costs"]["natProcessing"]["bytes"], upload + download);
    // Without an account nothing was paid for.
    assert_eq!(report["costs"]["recordingDollars"], Value::Null);
}

#[test]
fn columns_say_the_same_as_lines() {
    let folder = recorded();
    folder.succeed(&["convert", "recording.log", "-o", "recording.parquet"]);
    let mut of_columns = json(&folder, &["recording.parquet"]);
    of_columns["recording"]["place"] = "recording.log".into();
    assert_eq!(of_columns, json(&folder, &["recording.log"]));
}

/// As `top`, so that both count the same.
#[test]
fn what_is_not_looked_at_may_be_bad() {
    let folder = Folder::new();
    let lines = Connection::default().legs().join("\n");
    folder.write("bad.log", lines.replace(" 19 OK", " nineteen OK"));
    let arguments = ["--format", "recorded", "bad.log"];
    assert_eq!(json(&folder, &arguments)["recorded"]["records"], 2);
    let strict = [&["report", "--strict"][..], &arguments].concat();
    assert!(folder.fail(1, &strict).contains("tcp-flags"));
}

#[test]
fn the_selection_decides_what_is_reported() {
    let folder = recorded();
    let report = json(&folder, &["--where", "client = 10.0.2.7", "recording.log"]);
    assert_eq!(report["cause"]["client"], "10.0.2.7");
    assert_eq!(report["recorded"]["uploadBytes"], 1500);
    let report = json(&folder, &["--since", "1700000060", "recording.log"]);
    assert_eq!(report["recorded"]["uploadBytes"], 3_000_000);
    let report = json(&folder, &["--gateway", "eni-other", "recording.log"]);
    assert_eq!(report["cause"]["kind"], "noTraffic");
}

#[test]
fn an_address_that_shows_late_is_read_again() {
    let folder = Folder::new();
    let [upload, relayed, arriving, download] = Connection::default().legs();
    // What arrives for the secondary address looks like an upload until one leaves by it.
    let [_, late, early, _] =
        Connection { gateway: [GATEWAY, "10.0.0.221"], ..Connection::default() }.legs();
    let lines = [upload, relayed, arriving, early, late, download];
    folder.write("late.log", lines.join("\n"));
    let report = json(&folder, &["late.log"]);
    assert_eq!(report["recorded"]["uploadBytes"], 1500);
    assert_eq!(report["recorded"]["downloadBytes"], 250_000);
    assert_eq!(report["recorded"]["clients"]["number"], 1);
}

#[test]
fn nothing_at_all_is_said_to_be_nothing() {
    let folder = Folder::new();
    folder.write("empty.log", "");
    folder.write("nodata.log", format!("{NODATA}\n"));
    for name in ["empty.log", "nodata.log"] {
        let text = folder.succeed(&["report", name]);
        assert!(text.starts_with("No traffic between clients and peers was recorded"), "{text}");
        assert!(!text.contains("links below"), "{text}");
    }
}

#[test]
fn several_gateways_are_counted_and_named() {
    let folder = Folder::new();
    let of = |interface| Connection { interface, ..Connection::default() }.legs().join("\n");
    let [first, second, third] = ["eni-01", "eni-02", "eni-03"].map(of);
    folder.write("two.log", format!("{first}\n{second}\n"));
    folder.write("three.log", format!("{first}\n{second}\n{third}\n"));
    let gateway = |name| json(&folder, &["--gateway", GATEWAY, name])["gateway"].clone();
    assert_eq!(gateway("two.log")["natGatewayId"], "eni-01 and eni-02");
    assert_eq!(gateway("three.log")["natGatewayId"], "3 gateways");
    assert_eq!(gateway("three.log")["isRegional"], false);
}

#[test]
fn the_page_is_asked_for_by_a_flag_or_by_its_name() {
    let folder = recorded();
    let page = folder.succeed(&["report", "--html", "recording.log"]);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("<svg"), "no chart");
    folder.succeed(&["report", "recording.log", "-o", "spike.html"]);
    assert_eq!(folder.read("spike.html"), page);
    folder.succeed(&["report", "recording.log", "-o", "spike.json"]);
    let json: Value = serde_json::from_str(&folder.read("spike.json")).unwrap();
    assert_eq!(json["version"], 1);
    assert!(folder.fail(2, &["report", "--html", "--output", "text", "x"]).contains("--output"));
}

#[test]
fn records_without_bytes_are_refused() {
    let folder = recorded();
    folder.write("few.log", "srcaddr dstaddr pkt-srcaddr pkt-dstaddr flow-direction\n- - - - -\n");
    let complaint = folder.fail(1, &["report", "few.log"]);
    assert!(complaint.contains("`bytes` (report) is not in the records"), "{complaint}");
}

#[test]
fn a_mailed_report_takes_no_records() {
    let folder = recorded();
    let refusal = folder.fail(2, &["report", "--stack", "recorder", "recording.log"]);
    assert!(refusal.contains("cannot be used with"), "{refusal}");
    let refusal = folder.fail(2, &["report", "--state-machine", "arn"]);
    assert!(refusal.contains("--stack <NAME>"), "{refusal}");
    let refusal = folder.fail(1, &["report", "--stack", "recorder", "--gateway", "10.0.0.220"]);
    assert!(refusal.contains("--gateway 10.0.0.220: expected nat-…"), "{refusal}");
}
