//! What the command line says about itself, and what it refuses.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use support::{Folder, recording};

#[test]
fn help_names_the_exit_codes_and_examples() {
    let folder = Folder::new();
    let help = folder.succeed(&["--help"]);
    for word in ["top", "decode", "convert", "query", "completions", "man", "Exit codes:"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(folder.succeed(&["top", "--help"]).contains("natflow top --by pair"));
    assert!(folder.succeed(&["--version"]).starts_with("natflow "));
}

#[test]
fn shells_can_complete_the_arguments() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(folder.succeed(&["completions", shell]).contains("gateway"), "{shell}");
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let folder = Folder::new();
    assert!(folder.succeed(&["man"]).contains(".TH natflow 1"));
    folder.succeed(&["man", "--dir", "."]);
    for page in ["natflow.1", "natflow-top.1", "natflow-decode.1", "natflow-convert.1"] {
        assert!(folder.read(page).contains(".TH natflow"), "{page}");
    }
}

#[test]
fn wrong_arguments_are_refused_with_what_is_expected() {
    let folder = Folder::new();
    folder.write("recording.log", recording());
    for (arguments, expected) in [
        (["top", "--where", "bytes >"], "at character 8: expected a value, found the end"),
        (["top", "--since", "yesterday"], "expected a time such as"),
        (["top", "--gateway", "gw"], "expected eni-…, nat-…"),
        (["top", "--by", "10.0.0.1"], "expected a field's name"),
        (["top", "--metric", "size"], "[possible values: bytes, packets, flows]"),
        (["top", "--output", "xml"], "[possible values: table, json, jsonl, csv]"),
        (["convert", "--output", "table"], "[possible values: jsonl, json, csv, parquet]"),
    ] {
        let refusal = folder.fail(2, &arguments);
        assert!(refusal.contains(expected), "{arguments:?}: {refusal}");
    }
    let refusal = folder.fail(1, &["top", "--by", "clinet", "recording.log"]);
    assert!(refusal.contains("`clinet` (--by) is not in the records, whose fields are: action,"));
    let refusal = folder.fail(1, &["top", "https://example.com/a.log"]);
    assert!(refusal.contains("expected a file, a directory, -, s3://bucket/path"), "{refusal}");
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let folder = Folder::new();
    folder.write("recording.log", recording());
    assert!(!folder.succeed(&["top", "recording.log"]).contains('\x1b'));
    assert!(folder.succeed(&["top", "--color", "always", "recording.log"]).contains("\x1b[1m"));
}
