//! The patterns of `parse` that are written with stars.

/// Texts and, between them, stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    /// The text before the first star.
    first: String,
    /// The text behind each star.
    behind: Vec<String>,
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Self {
        let mut texts = pattern.split('*').map(str::to_owned);
        Self { first: texts.next().unwrap_or_default(), behind: texts.collect() }
    }

    pub(crate) const fn stars(&self) -> usize {
        self.behind.len()
    }

    /// What the stars stand for in a text, handed over one after the other. Whether the text
    /// matches.
    ///
    /// The pattern matches anywhere in the text. A star takes as little as it can, the last one,
    /// when nothing follows it, the rest of its line. Taking the first place at which each text
    /// is found leaves the most for those that follow: where that fails, nothing succeeds.
    pub(crate) fn extract<'t>(&self, text: &'t str, mut found: impl FnMut(usize, &'t str)) -> bool {
        let Some((_, mut rest)) = split_once(text, &self.first) else { return false };
        let last = self.stars().saturating_sub(1);
        for (star, behind) in self.behind.iter().enumerate() {
            if star == last && behind.is_empty() {
                found(star, rest.split(['\n', '\r']).next().unwrap_or_default());
                return true;
            }
            let Some((value, after)) = split_once(rest, behind) else { return false };
            found(star, value);
            rest = after;
        }
        true
    }
}

/// `str::split_once`, quick where the pattern is one character, as it is between fields.
fn split_once<'t>(text: &'t str, pattern: &str) -> Option<(&'t str, &'t str)> {
    match pattern.as_bytes() {
        [] => Some(("", text)),
        [byte] if byte.is_ascii() => text.split_once(char::from(*byte)),
        _ => text.split_once(pattern),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn extract<'t>(pattern: &str, text: &'t str) -> Option<Vec<&'t str>> {
        let mut values = vec![];
        Glob::new(pattern).extract(text, |_, value| values.push(value)).then_some(values)
    }

    #[test]
    fn stars_take_what_stands_between_the_texts() {
        assert_eq!(
            extract("user=*, method:*, latency := *", "x user=ann, method:get, latency := 25 ms"),
            Some(vec!["ann", "get", "25 ms"])
        );
        assert_eq!(extract("[*] *", "[INFO] it works"), Some(vec!["INFO", "it works"]));
        assert_eq!(extract("<*>", "a <b> c"), Some(vec!["b"]));
        assert_eq!(extract("* *", "one"), None);
        assert_eq!(extract("* *", "one "), Some(vec!["one", ""]));
    }

    #[test]
    fn the_last_star_takes_the_rest_of_the_line() {
        assert_eq!(extract("a *", "a b c\nd"), Some(vec!["b c"]));
        assert_eq!(extract("a *", "a b c\r\nd"), Some(vec!["b c"]));
        assert_eq!(extract("* * *", "1 2 3 4 5"), Some(vec!["1", "2", "3 4 5"]));
    }

    proptest! {
        /// The same as the regular expression with lazy groups, on one line.
        #[test]
        fn a_glob_is_a_lazy_regular_expression(
            pattern in "[ab ]{0,3}(\\*[ab ]{0,3}){1,3}", text in "[ab ]{0,12}"
        ) {
            let mut expression = pattern.replace('*', "(.*?)");
            if let Some(stem) = expression.strip_suffix("(.*?)") {
                expression = format!("{stem}(.*)");
            }
            let expected = regex::Regex::new(&expression).unwrap().captures(&text).map(|captures| {
                captures.iter().skip(1).map(|group| group.unwrap().as_str()).collect::<Vec<_>>()
            });
            prop_assert_eq!(extract(&pattern, &text), expected);
        }
    }
}
