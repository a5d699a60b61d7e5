//! `natflow top` as its users run it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::{CLIENT, Connection, Folder, GATEWAY, PEER, recording};

const NOTES: &str = "\
natflow: 15 records read, 1 of them without traffic (NODATA)
natflow: 1 record left out of the other action (--action all counts them)
natflow: 6 records left out that show the same traffic on its other legs
natflow: gateway addresses inferred from the records: eni-0a1b 10.0.0.220 (name all of them with --gateway to be sure)
natflow: warning: 1 SKIPDATA record: flows were lost there, so that sums are too low
";

fn recorded() -> Folder {
    let folder = Folder::new();
    folder.write("recording.log", recording());
    folder
}

#[test]
fn clients_are_listed_by_their_bytes() {
    let folder = recorded();
    let outcome = folder.run(&["top", "recording.log"]);
    assert_eq!(outcome.code, 0);
    let expected = "\
CLIENT      BYTES  UPLOAD  DOWNLOAD    SHARE
10.0.1.5   3.2 MB    3 MB  254.5 kB   92.8 %  ████████████████████
10.0.2.7 251.5 kB  1.5 kB    250 kB    7.2 %  █▌
2 rows     3.5 MB    3 MB  504.5 kB  100.0 %
";
    assert_eq!(squeezed(&outcome.stdout), squeezed(expected));
    assert_eq!(outcome.stderr, NOTES);
}

/// Blanks in a row count as one: what matters here are the words.
fn squeezed(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_table_is_aligned() {
    let folder = recorded();
    let table = folder.succeed(&["top", "--bytes", "--by", "pair", "recording.log"]);
    let expected = "\
CLIENT    PEER           BYTES   UPLOAD  DOWNLOAD    SHARE
10.0.1.5  52.218.0.1   3004500  3000000      4500   85.7 %  ████████████████████
10.0.1.5  203.0.113.5   251500     1500    250000    7.2 %  █▋
10.0.2.7  203.0.113.5   251500     1500    250000    7.2 %  █▋
3 rows                 3507500  3003000    504500  100.0 %
";
    assert_eq!(table, expected);
}

#[test]
fn rows_have_the_same_values_in_every_format() {
    let folder = recorded();
    let output = |format: &str| {
        folder.succeed(&[
            "top",
            "--by",
            "client,service",
            "-n",
            "2",
            "--output",
            format,
            "recording.log",
        ])
    };
    assert_eq!(
        output("jsonl"),
        "\
{\"client\":\"10.0.1.5\",\"service\":\"S3\",\"bytes\":3004500,\"upload_bytes\":3000000,\"download_bytes\":4500,\"share\":0.856593}
{\"client\":\"10.0.1.5\",\"service\":null,\"bytes\":251500,\"upload_bytes\":1500,\"download_bytes\":250000,\"share\":0.071703}
"
    );
    let rows: serde_json::Value = serde_json::from_str(&output("json")).unwrap();
    let lines = output("jsonl");
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows, serde_json::Value::from(lines));
    assert_eq!(
        output("csv"),
        "\
client,service,bytes,upload_bytes,download_bytes,share
10.0.1.5,S3,3004500,3000000,4500,0.856593
10.0.1.5,,251500,1500,250000,0.071703
"
    );
}

/// Of limited rows, the footer says so, and its totals are those of all rows.
#[test]
fn totals_are_those_of_all_rows() {
    let folder = recorded();
    let table = folder.succeed(&["top", "--bytes", "-n", "1", "recording.log"]);
    let last = table.lines().last().unwrap();
    assert_eq!(squeezed(last), "1 of 2 rows 3507500 3003000 504500 100.0 %");
    let all = folder.succeed(&["top", "-n", "0", "--output", "jsonl", "recording.log"]);
    assert_eq!(all.lines().count(), 2);
}

#[test]
fn packets_and_flows_can_be_added_up() {
    let folder = recorded();
    let by = |metric: &str| {
        folder.succeed(&[
            "top",
            "--by",
            "port",
            "--metric",
            metric,
            "--output",
            "csv",
            "recording.log",
        ])
    };
    assert_eq!(
        by("packets"),
        "port,packets,upload_packets,download_packets,share\n443,12,6,6,0.666667\n8080,6,3,3,0.333333\n"
    );
    assert_eq!(
        by("flows"),
        "port,flows,upload_flows,download_flows,share\n443,4,2,2,0.666667\n8080,2,1,1,0.333333\n"
    );
}

/// Each record as it is, without legs: for flow logs of any kind.
#[test]
fn any_field_can_be_added_up_by() {
    let folder = Folder::new();
    let record = |dstport: u16, action: &str| {
        format!("2 123456789010 eni-1 10.0.0.1 10.0.0.2 40000 {dstport} 6 3 100 1 60 {action} OK\n")
    };
    let lines = [record(22, "ACCEPT"), record(443, "ACCEPT"), record(22, "REJECT")].concat();
    folder.write("vpc.log", lines);
    let by = |arguments: &[&str]| {
        let fixed = ["top", "--legs", "all", "--output", "csv", "vpc.log"];
        folder.succeed(&[&fixed, arguments].concat())
    };
    assert_eq!(
        by(&["--by", "dstport"]),
        "dstport,bytes,share\n22,100,0.500000\n443,100,0.500000\n"
    );
    assert_eq!(
        by(&["--by", "dstport,action", "--action", "all"]),
        "dstport,action,bytes,share\n22,ACCEPT,100,0.333333\n22,REJECT,100,0.333333\n443,ACCEPT,100,0.333333\n"
    );
    assert_eq!(
        by(&["--by", "action", "--action", "reject"]),
        "action,bytes,share\nREJECT,100,1.000000\n"
    );
    // Legs cannot be told apart without the packets' addresses.
    let refusal = folder.fail(1, &["top", "vpc.log"]);
    assert!(refusal.contains("`pkt-srcaddr` (which tells the legs of a connection apart)"));
    assert!(refusal.contains("--legs all"), "{refusal}");
}

#[test]
fn only_the_rows_that_are_asked_for_count() {
    let folder = recorded();
    let bytes = |arguments: &[&str]| {
        let fixed = ["top", "--by", "gateway", "--output", "csv", "recording.log"];
        let csv = folder.succeed(&[&fixed, arguments].concat());
        csv.lines().nth(1).map_or(0, |line| line.split(',').nth(1).unwrap().parse().unwrap())
    };
    assert_eq!(bytes(&[]), 3_507_500);
    assert_eq!(bytes(&["--where", "client in 10.0.2.0/24"]), 251_500);
    assert_eq!(bytes(&["--where", "service = S3 and direction = upload"]), 3_000_000);
    assert_eq!(bytes(&["--since", "2023-11-14T22:14:20Z"]), 3_004_500);
    assert_eq!(bytes(&["--until", "1700000060"]), 503_000);
    assert_eq!(bytes(&["--since", "1h"]), 0);
    assert_eq!(bytes(&["--gateway", "eni-0a1b"]), 3_507_500);
    assert_eq!(bytes(&["--gateway", "eni-9"]), 0);
    assert_eq!(bytes(&["--gateway", GATEWAY]), 3_507_500);
    assert_eq!(bytes(&["--gateway", "10.0.0.99"]), 0);
}

#[test]
fn given_addresses_are_not_inferred() {
    let folder = recorded();
    let outcome = folder.run(&["top", "--gateway", GATEWAY, "recording.log"]);
    assert!(!outcome.stderr.contains("inferred"), "{}", outcome.stderr);
    let outcome = folder.run(&["top", "--quiet", "recording.log"]);
    assert_eq!(outcome.stderr, "");
}

/// Packets from peers to a secondary address look like uploads until a relayed packet shows
/// that the address is the gateway's: a file is read again, an input that cannot be is warned
/// about.
#[test]
fn an_address_that_shows_late_is_counted_right() {
    let folder = Folder::new();
    let [upload, relayed, arriving, download] = Connection::default().legs();
    let [_, late, early, _] =
        Connection { gateway: [GATEWAY, "10.0.0.221"], ..Connection::default() }.legs();
    let lines = [upload, relayed, arriving, early, late, download].join("\n");
    folder.write("recording.log", &lines);
    let arguments = ["top", "--by", "pair", "--output", "csv"];
    let expected = format!(
        "client,peer,bytes,upload_bytes,download_bytes,share\n{CLIENT},{PEER},251500,1500,250000,1.000000\n"
    );
    let outcome = folder.run(&[&arguments[..], &["recording.log"]].concat());
    assert_eq!(outcome.stdout, expected);
    assert!(outcome.stderr.contains("eni-0a1b 10.0.0.220 10.0.0.221"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
    let outcome = folder.run_on(lines.as_bytes(), &arguments);
    assert!(outcome.stderr.contains("warning: a gateway's address showed only after"));
    let given = ["--gateway", "10.0.0.220,10.0.0.221", "-"];
    let outcome = folder.run_on(lines.as_bytes(), &[&arguments[..], &given].concat());
    assert_eq!(outcome.stdout, expected);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}

/// Gateways of several VPCs may share addresses: each has its own.
#[test]
fn one_gateways_address_is_anothers_client() {
    let folder = Folder::new();
    let first = Connection::default();
    let second = Connection {
        client: GATEWAY,
        interface: "eni-0c2d",
        gateway: ["10.9.0.1", "10.9.0.1"],
        ..Connection::default()
    };
    folder.write("recording.log", [first.legs(), second.legs()].concat().join("\n"));
    let csv =
        folder.succeed(&["top", "--by", "gateway,client", "--output", "csv", "recording.log"]);
    let keys: Vec<_> =
        csv.lines().skip(1).map(|line| line.split(",251500").next().unwrap()).collect();
    assert_eq!(keys, ["eni-0a1b,10.0.1.5", "eni-0c2d,10.0.0.220"]);
}

/// A regional gateway's addresses show only in what leaves to the internet.
#[test]
fn a_regional_gateways_late_address_is_counted_right() {
    let folder = Folder::new();
    let regional = Connection { interface: "nat-0a1b", ..Connection::default() };
    let [upload, relayed, arriving, download] = regional.legs();
    folder.write("recording.log", [arriving, upload, relayed, download].join("\n"));
    let outcome = folder.run(&["top", "--by", "pair", "--output", "csv", "recording.log"]);
    assert!(outcome.stdout.ends_with("\n10.0.1.5,203.0.113.5,251500,1500,250000,1.000000\n"));
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
}

#[test]
fn a_regional_gateway_is_told_by_its_id() {
    let folder = Folder::new();
    let regional = Connection { interface: "nat-0a1b", ..Connection::default() };
    folder.write("recording.log", regional.legs().join("\n"));
    let csv =
        folder.succeed(&["top", "--by", "gateway,client,peer", "--output", "csv", "recording.log"]);
    assert!(
        csv.ends_with("\nnat-0a1b,10.0.1.5,203.0.113.5,251500,1500,250000,1.000000\n"),
        "{csv}"
    );
}

#[test]
fn ipv6_talkers_are_added_up_beside_others() {
    let folder = Folder::new();
    let six = Connection {
        client: "2001:db8::5",
        peer: "2001:db8:f::1",
        gateway: ["2001:db8::220", "2001:db8::220"],
        ..Connection::default()
    };
    let lines = [six.legs(), Connection::default().legs(), six.legs()].concat().join("\n");
    folder.write("recording.log", lines);
    let csv = folder.succeed(&["top", "--by", "pair", "--output", "csv", "recording.log"]);
    // The second family's address is not late: none of its records was read without it.
    let lines = folder.read("recording.log");
    let outcome = folder.run_on(lines.as_bytes(), &["top"]);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.stderr);
    assert_eq!(
        csv,
        "\
client,peer,bytes,upload_bytes,download_bytes,share
2001:db8::5,2001:db8:f::1,503000,3000,500000,0.666667
10.0.1.5,203.0.113.5,251500,1500,250000,0.333333
"
    );
}

#[test]
fn nothing_is_no_error() {
    let folder = Folder::new();
    folder.write("empty.log", "");
    let outcome = folder.run(&["top", "--output", "json", "empty.log"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, "[]\n"));
    assert!(outcome.stderr.starts_with("natflow: 0 records read\n"));
    let table = folder.succeed(&["top", "empty.log"]);
    assert!(table.contains("0 rows"));
}

/// Threads change nothing but the time: sums, notes and the places of bad lines are the same.
#[test]
fn threads_answer_what_one_thread_answers() {
    let folder = Folder::new();
    let header = "action flow-direction traffic-path srcaddr srcport dstaddr dstport protocol \
        bytes type pkt-srcaddr pkt-src-aws-service pkt-dstaddr pkt-dst-aws-service packets start \
        end tcp-flags log-status interface-id";
    let mut lines = vec![];
    for number in 0..6000_u64 {
        let client = format!("10.1.{}.{}", number % 7, number % 251);
        let interface = if number % 3 == 0 { "eni-0a1b" } else { "eni-0c2d" };
        let connection =
            Connection { client: &client, upload: number, interface, ..Connection::default() };
        lines.extend(connection.legs());
        if number % 1000 == 500 {
            lines.push(format!("bad {number}"));
        }
    }
    let first = lines.join("\n");
    // From here on, every record has its last two fields in the other order.
    let (before, _) = header.rsplit_once(" log-status").unwrap();
    let swapped = lines.iter().map(|line| match line.rsplit_once(" OK ") {
        Some((start, interface)) => format!("{start} {interface} OK"),
        None => line.clone(),
    });
    let second = swapped.collect::<Vec<_>>().join("\n");
    folder.write("a.log", format!("{header}\n{first}\n{before} interface-id log-status\n{second}"));
    folder.write("b.log", first);
    for by in ["client", "pair", "gateway,port", "direction"] {
        let run = |threads| {
            folder.run(&[
                "top",
                "--by",
                by,
                "--threads",
                threads,
                "-n",
                "0",
                "--output",
                "csv",
                "a.log",
                "b.log",
            ])
        };
        let (one, three) = (run("1"), run("3"));
        assert_eq!(one.stdout, three.stdout);
        assert_eq!(one.stderr, three.stderr);
        assert!(
            one.stderr.contains("18 bad lines")
                && one.stderr.contains("a.log: line 2006: expected")
        );
    }
}
