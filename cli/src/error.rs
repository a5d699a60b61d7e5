//! What can go wrong.

use std::io;

use flowlog::{BadLine, UnknownFormat};

/// Why a command could not finish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An input could not be opened or read.
    #[error("{name}: {source}")]
    Input {
        /// The input's name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// An input is of no kind that can be read.
    #[error("{name}: {reason}")]
    Unreadable {
        /// The input's name.
        name: String,
        /// What stands in the way.
        reason: String,
    },
    /// The format of an input cannot be told.
    #[error("{name}: {source}")]
    Format {
        /// The input's name.
        name: String,
        /// What was found, and what helps.
        source: UnknownFormat,
    },
    /// A bad line, with `--strict`.
    #[error("{name}: {source}")]
    BadLine {
        /// The input's name.
        name: String,
        /// What is wrong with it.
        source: BadLine,
    },
    /// An input lacks what the command line asks for.
    #[error("{name}: {missing} is not in the records, whose fields are: {fields}{hint}")]
    Missing {
        /// The input's name.
        name: String,
        /// What was asked for.
        missing: String,
        /// The fields that the records have.
        fields: String,
        /// What helps, after a separator; or nothing.
        hint: &'static str,
    },
    /// The command line asks for what cannot be done.
    #[error("{0}")]
    Refused(String),
    /// A collector cannot be sent to.
    #[error(transparent)]
    Collector(#[from] collectors::CollectorError),
    /// The output could not be written.
    #[error("cannot write {name}: {source}")]
    Output {
        /// The output's name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Whether the reader of the output has gone: it has what it wanted.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    /// An error of the standard output or of a file with a name.
    pub(crate) fn output(name: &str) -> impl FnOnce(io::Error) -> Self {
        let name = name.to_owned();
        move |source| Self::Output { name, source }
    }

    /// An error of an input.
    pub(crate) fn input(name: &str) -> impl FnOnce(io::Error) -> Self {
        let name = name.to_owned();
        move |source| Self::Input { name, source }
    }
}
