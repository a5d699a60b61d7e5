//! Every kind of input, through the real binary.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::{CLIENT, Connection, Folder, NODATA, recording};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The bytes that `top` finds in these inputs.
fn total(folder: &Folder, inputs: &[&str]) -> u64 {
    let fixed = ["top", "--by", "gateway", "--output", "csv"];
    total_of(&folder.succeed(&[&fixed[..], inputs].concat()))
}

fn total_of(csv: &str) -> u64 {
    let sums = csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap());
    sums.map(|sum| sum.parse::<u64>().unwrap()).sum()
}

const ALL: u64 = 3_507_500;

#[test]
fn compressed_files_are_told_by_their_content() {
    let folder = Folder::new();
    let recording = recording();
    let (head, tail) = recording.split_at(recording.len() / 2);
    folder.write("members", [gzip(head), gzip(tail)].concat());
    folder.write("frames", zstd::encode_all(recording.as_bytes(), 1).unwrap());
    assert_eq!(total(&folder, &["members"]), ALL);
    assert_eq!(total(&folder, &["frames"]), ALL);
    assert_eq!(total(&folder, &["members", "frames"]), 2 * ALL);
}

#[test]
fn a_truncated_file_is_an_error() {
    let folder = Folder::new();
    let whole = gzip(&recording());
    folder.write("cut.gz", &whole[..whole.len() / 2]);
    let refusal = folder.fail(1, &["top", "cut.gz"]);
    assert!(refusal.starts_with("natflow: error: cut.gz: "), "{refusal}");
}

#[test]
fn standard_input_is_read_when_it_is_named_or_nothing_is() {
    let folder = Folder::new();
    let fixed = ["top", "--by", "gateway", "--output", "csv"];
    for (input, more) in [
        (recording().into_bytes(), &[][..]),
        (recording().into_bytes(), &["-"]),
        (gzip(&recording()), &["-"]),
    ] {
        let outcome = folder.run_on(&input, &[&fixed[..], more].concat());
        assert_eq!(total_of(&outcome.stdout), ALL, "{}", outcome.stderr);
    }
}

#[test]
fn directories_are_read_with_all_that_is_in_them() {
    let folder = Folder::new();
    folder.write("logs/a/1.log", recording());
    folder.write("logs/b/2.log.gz", gzip(&recording()));
    folder.write("logs/_SUCCESS", "no records\n");
    folder.write("logs/.hidden", "no records\n");
    assert_eq!(total(&folder, &["logs"]), 2 * ALL);
    let refusal = folder.fail(1, &["top", "missing"]);
    assert!(refusal.starts_with("natflow: error: missing: "), "{refusal}");
}

#[test]
fn what_a_hive_path_says_is_a_column() {
    let folder = Folder::new();
    let path = "AWSLogs/aws-account-id=123/aws-service=vpcflowlogs/aws-region=eu-west-1/1.log";
    folder.write(path, recording());
    let csv = folder.succeed(&[
        "top",
        "--by",
        "region,account-id,aws-service",
        "--metric",
        "flows",
        "--output",
        "csv",
        "AWSLogs",
    ]);
    assert!(csv.contains("\neu-west-1,123,vpcflowlogs,6,"), "{csv}");
    let parquet = path.replace(".log", ".parquet");
    folder.succeed(&["convert", path, "-o", &parquet]);
    let csv = folder.succeed(&[
        "top",
        "--by",
        "region,aws-service",
        "--metric",
        "flows",
        "--output",
        "csv",
        &parquet,
    ]);
    assert!(csv.contains("\neu-west-1,vpcflowlogs,6,"), "{csv}");
}

/// What was written as Parquet is read as it was, and by name only.
#[test]
fn parquet_files_are_read_back_as_they_were() {
    let folder = Folder::new();
    folder.write("recording.log", recording());
    folder.succeed(&["convert", "recording.log", "-o", "recording.parquet"]);
    assert_eq!(total(&folder, &["recording.parquet"]), ALL);
    let lines = |input: &str| folder.succeed(&["convert", input]);
    assert_eq!(lines("recording.parquet"), lines("recording.log"));
    let bytes = std::fs::read(folder.path().join("recording.parquet")).unwrap();
    let outcome = folder.run_on(&bytes, &["convert", "-"]);
    assert_eq!(outcome.stdout, lines("recording.log"));
}

#[test]
fn many_rows_survive_parquet() {
    let folder = Folder::new();
    let connections = (0..20_000_u32).map(|number| {
        let client = format!("10.{}.{}.9", number / 250, number % 250);
        Connection { client: &client, upload: u64::from(number), ..Connection::default() }.legs()[0]
            .clone()
    });
    folder.write("recording.log", connections.collect::<Vec<_>>().join("\n"));
    folder.succeed(&["convert", "recording.log", "-o", "recording.parquet"]);
    assert_eq!(total(&folder, &["recording.parquet"]), (0..20_000).sum());
    let top = |input: &str| folder.succeed(&["top", "--output", "csv", "-n", "50", input]);
    assert_eq!(top("recording.parquet"), top("recording.log"));
}

#[test]
fn records_in_json_are_read() {
    let folder = Folder::new();
    let legs = Connection::default().legs();
    let events = legs.iter().map(|leg| format!("{{\"id\":\"1\",\"message\":\"{leg}\"}}"));
    let events = events.collect::<Vec<_>>().join(",\n ");
    let envelope = format!("{{\"messageType\":\"DATA_MESSAGE\",\n\"logEvents\":[{events}]}}");
    // As Firehose writes them: one behind the other, without a line end.
    folder.write("envelopes.json", envelope.repeat(1000));
    assert_eq!(total(&folder, &["envelopes.json"]), 251_500_000);
}

/// A header line names the fields, in files that follow each other in one stream, too.
#[test]
fn header_lines_name_the_fields() {
    let folder = Folder::new();
    let first = "srcaddr bytes log-status\n10.0.0.1 100 OK\n";
    let second = "bytes log-status dstaddr srcaddr\n7 OK 10.0.0.9 10.0.0.1\n";
    folder.write("both.log", [first, second].concat());
    let csv = folder.succeed(&[
        "top", "--legs", "all", "--action", "all", "--by", "srcaddr", "--output", "csv", "both.log",
    ]);
    assert_eq!(csv, "srcaddr,bytes,share\n10.0.0.1,107,1.000000\n");
    let refusal = folder.run(&["convert", "both.log"]);
    assert_eq!(refusal.code, 1);
    assert!(refusal.stderr.contains("name the columns with --fields"), "{}", refusal.stderr);
    let csv =
        folder.succeed(&["convert", "--fields", "bytes,srcaddr", "--output", "csv", "both.log"]);
    assert_eq!(csv, "bytes,srcaddr\n100,10.0.0.1\n7,10.0.0.1\n");
}

#[test]
fn a_format_can_be_given() {
    let folder = Folder::new();
    folder.write("short.log", "10.0.0.1 100\n10.0.0.2 -\n");
    let refusal = folder.fail(1, &["convert", "short.log"]);
    assert!(refusal.contains("short.log: line 1: the format of `10.0.0.1 100` cannot be told"));
    assert!(refusal.contains("--format"), "{refusal}");
    let lines = folder.succeed(&["convert", "--format", "${srcaddr} ${bytes}", "short.log"]);
    assert_eq!(
        lines,
        "{\"srcaddr\":\"10.0.0.1\",\"bytes\":100}\n{\"srcaddr\":\"10.0.0.2\",\"bytes\":null}\n"
    );
    let refusal = folder.fail(2, &["convert", "--format", "srcaddr bytes", "short.log"]);
    assert!(refusal.contains("expected `${field}`, found `srcaddr`"), "{refusal}");
}

#[test]
fn bad_lines_are_named_and_left_out_or_fatal() {
    let folder = Folder::new();
    let [upload, ..] = Connection::default().legs();
    let wrong = upload.replace(" 1500 ", " many ");
    folder.write("recording.log", [NODATA, &upload, "no record", &wrong, &upload].join("\n"));
    let outcome = folder.run(&["top", "--output", "csv", "recording.log"]);
    assert_eq!(outcome.code, 0);
    assert_eq!(total_of(&outcome.stdout), 3000);
    let named = "\
natflow: warning: 2 bad lines left out:
natflow:   recording.log: line 3: expected 20 values, found `no record`
natflow:   recording.log: line 4: bytes: expected a whole number of 64 bits, found `many`
";
    assert!(outcome.stderr.ends_with(named), "{}", outcome.stderr);
    let refusal = folder.fail(1, &["top", "--strict", "recording.log"]);
    let expected = "natflow: error: recording.log: line 3: expected 20 values, found `no record`\n";
    assert_eq!(refusal, expected);
}

/// Without --strict only what is needed is looked at; with it, every field.
#[test]
fn strict_looks_at_every_field() {
    let folder = Folder::new();
    let [upload, ..] = Connection::default().legs();
    let wrong = upload.replace(" 19 OK", " flags OK");
    folder.write("recording.log", [upload, wrong].join("\n"));
    assert_eq!(total(&folder, &["recording.log"]), 3000);
    let refusal = folder.fail(1, &["top", "--strict", "recording.log"]);
    assert!(refusal.contains("line 2: tcp-flags: expected a whole number"), "{refusal}");
}

#[test]
fn a_reader_that_goes_away_is_a_normal_end() {
    let folder = Folder::new();
    let line = Connection::default().legs()[0].clone() + "\n";
    folder.write("recording.log", line.repeat(20_000));
    let mut command = folder.command(&["convert", "recording.log"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert!(first.contains(CLIENT));
    drop(stdout);
    let outcome = child.wait_with_output().unwrap();
    assert_eq!(outcome.status.code(), Some(0));
    assert_eq!(String::from_utf8(outcome.stderr).unwrap(), "");
}
