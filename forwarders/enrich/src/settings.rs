//! What the stack's template says.

use std::time::Duration;

use flowlog::Format;
use recording::Error;

/// How long EC2 is believed unless it is said otherwise, in seconds.
const CACHE_SECONDS: u64 = 300;

/// `DATABASE`: where the databases are.
pub(crate) fn databases() -> Vec<String> {
    let list = optional("DATABASE").unwrap_or_default();
    let places = list.split(',').map(str::trim).filter(|place| !place.is_empty());
    places.map(str::to_owned).collect()
}

/// `CACHE_SECONDS`.
pub(crate) fn most_age() -> Result<Duration, Error> {
    let Some(text) = optional("CACHE_SECONDS") else {
        return Ok(Duration::from_secs(CACHE_SECONDS));
    };
    let seconds = text.parse().map_err(|_| Error::SettingsWrong {
        name: "CACHE_SECONDS".to_owned(),
        found: format!("`{text}`"),
        expected: "a number of seconds",
    })?;
    Ok(Duration::from_secs(seconds))
}

/// `FORMAT`.
pub(crate) fn format() -> Result<Option<Format>, Error> {
    let Some(text) = optional("FORMAT") else { return Ok(None) };
    let format = Format::parse(&text).map_err(|error| Error::SettingsWrong {
        name: "FORMAT".to_owned(),
        found: format!("`{text}` ({error})"),
        expected: "the flow log's format, such as `${srcaddr} ${dstaddr} ${bytes}`",
    })?;
    Ok(Some(format))
}

/// A variable that may be missing or empty.
fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}
