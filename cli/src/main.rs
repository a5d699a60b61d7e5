//! The command `natflow`: reads the command line, runs it and prints what went wrong.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;
use natflow::{Arguments, run};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments, jiff::Timestamp::now()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // Without standard error there is nobody to tell.
            let _ = writeln!(io::stderr(), "natflow: error: {error}");
            ExitCode::FAILURE
        }
    }
}
