//! A template before and after the macro. After a change on purpose, run the test with
//! `UPDATE_GOLDEN=1` and review the difference.

use macro_protocol::Outcome;

use crate::requests::{expanded, parameter_values};
use serde_json::{Value, json};

const EXPANDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/expansion/golden/expanded.json");

#[test]
fn template_becomes_the_expanded_one() {
    let template: Value = serde_json::from_str(include_str!("golden/template.json")).unwrap();
    let outcome = expanded(&template, &json!({}), &parameter_values());
    let Outcome::Success { fragment } = outcome else { panic!("{outcome:?}") };
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&fragment).unwrap() + "\n";
        std::fs::write(EXPANDED, text).unwrap();
    }
    let expanded: Value =
        serde_json::from_str(&std::fs::read_to_string(EXPANDED).unwrap()).unwrap();
    assert_eq!(fragment, expanded);
}
