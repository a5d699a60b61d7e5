//! `natflow decode`, `convert` and `query` as their users run them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::{Connection, Folder, NODATA, SKIPDATA, recording};

fn one_connection() -> Folder {
    let folder = Folder::new();
    let [upload, relayed, ..] = Connection { service: "S3", ..Connection::default() }.legs();
    folder.write("recording.log", [NODATA, &upload, &relayed, SKIPDATA].join("\n"));
    folder
}

/// Golden: the columns and words of the saved query `decode`.
#[test]
fn records_are_decoded_as_the_saved_query_decodes_them() {
    let folder = one_connection();
    let csv = folder.succeed(&["decode", "--output", "csv", "recording.log"]);
    let expected = "\
@timestamp,action,way,path,srcAddr,srcPort,dstAddr,dstPort,transport,size,bytes,type,pktSrcAddr,\
pktSrcAwsService,pktDstAddr,pktDstAwsService,packets,endTime,flags,logStatus,recordedOn
2023-11-14 22:13:20.000,ACCEPT,into the gateway,,10.0.1.5,40000,10.0.0.220,443,TCP,1.5 kB,1500,\
IPv4,10.0.1.5,,203.0.113.5,S3,3,1700000060,SYN-ACK FIN,OK,eni-0a1b
2023-11-14 22:13:20.000,ACCEPT,out of the gateway,internet gateway,10.0.0.220,1024,203.0.113.5,\
443,TCP,1.5 kB,1500,IPv4,10.0.0.220,,203.0.113.5,S3,3,1700000060,SYN-ACK FIN,OK,eni-0a1b
2023-11-14 22:13:20.000,,,,,,,,,,,,,,,,,1700000060,,SKIPDATA,eni-0a1b
";
    assert_eq!(csv, expected);
    let query = folder.write("decode.query", flowlog::queries::Query::Decode.saved_text());
    let query = query.to_str().unwrap();
    let answer = folder.succeed(&["query", "-f", query, "--output", "csv", "recording.log"]);
    assert_eq!(answer.lines().next(), expected.lines().next());
}

#[test]
fn a_decoded_table_has_the_columns_that_are_asked_for() {
    let folder = one_connection();
    let table = folder.succeed(&[
        "decode",
        "--fields",
        "start,client,peer,direction,port,protocol,bytes",
        "--legs",
        "ends",
        "recording.log",
    ]);
    let expected = "\
@TIMESTAMP               CLIENT    PEER         DIRECTION  PORT  TRANSPORT    SIZE  BYTES
2023-11-14 22:13:20.000  10.0.1.5  203.0.113.5  upload      443  TCP        1.5 kB   1500
";
    assert_eq!(table, expected);
    let table = folder.succeed(&[
        "decode",
        "--bytes",
        "--fields",
        "bytes",
        "--where",
        "direction = upload",
        "recording.log",
    ]);
    assert_eq!(table, "BYTES\n 1500\n");
}

/// Golden: AWS's names and types; `-` is null.
#[test]
fn records_are_converted_to_json() {
    let folder = one_connection();
    let lines = folder.succeed(&["convert", "recording.log"]);
    let second = "{\"action\":\"ACCEPT\",\"flow_direction\":\"ingress\",\"traffic_path\":null,\
        \"srcaddr\":\"10.0.1.5\",\"srcport\":40000,\"dstaddr\":\"10.0.0.220\",\"dstport\":443,\
        \"protocol\":6,\"bytes\":1500,\"type\":\"IPv4\",\"pkt_srcaddr\":\"10.0.1.5\",\
        \"pkt_src_aws_service\":null,\"pkt_dstaddr\":\"203.0.113.5\",\"pkt_dst_aws_service\":\"S3\",\
        \"packets\":3,\"start\":1700000000,\"end\":1700000060,\"tcp_flags\":19,\"log_status\":\"OK\",\
        \"interface_id\":\"eni-0a1b\"}";
    assert_eq!(lines.lines().count(), 4);
    assert_eq!(lines.lines().nth(1), Some(second));
    assert!(lines.starts_with("{\"action\":null,"));
    folder.succeed(&["convert", "recording.log", "-o", "all.json"]);
    let array: serde_json::Value = serde_json::from_str(&folder.read("all.json")).unwrap();
    assert_eq!(array.as_array().map(Vec::len), Some(4));
}

#[test]
fn fields_are_chosen_by_any_of_their_names() {
    let folder = one_connection();
    let csv = folder.succeed(&[
        "convert",
        "--fields",
        "pkt-dstaddr,pktDstAwsService,log_status",
        "recording.log",
        "-o",
        "out.csv",
    ]);
    assert_eq!(csv, "");
    let expected = "\
pkt_dstaddr,pkt_dst_aws_service,log_status
,,NODATA
203.0.113.5,S3,OK
203.0.113.5,S3,OK
,,SKIPDATA
";
    assert_eq!(folder.read("out.csv"), expected);
    let refusal = folder.fail(1, &["convert", "--fields", "bites", "recording.log"]);
    assert!(refusal.contains("`bites` (--fields) is not in the records"), "{refusal}");
}

/// Rows cannot be taken back: the addresses are learnt before the first row is written.
#[test]
fn a_late_address_is_known_from_the_first_row_on() {
    let folder = Folder::new();
    let secondary = Connection { gateway: ["10.0.0.220", "10.0.0.221"], ..Connection::default() };
    let [upload, late, early, _] = secondary.legs();
    folder.write("recording.log", [upload, early, late].join("\n"));
    let csv =
        folder.succeed(&["convert", "--fields", "direction", "--output", "csv", "recording.log"]);
    assert_eq!(csv, "direction\nupload\ndownload-arriving\nupload-relayed\n");
}

#[test]
fn a_failed_run_leaves_the_file_as_it_was() {
    let folder = one_connection();
    folder.write("out.csv", "precious\n");
    folder.write("bad.log", recording() + "no record\n");
    folder.fail(1, &["convert", "--strict", "bad.log", "-o", "out.csv"]);
    assert_eq!(folder.read("out.csv"), "precious\n");
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 3);
    // An input may be its own output: it is replaced when everything was read.
    folder.succeed(&["convert", "recording.log", "-o", "recording.log"]);
    assert!(folder.read("recording.log").starts_with("{\"action\""));
}

/// The saved queries and `top` agree on the same records.
#[test]
fn queries_agree_with_top() {
    let folder = Folder::new();
    folder.write("recording.log", recording());
    let query = folder.write("top.query", flowlog::queries::Query::TopPairs.saved_text());
    let query = query.to_str().unwrap();
    let answer = folder.succeed(&["query", "-f", query, "--output", "csv", "recording.log"]);
    let top = folder.succeed(&["top", "--by", "pair", "--output", "csv", "recording.log"]);
    let sums = |csv: &str| -> Vec<String> {
        let rows =
            csv.lines().skip(1).map(|row| row.split(',').take(5).collect::<Vec<_>>().join(","));
        let mut rows: Vec<_> = rows.collect();
        rows.sort();
        rows
    };
    assert_eq!(sums(&answer), sums(&top));
    assert_eq!(sums(&answer).len(), 3);
}

#[test]
fn a_query_sees_the_legs_that_are_asked_for() {
    let folder = Folder::new();
    folder.write("recording.log", Connection::default().legs().join("\n"));
    let count = |legs: &str| {
        let query = "stats count(*) as records";
        let arguments =
            ["query", "--bytes", "--legs", legs, query, "--output", "jsonl", "recording.log"];
        folder.succeed(&arguments)
    };
    assert_eq!(count("all"), "{\"records\":4}\n");
    assert_eq!(count("ends"), "{\"records\":2}\n");
}

#[test]
fn queries_are_refused_with_their_place() {
    let folder = one_connection();
    let count =
        folder.succeed(&["query", "stats count(*) as n", "--output", "jsonl", "recording.log"]);
    assert_eq!(count, "{\"n\":4}\n");
    let refusal = folder.fail(1, &["query", "stats pattern @message", "recording.log"]);
    assert!(refusal.starts_with("natflow: error: the query: "), "{refusal}");
}
