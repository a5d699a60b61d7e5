//! The queries on disk are what people read and review; they must be what the stack installs.

use std::fs;
use std::path::Path;

use flowlog::queries::Query;

#[test]
fn the_saved_queries_on_disk_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../queries");
    for query in Query::ALL {
        let name = format!("{}.query", query.name());
        let found = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        let repair = format!("{name} is outdated: run `cargo run -p xtask -- generate`");
        assert!(found == query.saved_text(), "{repair}");
    }
}
