//! Generates the files and regions whose facts have their home in code, and checks that they
//! are up to date.
//!
//! - `queries/*.query`, `queries/athena/*.sql`, `docs/fields.md` and regions of `template.yaml`
//!   from `crates/flowlog`;
//! - the diagram in `docs/architecture.md` from `statemachine/recorder.asl.yaml`.
//!
//! `check` also compares the error names of the state machine with those of the functions.

mod diagram;
mod fields_page;
mod generated;
mod regions;
mod state_machine;

use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::generated::{Finding, findings};
use crate::state_machine::StateMachine;

/// The project's own tasks.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write every generated file and region.
    Generate,
    /// Fail when a generated file or region is not up to date, or an error name is unknown.
    Check,
}

fn main() -> anyhow::Result<ExitCode> {
    let root = root()?;
    match Arguments::parse().task {
        Task::Generate => generate(&root),
        Task::Check => check(&root),
    }
}

/// The project's root: cargo names the folder of this package, a binary that is run by itself
/// takes the current folder.
fn root() -> anyhow::Result<PathBuf> {
    let current = || env::current_dir().context("the current folder");
    match env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => {
            Path::new(&package).parent().map(Path::to_owned).context("xtask has no parent folder")
        }
        None => current(),
    }
}

/// Writes what differs. A file that is not there yet is named and left alone.
fn generate(root: &Path) -> anyhow::Result<ExitCode> {
    for finding in findings(root)? {
        match finding {
            Finding::Outdated { path, expected } => {
                generated::write(root, &path, &expected)?;
                say(&format!("wrote {path}"))?;
            }
            Finding::Problem { path, problem } => say(&format!("left out {path}: {problem}"))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Names every problem with the command that repairs it.
fn check(root: &Path) -> anyhow::Result<ExitCode> {
    let mut problems: Vec<_> = findings(root)?.iter().map(Finding::sentence).collect();
    problems.extend(unknown_error_names(root)?);
    for problem in &problems {
        say(problem)?;
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A sentence for each error name of the state machine that neither a function nor AWS has.
fn unknown_error_names(root: &Path) -> anyhow::Result<Vec<String>> {
    let Some(text) = generated::read(root, generated::STATE_MACHINE)? else {
        return Ok(vec![]); // Already a finding: the diagram cannot be drawn.
    };
    let ours = recording::ErrorName::ALL.map(recording::ErrorName::as_str);
    let machine = StateMachine::parse(&text)?;
    let unknown = machine.unknown_error_names(&ours);
    let sentence = |name| {
        format!(
            "{}: ErrorEquals {name} is neither a recording::ErrorName nor in the list of AWS's \
             names in xtask/src/state_machine.rs: correct the spelling or add it there",
            generated::STATE_MACHINE
        )
    };
    Ok(unknown.into_iter().map(sentence).collect())
}

fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("writing to standard output")
}
