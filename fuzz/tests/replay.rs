//! Every check over the corpus and over what fuzzing once found.

use std::fs;
use std::path::Path;

use fuzz_targets::TARGETS;

#[test]
fn the_corpus_and_every_input_once_found_are_clean() {
    for (name, check) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
        let mut inputs: Vec<_> = fs::read_dir(&folder)
            .expect("each target has a corpus")
            .map(|entry| entry.expect("the folder can be read").path())
            .collect();
        inputs.sort();
        assert!(!inputs.is_empty(), "{} is empty", folder.display());
        for input in inputs {
            // Shown by the test when the check panics.
            println!("{}", input.display());
            check(&fs::read(&input).expect("an input can be read"));
        }
    }
}
