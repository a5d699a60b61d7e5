use flowlog::UnknownFormat;

use crate::blocks::LONGEST_LINE_BYTES;

/// Why an object cannot be read. Reading it again would not help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// Packed in a way that cannot be read as it comes.
    #[error(
        "found a file of {0}, expected text, plain or packed with gzip: let the flow log be \
         delivered as text, or read the file with natflow"
    )]
    Packing(&'static str),
    /// The object ends where its packing says that more follows.
    #[error("the gzip data ends too early, after {0} inflated bytes: the object is incomplete")]
    CutOff(u64),
    /// What should be gzip is something else from some place on.
    #[error("the gzip data is damaged after {inflated} inflated bytes: {reason}")]
    Damaged {
        /// How many bytes came out before.
        inflated: u64,
        /// What is wrong.
        reason: String,
    },
    /// Something that is no text of lines.
    #[error("found a line of more than {} bytes, expected flow-log records", LONGEST_LINE_BYTES)]
    TooLong,
    /// The fields cannot be told.
    #[error("{0} (in a function's settings: FORMAT)")]
    Format(#[from] UnknownFormat),
}
