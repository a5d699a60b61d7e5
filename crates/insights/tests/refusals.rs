//! What is refused, and how it is said.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use insights::Query;
use proptest::prelude::*;

fn refusal(query: &str) -> String {
    Query::parse(query).map(|_| query).unwrap_err().to_string()
}

#[test]
fn a_refusal_names_the_word_and_its_place() {
    assert_eq!(
        refusal("fields @message\n| pattern @message"),
        "line 2, column 3: `pattern`: this command is not supported (those that are: fields, \
         display, filter, parse, stats, sort, limit, dedup)"
    );
    assert_eq!(
        refusal("fields jsonParse(@message) as json"),
        "line 1, column 8: `jsonParse`: this function is not supported"
    );
    assert_eq!(
        refusal("filter (a = 1"),
        "line 1, column 14: end of the query: expected an operator or )"
    );
    assert_eq!(refusal("filter a == 1"), "line 1, column 11: `=`: expected a value");
    assert_eq!(refusal("fields a b"), "line 1, column 10: `b`: expected | or the end of the query");
}

/// What AWS documents and this subset does not have: refused with word and place, never ignored.
#[test]
fn documented_functions_and_commands_beyond_the_subset_are_refused() {
    for function in ["jsonParse", "jsonStringify", "now"] {
        let place = format!("line 2, column 15: `{function}`: this function is not supported");
        assert_eq!(refusal(&format!("fields a\n| filter a != {function}(a)")), place);
    }
    for function in ["stddev", "earliest", "latest", "sortsFirst", "sortsLast"] {
        let place = format!("line 1, column 17: `{function}`: this function is not supported");
        assert_eq!(refusal(&format!("stats count(*), {function}(a) by b")), place);
    }
    for command in [
        "pattern",
        "diff",
        "unmask",
        "unnest",
        "anomaly",
        "filterIndex",
        "lookup",
        "join",
        "SOURCE",
    ] {
        let place = format!("line 2, column 3: `{command}`: this command is not supported");
        assert!(refusal(&format!("fields a\n| {command} a")).starts_with(&place));
    }
}

#[test]
fn wrong_arguments_are_refused() {
    assert_eq!(refusal("fields strlen(a, b)"), "line 1, column 8: `strlen`: it takes 1 argument");
    assert_eq!(refusal("fields trim()"), "line 1, column 8: `trim`: it takes 1 to 2 arguments");
    assert_eq!(refusal("fields if(a, b)"), "line 1, column 8: `if`: it takes 3 arguments");
    assert_eq!(
        refusal("fields coalesce()"),
        "line 1, column 8: `coalesce`: it takes 1 or more arguments"
    );
    assert_eq!(
        refusal("filter isIpv4InSubnet(a, \"10.0.0.0\")"),
        "line 1, column 26: `\"10.0.0.0\"`: expected a subnet in CIDR notation"
    );
    assert_eq!(
        refusal("filter isIpv4InSubnet(a, \"::/0\")"),
        "line 1, column 26: `\"::/0\"`: expected a subnet in CIDR notation"
    );
    assert_eq!(
        refusal("stats count(*) by bin(5)"),
        "line 1, column 23: `5`: expected a period such as 5m"
    );
    assert_eq!(
        refusal("stats count(*) by bin(5x)"),
        "line 1, column 23: `5x`: expected a unit of time, from ms to y, behind the number"
    );
    assert_eq!(
        refusal("stats count(*) by bin(0m)"),
        "line 1, column 23: `0m`: a period lasts 1 or more of its unit"
    );
    assert_eq!(
        refusal("stats pct(a, 101)"),
        "line 1, column 14: `101`: expected a comma and a percentage from 0 to 100"
    );
}

#[test]
fn patterns_must_extract_what_is_named() {
    assert_eq!(
        refusal("parse @message \"* *\" as a"),
        "line 1, column 16: `\"* *\"`: the pattern has 2 stars for 1 names"
    );
    assert!(refusal("parse @message \"a\" as a").contains("the pattern extracts nothing"));
    assert!(refusal("parse @message /(a)/").contains("the pattern extracts nothing"));
    assert!(refusal("parse @message /(?=a)(?<b>c)/").contains("look-around"));
    assert!(refusal("parse @message \"*\"").contains("expected as"));
    assert!(refusal("parse \"*\" as a").contains("expected a name"));
    assert!(refusal("filter a like /b").contains("it has no end"));
}

#[test]
fn aggregations_stay_in_stats() {
    assert!(refusal("fields sum(a)").contains("an aggregation belongs into stats"));
    assert!(refusal("stats sum(max(a))").contains("an aggregation belongs into stats"));
    assert!(refusal("stats count(*) by sum(a)").contains("an aggregation belongs into stats"));
    assert!(refusal("stats a").contains("stands inside an aggregation or after by"));
    assert!(refusal("stats sum(a) / b by b").contains("`b`: a field in stats"));
    assert!(refusal("stats bin(5m)").contains("`bin`: a field in stats"));
    assert!(refusal("stats sum()").contains("it takes 1 argument"));
}

#[test]
fn the_order_of_commands_is_that_of_the_documentation() {
    assert_eq!(
        refusal("limit 1 | filter a"),
        "line 1, column 11: `filter`: it cannot follow limit"
    );
    assert!(refusal("dedup a | sort a").contains("`sort`: it cannot follow dedup"));
    assert!(refusal("sort a | stats count(*)").contains("`stats`: it cannot follow sort"));
    assert!(refusal("sort a | sort b").contains("`sort`: it cannot follow sort"));
    assert!(refusal("display a | display b").contains("`display`: it cannot follow display"));
    let three = "stats count(*) as a | stats count(*) as b | stats count(*) as c";
    assert!(refusal(three).contains("it cannot follow two other stats commands"));
    for limit in ["0", "10001", "x", "1.5", "-1"] {
        assert!(refusal(&format!("limit {limit}")).contains("a whole number from 1 to 10000"));
    }
}

#[test]
fn a_query_without_end_is_no_danger() {
    let nested = format!("filter {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(refusal(&nested).contains("nested too deeply"));
    assert!(refusal(&format!("filter {}", "not ".repeat(100_000))).contains("nested too deeply"));
    assert!(refusal(&format!("filter 1{}", "+1".repeat(100_000))).contains("nested too deeply"));
    assert!(refusal(&format!("filter {}1", "-".repeat(100_000))).contains("nested too deeply"));
}

const WORDS: &[&str] = &[
    "fields",
    "filter",
    "parse",
    "stats",
    "sort",
    "limit",
    "dedup",
    "display",
    "|",
    "(",
    ")",
    "[",
    "]",
    ",",
    "=",
    "!=",
    "<",
    "+",
    "-",
    "*",
    "/",
    "^",
    "and",
    "or",
    "not",
    "in",
    "like",
    "as",
    "by",
    "desc",
    "a",
    "@message",
    "`b c`",
    "\"* x *\"",
    "/(?<g>.)/",
    "5m",
    "1",
    "2.5",
    "bin(1m)",
    "count(*)",
    "sum(",
    "if(",
    "strlen(",
    "# c\n",
];

proptest! {
    /// Whatever the words are, the answer is a query that runs or a refusal inside the text.
    #[test]
    fn any_words_are_understood_or_refused(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..14)
    ) {
        check(&words.join(" "));
    }

    #[test]
    fn any_text_is_understood_or_refused(text in "\\PC{0,40}") {
        check(&text);
    }
}

fn check(text: &str) {
    match Query::parse(text) {
        Ok(query) => {
            let messages = ["a x 5", "b y -", ""];
            let table = query.run(messages.map(|message| insights::Event::new(0, message)));
            assert!(table.rows.iter().all(|row| row.len() == table.columns.len()));
        }
        Err(error) => {
            let line = text.split('\n').nth(error.line - 1).unwrap();
            assert!(error.column <= line.chars().count() + 1, "{text:?}: {error}");
        }
    }
}
