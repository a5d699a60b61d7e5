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

/// What stands for the text of a variable, or [`Error::SettingsWrong`] when it is
/// none of these.
pub fn one_of<T: Copy>(name: &str, choices: &[(&str, T)]) -> Result<T, Error> {
    let found = text(name)?;
    let chosen = choices.iter().find(|(text, _)| *text == found);
    chosen.map(|(_, choice)| *choice).ok_or_else(|| wrong(name, &found))
}

fn wrong(name: &str, found: &str) -> Error {
    Error::SettingsWrong {
        name: name.to_owned(),
        found: found.to_owned(),
        expected: "the value that the stack's template sets",
    }
}
