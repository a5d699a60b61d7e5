//! Settings from the environment that the stack's template gives a function.

use recording::Error;

/// The text of a variable, or [`Error::SettingsWrong`] when it is missing or
/// empty.
pub fn text(name: &str) -> Result<String, Error> {
    match std::env::var(name) {
        Ok(text) if !text.is_empty() => Ok(text),
        Ok(_) => Err(wrong(name, "empty")),
        Err(std::env::VarError::NotPresent) => Err(wrong(name, "not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(wrong(name, "not UTF-8")),
    }
}

fn wrong(name: &str, found: &str) -> Error {
    Error::SettingsWrong {
        name: name.to_owned(),
        found: found.to_owned(),
        expected: "the value that the stack's template sets",
    }
}
