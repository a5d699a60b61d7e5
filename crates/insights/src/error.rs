//! Why a query is refused, and where.

use std::fmt;

/// A query that is not run: it is wrong, or it uses what this subset does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {found}: {problem}", found = Found(.word))]
pub struct QueryError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What stands there; empty at the end of the query.
    pub word: String,
    /// What is wrong with it.
    pub problem: Problem,
}

struct Found<'a>(&'a str);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("end of the query") } else { write!(f, "`{}`", self.0) }
    }
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Something else should stand there.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The command is none of those that this subset has.
    #[error("this command is not supported (those that are: {0})")]
    UnknownCommand(String),
    /// The function is none of those that this subset has.
    #[error("this function is not supported")]
    UnknownFunction,
    /// The function takes another number of arguments.
    #[error("it takes {0}")]
    WrongArguments(String),
    /// An aggregation stands where there is nothing to aggregate.
    #[error("an aggregation belongs into stats, and not into another aggregation")]
    MisplacedAggregation,
    /// A value in stats is neither aggregated nor grouped by.
    #[error("a field in stats stands inside an aggregation or after by")]
    NotAggregated,
    /// `bin`, `datefloor` or `dateceil` with a unit that AWS does not list.
    #[error("expected a unit of time, from ms to y, behind the number")]
    UnknownUnit,
    /// A period of length 0.
    #[error("a period lasts 1 or more of its unit")]
    EmptyPeriod,
    /// A string, a regular expression or a name in backticks without its end.
    #[error("it has no end")]
    Unterminated,
    /// A regular expression that the engine refuses.
    #[error("the regular expression is not accepted: {0}")]
    Regex(String),
    /// A pattern without the star, or the named group, that would extract something.
    #[error("the pattern extracts nothing: a glob needs a *, a regular expression a (?<name>…)")]
    ExtractsNothing,
    /// A glob with another number of stars than names.
    #[error("the pattern has {stars} stars for {names} names")]
    StarsAndNames {
        /// How many stars the pattern has.
        stars: usize,
        /// How many names follow `as`.
        names: usize,
    },
    /// A subnet that is not in CIDR notation, or of the other family.
    #[error("expected a subnet in CIDR notation")]
    Subnet,
    /// A command stands where Logs Insights has no defined meaning for it.
    #[error("it cannot follow {0}")]
    Order(&'static str),
    /// The limit is not among those that Logs Insights answers.
    #[error("a limit is a whole number from 1 to {0}")]
    Limit(usize),
    /// Parentheses, or operators without them, nested beyond reason.
    #[error("the expression is nested too deeply")]
    TooDeep,
    /// A number that no 64 bits hold.
    #[error("the number is too large")]
    NumberTooLarge,
}
