//! The queries on disk are what people read and review; they must be what the stack installs.

use std::fs;
use std::path::Path;

use flowlog::queries::Query;

#[test]
fn the_saved_queries_on_disk_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../queries");
    let saved = Query::ALL.map(|query| (format!("{}.query", query.name()), query.saved_text()));
    let athena =
        Query::ALL.map(|query| (format!("athena/{}.sql", query.name()), query.athena_text()));
    for (name, text) in saved.into_iter().chain(athena) {
        let found = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        let repair = format!("{name} is outdated: run `cargo run -p xtask -- generate`");
        assert!(found == text, "{repair}");
    }
}
