//! Measures how long the functions take from exec to their first answer, how much
//! memory that takes and how large they are.
//!
//! ```sh
//! start-up target/release       # the functions; exit status 1 if a limit is broken
//! start-up variants             # builds variants of a small function and compares them
//! ```

mod aws;
mod certificates;
mod figures;
mod http;
mod laboratory;
mod quiet;
mod recording;
mod runtime_api;
mod variants;

use std::{env, path::Path, process::ExitCode};

use anyhow::{Result, ensure};
use serde_json::Value;

use certificates::Roots;
use figures::Figures;
use laboratory::{Laboratory, Setting};
use recording::FUNCTIONS;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [word] if word == "variants" => variants::compare().map(|()| ExitCode::SUCCESS),
        [folder] => functions(Path::new(folder)),
        _ => {
            eprintln!("usage: start-up FOLDER-OF-BINARIES | start-up variants");
            Ok(ExitCode::from(2))
        }
    }
}

fn functions(folder: &Path) -> Result<ExitCode> {
    let laboratory = Laboratory::open()?;
    println!(
        "From exec to the first answer, {} roots trusted:\n",
        laboratory.roots(Roots::System)?
    );
    println!("{}", Figures::HEADING);
    let disturbed_before = quiet::disturbance()?;
    let mut broken = Vec::new();
    let mut answer = Value::Null;
    for function in &FUNCTIONS {
        let binary = folder.join(function.name);
        let event = (function.event)(&answer);
        let figures = Figures::take(&laboratory, &binary, Setting::USUAL, &event)?;
        println!("{}", figures.row(function.name));
        broken.extend(
            figures.broken_limits().iter().map(|limit| format!("{} {limit}", function.name)),
        );
        answer = went_well(figures.answer)?;
    }
    quiet::warn_of(disturbed_before.max(quiet::disturbance()?));
    for limit in &broken {
        println!("Limit broken: {limit}.");
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A macro that refuses, or an execution that does not record, is not measured.
fn went_well(answer: Value) -> Result<Value> {
    let refused = answer.get("status").is_some_and(|status| status != "success")
        || answer.get("decision").is_some_and(|decision| decision != "record");
    ensure!(!refused, "the answer is not that of a recording that goes well: {answer}");
    Ok(answer)
}
