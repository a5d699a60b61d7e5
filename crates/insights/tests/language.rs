//! What commands mean, told by their results.

#![expect(clippy::panic, reason = "a test's helpers may panic as the test itself may")]

use insights::{Event, Query, Table, Value};

/// Messages at 0 s, 1 s, 2 s, …
fn run(query: &str, messages: &[&str]) -> Table {
    let times = (0..).step_by(1000);
    let events = times.zip(messages).map(|(time, message)| Event::new(time, message));
    Query::parse(query).unwrap_or_else(|error| panic!("{query}: {error}")).run(events)
}

/// The rows, values joined by `|`, missing ones as `~`.
fn rows(query: &str, messages: &[&str]) -> Vec<String> {
    run(query, messages).rows.iter().map(|row| shown(row)).collect()
}

fn shown(row: &[Value<'static>]) -> String {
    let values = row.iter().map(|value| match value {
        Value::Missing => "~".to_owned(),
        value => value.to_string(),
    });
    values.collect::<Vec<_>>().join("|")
}

/// The value of an expression in which `a` and `b` are parsed.
fn value(expression: &str, a: &str, b: &str) -> String {
    let message = format!("{a};{b}");
    let query = format!("parse @message \"*;*\" as a, b | display {expression} as value");
    rows(&query, &[&message]).join("\n")
}

/// Whether a filter keeps an event in which `a` and `b` are parsed.
fn keeps(condition: &str, a: &str, b: &str) -> bool {
    let query = format!("parse @message \"*;*\" as a, b | filter {condition}");
    rows(&query, &[&format!("{a};{b}")]).len() == 1
}

#[test]
fn events_come_newest_first_with_time_and_message() {
    let table = run("filter @message != \"b\"", &["a", "b", "c"]);
    assert_eq!(table.columns, ["@timestamp", "@message"]);
    assert_eq!(
        rows("filter @message != \"b\"", &["a", "b", "c"]),
        ["1970-01-01 00:00:02.000|c", "1970-01-01 00:00:00.000|a"]
    );
    assert_eq!(table.statistics.records_scanned, 3);
    assert_eq!(table.statistics.records_matched, 2);
    assert_eq!(table.statistics.bytes_scanned, 3);
}

#[test]
fn columns_are_those_that_commands_name() {
    let columns = |query| run(query, &["a b"]).columns;
    assert_eq!(columns("fields @message, strlen(@message)"), ["@message", "strlen(@message)"]);
    assert_eq!(columns("fields @message as m | fields m"), ["m"]);
    assert_eq!(columns("parse @message \"* *\" as x, y"), ["@timestamp", "@message", "x", "y"]);
    assert_eq!(columns("fields @message | parse @message \"* *\" as x, y"), ["@message", "x", "y"]);
    assert_eq!(columns("parse @message \"* *\" as x, y | display y"), ["y"]);
    assert_eq!(columns("stats count(*) by @message, bin(1m) as t"), ["@message", "t", "count(*)"]);
    assert_eq!(columns("fields `odd-name`"), ["odd-name"]);
}

#[test]
fn parse_extracts_by_stars_and_by_groups() {
    let globs = "parse @message \"user=* from *\" as user, address | display user, address";
    assert_eq!(
        rows(globs, &["login user=ann from 10.0.0.1 ok", "nothing"]),
        ["~|~", "ann|10.0.0.1 ok"]
    );
    let groups =
        r"parse @message /user=(?<user>\w+)( from (?<address>\S+))?/ | display user, address";
    assert_eq!(rows(groups, &["user=ann", "user=bob from ::1 ok"]), ["bob|::1", "ann|~"]);
    // What does not match leaves nothing of a former value.
    let twice = "parse @message \"a*\" as x | parse @message \"b*\" as x | display x";
    assert_eq!(rows(twice, &["a1"]), ["~"]);
    // A field can be parsed into itself, and stays as it was otherwise.
    let itself = "fields @message as x | parse x \"a*\" as x | parse x /(?<y>b)/ | display x, y";
    assert_eq!(rows(itself, &["ab", "ac", "d"]), ["~|~", "c|~", "b|b"]);
    // Computed columns can be parsed, too.
    let computed =
        "fields concat(@message, \" \", 5) as y | parse y \"* *\" as a, b | display b, a";
    assert_eq!(rows(computed, &["x"]), ["5|x"]);
}

#[test]
fn arithmetic_takes_numbers_and_leaves_everything_else_missing() {
    assert_eq!(value("a + b * 2", "1", "2"), "5");
    assert_eq!(value("(a + b) * 2", "1", "2"), "6");
    assert_eq!(value("a / b", "10", "4"), "2.5");
    assert_eq!(value("a / b", "10", "5"), "2");
    assert_eq!(value("a % b", "10", "3"), "1");
    assert_eq!(value("a ^ b", "2", "3"), "8");
    assert_eq!(value("a ^ b ^ 2", "2", "3"), "512");
    assert_eq!(value("-a ^ b", "2", "2"), "-4");
    assert_eq!(value("a - -b", "2", "2"), "4");
    assert_eq!(value("a / b", "1", "0"), "~");
    assert_eq!(value("a % b", "1", "0"), "~");
    assert_eq!(value("a + 1", "-", ""), "~");
    assert_eq!(value("a + nothing", "1", ""), "~");
    assert_eq!(value("a + b", "9007199254740993", "1"), "9007199254740994");
}

#[test]
fn comparisons_are_numeric_when_both_sides_are_numbers() {
    assert!(keeps("a < b", "9", "10"));
    assert!(!keeps("a < b", "9x", "10x"));
    assert!(keeps("a = 200", "200", ""));
    assert!(keeps("a = \"200\"", "200.0", ""));
    assert!(keeps("a >= b and a <= b", "-", "-"));
    assert!(!keeps("a = 0", "-", ""));
    assert!(!keeps("a = \"accept\"", "ACCEPT", ""));
}

#[test]
fn a_missing_value_compares_with_nothing() {
    for condition in ["nothing = 1", "nothing < 1", "nothing >= 1", "nothing like \"\"", "nothing"]
    {
        assert!(!keeps(condition, "", ""), "{condition}");
        assert!(keeps(&format!("not ({condition})"), "", ""), "{condition}");
    }
    assert!(keeps("nothing != 1", "", ""));
    assert!(!keeps("nothing in [1, 2]", "", ""));
    assert!(keeps("nothing not in [1, 2]", "", ""));
    assert!(keeps("nothing not like /x/", "", ""));
}

#[test]
fn like_is_a_case_sensitive_search() {
    assert!(keeps("a like \"cep\"", "Accept", ""));
    assert!(!keeps("a like \"CEP\"", "Accept", ""));
    assert!(!keeps("a like \"A.c\"", "Accept", ""));
    assert!(keeps("a like /A.c/", "Accept", ""));
    assert!(keeps("a =~ /(?i)^ACCEPT$/", "Accept", ""));
    assert!(keeps("a not like /x\\/y/", "Accept", ""));
    assert!(keeps("a like /x\\/y/", "x/y", ""));
}

#[test]
fn conditions_combine_as_usual() {
    assert!(keeps("a = 1 or a = 2 and b = 3", "1", "0"));
    assert!(!keeps("(a = 1 or a = 2) and b = 3", "1", "0"));
    assert!(keeps("not a = 1 and b = 2", "0", "2"));
    assert!(keeps("not (a = 1 and b = 2)", "1", "0"));
    assert!(keeps("a in [\"x\", 10] and b not in ['y']", "10", "z"));
    assert!(keeps("ispresent(a) AND NOT isPresent(c)", "", ""));
    assert!(keeps("strcontains(a, \"b\")", "abc", ""));
    assert!(!keeps("a", "text", ""));
}

#[test]
fn functions_can_be_nested_and_named() {
    assert_eq!(value("if(a > b, \"more\", \"less\")", "10", "9"), "more");
    assert_eq!(value("coalesce(nothing, a)", "x", ""), "x");
    assert_eq!(value("toupper(substr(concat(a, b), 1, 2))", "abc", ""), "BC");
    assert_eq!(value("isIpv4InSubnet(a, \"10.0.0.0/8\")", "10.1.1.1", ""), "1");
    assert_eq!(value("datefloor(fromMillis(a), 1h)", "7199999", ""), "1970-01-01 01:00:00.000");
    assert_eq!(value("toMillis(dateceil(@timestamp, 5m))", "", ""), "0");
}

#[test]
fn stats_group_and_count() {
    let query = "parse @message \"* *\" as who, bytes \
                 | stats sum(bytes) as total, count(*) as n, avg(bytes), min(bytes), max(bytes), \
                   count_distinct(bytes), pct(bytes, 50), sum(bytes) / count(*) by who \
                 | sort who";
    assert_eq!(
        rows(query, &["b 10", "a 1", "a 9", "a -", "a 9"]),
        ["a|19|4|6.333333333333333|-|9|3|9|4.75", "b|10|1|10|10|10|1|10|10"]
    );
}

#[test]
fn stats_without_by_are_about_everything_and_of_nothing_there_are_none() {
    assert_eq!(rows("stats count(*), count(x)", &["a", "b"]), ["2|0"]);
    assert!(rows("filter @message = \"c\" | stats count(*)", &["a", "b"]).is_empty());
    // Rows that lack what is grouped by are a group.
    let query = "parse @message \"x=*\" as x | stats count(*) as n by x | sort n";
    assert_eq!(rows(query, &["x=1", "y", "z"]), ["1|1", "~|2"]);
}

#[test]
fn stats_can_follow_stats() {
    let query =
        "stats count(*) as n by @message | filter n > 1 | stats count(*) as messages, max(n)";
    let messages = ["a", "b", "a", "c", "c", "c"];
    assert_eq!(rows(query, &messages), ["2|3"]);
    let unnamed = "stats count(*) by @message | stats count(*), sum(count(*)), max(@timestamp)";
    assert_eq!(rows(unnamed, &messages), ["3|6|~"]);
}

#[test]
fn bins_begin_at_round_times_and_keep_their_name() {
    let query = "stats count(*) as n by bin(2s) | sort bin(2s) desc | display bin(2s), n";
    assert_eq!(
        rows(query, &["a", "b", "c"]),
        ["1970-01-01 00:00:02.000|1", "1970-01-01 00:00:00.000|2"]
    );
}

#[test]
fn sort_takes_several_fields_and_keeps_the_order_of_what_is_alike() {
    let query = "parse @message \"* *\" as a, b | sort a, b desc | display a, b";
    assert_eq!(rows(query, &["2 x", "10 y", "2 z", "- z"]), ["-|z", "2|z", "2|x", "10|y"]);
    let query = "parse @message \"* *\" as a, b | sort a | display b";
    assert_eq!(rows(query, &["1 x", "1 y", "0 z", "1 w"]), ["z", "x", "y", "w"]);
    // What is sorted by is the value at that place.
    let query = "parse @message \"* *\" as a, b | sort a | fields b as a | display a";
    assert_eq!(rows(query, &["1 x", "0 y"]), ["y", "x"]);
}

#[test]
fn a_limit_keeps_the_first_of_the_order() {
    let messages: Vec<String> = (0..25_000).map(|n| format!("{}", n * 7919 % 25_000)).collect();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let query = "fields @message as m | sort m desc | limit 3 | display m";
    assert_eq!(rows(query, &messages), ["24999", "24998", "24997"]);
    let all = rows("fields @message as m | sort m | display m", &messages);
    assert_eq!(all.len(), 10_000);
    assert!(all.iter().map(|m| m.parse::<u32>().unwrap()).eq(0..10_000));
    assert_eq!(rows("stats count(*) by @message | limit 2", &messages), ["0|1", "7919|1"]);
}

#[test]
fn dedup_keeps_the_first_of_the_order_and_whatever_lacks_a_value() {
    let query = "parse @message \"* *\" as a, b | sort b | dedup a | display a, b";
    assert_eq!(rows(query, &["x 3", "x 1", "y 2", "none", "none"]), ["~|~", "~|~", "x|1", "y|2"]);
    // Without a sort, the newest.
    let query = "parse @message \"* *\" as a, b | dedup a | limit 1 | display a, b";
    assert_eq!(rows(query, &["y 2", "x 3", "x 1"]), ["x|1"]);
}

#[test]
fn the_other_fields_of_an_event_can_be_read() {
    let event = Event {
        log_stream: "eni-1-all",
        log: "1:flows",
        ingestion_time: Some(1_500),
        discovered: &[("srcAddr", "10.0.0.1")],
        ..Event::new(0, "m")
    };
    let query = "fields @logStream, @log, @ingestionTime, srcAddr, dstAddr";
    let table = Query::parse(query).unwrap().run([event]);
    let shown: Vec<_> = table.rows[0].iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["eni-1-all", "1:flows", "1970-01-01 00:00:01.500", "10.0.0.1", ""]);
}

#[test]
fn comments_and_line_breaks_are_no_part_of_a_query() {
    let query = "# Which?\nfields @message # not | limit 0\n\n| limit 1 # done";
    assert_eq!(rows(query, &["a", "# b"]), ["# b"]);
}

#[test]
fn events_can_be_found_again() {
    let event = Event { pointer: "p1", ..Event::new(0, "m") };
    let columns = |query: &str| {
        let table = Query::parse_with_pointer(query).unwrap().run([event]);
        let row: Vec<_> = table.rows[0].iter().map(ToString::to_string).collect();
        (table.columns, row.join("|"))
    };
    let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(columns("display @message"), (named(&["@message", "@ptr"]), "m|p1".to_owned()));
    assert_eq!(columns("fields @ptr"), (named(&["@ptr"]), "p1".to_owned()));
    // Of groups there is none.
    assert_eq!(columns("stats count(*) as n"), (named(&["n"]), "1".to_owned()));
    assert_eq!(
        Query::parse("display @message").unwrap().columns().collect::<Vec<_>>(),
        ["@message"]
    );
}
