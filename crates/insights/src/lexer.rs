//! Cuts a query into words, each with its place.

use crate::error::{Problem, QueryError};

/// A word of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind<'q> {
    /// A command, a function, an operator in letters or a field: `bytes`, `@message`.
    Name(&'q str),
    /// A field in backticks, which are not part of it.
    Quoted(&'q str),
    /// A string, its escapes resolved.
    Text(String),
    /// A number as it is written.
    Number(&'q str),
    /// A number and the letters right behind it: `5m`.
    Period(&'q str, &'q str),
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end of the query.
    End,
}

/// A word and where it stands: bytes from `start` to `end`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'q> {
    pub(crate) kind: Kind<'q>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// Longer signs first, so that `!=` is not taken for `!` and `=`.
const SIGNS: [&str; 19] = [
    "!=", "<=", ">=", "=~", "|", ",", "(", ")", "[", "]", "=", "<", ">", "+", "-", "*", "/", "^",
    "%",
];

/// Reads the words of a query one by one. A regular expression looks like a division, so the
/// parser says where it expects one.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'q> {
    text: &'q str,
    at: usize,
}

impl<'q> Lexer<'q> {
    pub(crate) const fn new(text: &'q str) -> Self {
        Self { text, at: 0 }
    }

    /// The query between two places.
    pub(crate) fn slice(&self, start: usize, end: usize) -> &'q str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// The query from a place on.
    pub(crate) fn slice_from(&self, start: usize) -> &'q str {
        self.text.get(start..).unwrap_or_default()
    }

    /// Goes on reading at a place.
    pub(crate) const fn jump(&mut self, at: usize) {
        self.at = at;
    }

    /// The next word, after blanks and comments.
    pub(crate) fn next(&mut self) -> Result<Token<'q>, QueryError> {
        self.skip_blanks();
        let start = self.at;
        let kind = match self.rest().chars().next() {
            None => Kind::End,
            Some('"' | '\'') => self.string()?,
            Some('`') => self.quoted()?,
            Some(first) if first.is_ascii_digit() => self.number(),
            Some(first) if is_name(first) => Kind::Name(self.take_while(is_name)),
            Some(_) => self.sign()?,
        };
        Ok(Token { kind, start, end: self.at })
    }

    /// The regular expression that begins at a slash at `start`, without its slashes. A slash in
    /// it is written `\/`.
    pub(crate) fn regex_at(&mut self, start: usize) -> Result<(String, Token<'q>), QueryError> {
        self.at = start + 1;
        let mut pattern = String::new();
        let mut escaped = false;
        for character in self.rest().chars() {
            self.at += character.len_utf8();
            match character {
                '/' if !escaped => {
                    let token = Token { kind: Kind::Sign("/"), start, end: self.at };
                    return Ok((pattern, token));
                }
                '\n' => break,
                '\\' if !escaped => escaped = true,
                _ => {
                    if escaped && character != '/' {
                        pattern.push('\\');
                    }
                    pattern.push(character);
                    escaped = false;
                }
            }
        }
        Err(self.error(start, start + 1, Problem::Unterminated))
    }

    /// An error about the query between two places.
    pub(crate) fn error(&self, start: usize, end: usize, problem: Problem) -> QueryError {
        let before = self.text.get(..start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        QueryError {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            word: self.slice(start, end).to_owned(),
            problem,
        }
    }

    fn rest(&self) -> &'q str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Blanks, and comments from a # to the end of the line.
    fn skip_blanks(&mut self) {
        self.take_while(char::is_whitespace);
        while self.rest().starts_with('#') {
            self.take_while(|character| character != '\n');
            self.take_while(char::is_whitespace);
        }
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'q str {
        let rest = self.rest();
        let length = rest.find(|character| !belongs(character)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn number(&mut self) -> Kind<'q> {
        let start = self.at;
        self.take_while(|character| character.is_ascii_digit());
        let mut after_point = self.rest().strip_prefix('.').unwrap_or_default().chars();
        if after_point.next().is_some_and(|character| character.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|character| character.is_ascii_digit());
        }
        let number = self.slice(start, self.at);
        match self.take_while(is_name) {
            "" => Kind::Number(number),
            unit => Kind::Period(number, unit),
        }
    }

    /// A string in single or double quotes. A backslash lets a quote or a backslash stand in it.
    fn string(&mut self) -> Result<Kind<'q>, QueryError> {
        let start = self.at;
        let mut characters = self.rest().chars();
        let quote = characters.next();
        self.at += 1;
        let mut text = String::new();
        let mut escaped = false;
        for character in characters {
            self.at += character.len_utf8();
            match character {
                '\\' if !escaped => escaped = true,
                _ if Some(character) == quote && !escaped => return Ok(Kind::Text(text)),
                _ => {
                    if escaped && character != '\\' && Some(character) != quote {
                        text.push('\\');
                    }
                    text.push(character);
                    escaped = false;
                }
            }
        }
        Err(self.error(start, start + 1, Problem::Unterminated))
    }

    fn quoted(&mut self) -> Result<Kind<'q>, QueryError> {
        let start = self.at;
        self.at += 1;
        let name = self.take_while(|character| character != '`' && character != '\n');
        if !self.rest().starts_with('`') {
            return Err(self.error(start, start + 1, Problem::Unterminated));
        }
        self.at += 1;
        Ok(Kind::Quoted(name))
    }

    fn sign(&mut self) -> Result<Kind<'q>, QueryError> {
        let rest = self.rest();
        let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) else {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            let expected = Problem::Expected("a command, a field, a value or an operator");
            return Err(self.error(self.at, self.at + length, expected));
        };
        self.at += sign.len();
        Ok(Kind::Sign(sign))
    }
}

/// What a field's name is made of without backticks.
fn is_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '@' | '.' | '_' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        let mut lexer = Lexer::new(text);
        let tokens = std::iter::from_fn(|| Some(lexer.next().unwrap().kind));
        tokens.take_while(|kind| *kind != Kind::End).collect()
    }

    #[test]
    fn words_are_told_apart() {
        assert_eq!(
            kinds("bin(5m) >= 1.5 # five | minutes\n| @x.y `a-b`"),
            [
                Kind::Name("bin"),
                Kind::Sign("("),
                Kind::Period("5", "m"),
                Kind::Sign(")"),
                Kind::Sign(">="),
                Kind::Number("1.5"),
                Kind::Sign("|"),
                Kind::Name("@x.y"),
                Kind::Quoted("a-b"),
            ]
        );
    }

    #[test]
    fn a_backslash_only_escapes_quotes_and_itself() {
        let text = |text: &str| Kind::Text(text.to_owned());
        assert_eq!(
            kinds(r#""say \"hi\" # \d" 'it\'s \\'"#),
            [text(r#"say "hi" # \d"#), text(r"it's \")]
        );
    }

    #[test]
    fn a_regular_expression_ends_at_a_slash_without_backslash() {
        let mut lexer = Lexer::new(r"like /a\/b\.c\\/ x");
        lexer.next().unwrap();
        assert_eq!(lexer.regex_at(5).unwrap().0, r"a/b\.c\\");
        assert_eq!(lexer.next().unwrap().kind, Kind::Name("x"));
    }

    #[test]
    fn what_has_no_end_is_refused_where_it_begins() {
        for text in ["\n  \"abc", "\n  `abc", "\n  'abc\\'"] {
            let error = Lexer::new(text).next().unwrap_err();
            assert_eq!((error.line, error.column), (2, 3), "{text}");
            assert_eq!(error.problem, Problem::Unterminated);
        }
        let error = Lexer::new("ä !").clone();
        let mut lexer = error;
        lexer.next().unwrap();
        let error = lexer.next().unwrap_err();
        assert_eq!((error.column, error.word.as_str()), (3, "!"));
    }
}
