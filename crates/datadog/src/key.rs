//! The API key.

use std::fmt;

/// Datadog's API key. It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// A text that is no API key. It is not said, since it may be one with a typing error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "what should be Datadog's API key has {0} characters, or others than letters, digits, - and _; \
     expected the key alone, in plain text, as Datadog shows it (32 characters)"
)]
pub struct NoApiKey(usize);

impl ApiKey {
    /// The key in a text, with nothing but blanks around it.
    pub fn new(text: &str) -> Result<Self, NoApiKey> {
        let key = text.trim();
        let is_of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if key.is_empty() || key.len() > 128 || !key.chars().all(is_of_key) {
            return Err(NoApiKey(key.chars().count()));
        }
        Ok(Self(key.to_owned()))
    }

    /// The key itself, for a request's header.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text without the key in it.
    #[must_use]
    pub fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, "(the API key)")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_nowhere() {
        let key = ApiKey::new(" 0123abc \n").unwrap();
        assert_eq!(key.expose(), "0123abc");
        assert_eq!(format!("{key:?}"), "ApiKey");
        assert_eq!(key.hidden_in("no 0123abc here"), "no (the API key) here");
        for text in ["", " ", "{\"api_key\":\"0123abc\"}", "a b", "a\nb", "é"] {
            let said = ApiKey::new(text).unwrap_err().to_string();
            assert!(!said.contains("0123abc"), "{said}");
        }
    }
}
