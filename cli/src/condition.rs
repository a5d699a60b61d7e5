//! Conditions on rows: what `--where` takes.
//!
//! `or` binds weakest, then `and`, then `not`; parentheses group. A comparison is
//! `COLUMN OPERATOR VALUE` with `=`, `!=`, `<`, `<=`, `>`, `>=`, or `COLUMN in …` and
//! `COLUMN not in …` with a value, a network (`10.0.0.0/8`) or a list of them in parentheses.
//! A value that is missing equals `-` and nothing else, and no order holds for it.

use std::net::IpAddr;
use std::str::FromStr;

use flowlog::{Field, Value, protocol_keyword};

use crate::column::{Column, ColumnType, Row};

/// A condition that a row meets or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    node: Node,
}

/// A text that is no condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: expected {expected}, found {found}")]
pub struct NoCondition {
    /// Where, in characters from 1.
    position: usize,
    expected: String,
    found: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    Compare { column: Column, order: Order, literal: Literal },
    Among { column: Column, literals: Vec<Literal> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a value is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Literal {
    Missing,
    Number(u64),
    Address(IpAddr),
    Network { address: IpAddr, prefix: u8 },
    Text(Box<str>),
}

impl Condition {
    /// Whether the row meets the condition.
    #[must_use]
    pub fn is_met(&self, row: &Row<'_>) -> bool {
        self.node.is_met(row)
    }

    /// The columns that the condition looks at.
    #[must_use]
    pub fn columns(&self) -> Vec<&Column> {
        let mut columns = vec![];
        self.node.collect_columns(&mut columns);
        columns
    }
}

impl Node {
    fn is_met(&self, row: &Row<'_>) -> bool {
        match self {
            Self::Any(nodes) => nodes.iter().any(|node| node.is_met(row)),
            Self::All(nodes) => nodes.iter().all(|node| node.is_met(row)),
            Self::Not(node) => !node.is_met(row),
            Self::Compare { column, order, literal } => order.holds(column.value(row), literal),
            Self::Among { column, literals } => {
                let value = column.value(row);
                literals.iter().any(|literal| literal.holds(value))
            }
        }
    }

    fn collect_columns<'n>(&'n self, columns: &mut Vec<&'n Column>) {
        match self {
            Self::Any(nodes) | Self::All(nodes) => {
                for node in nodes {
                    node.collect_columns(columns);
                }
            }
            Self::Not(node) => node.collect_columns(columns),
            Self::Compare { column, .. } | Self::Among { column, .. } => columns.push(column),
        }
    }
}

impl Order {
    fn holds(self, value: Value<'_>, literal: &Literal) -> bool {
        match (self, value, literal) {
            (Self::Equal, value, literal) => literal.holds(value),
            (Self::NotEqual, value, literal) => !literal.holds(value),
            (order, Value::Number(value), Literal::Number(literal)) => match order {
                Self::Less => value < *literal,
                Self::LessOrEqual => value <= *literal,
                Self::Greater => value > *literal,
                _ => value >= *literal,
            },
            _ => false,
        }
    }
}

impl Literal {
    /// Whether the value is this one, or in this network.
    fn holds(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Missing, Value::Dash) => true,
            (Self::Number(literal), Value::Number(value)) => *literal == value,
            (Self::Address(literal), Value::Address(value)) => *literal == value,
            (Self::Network { address, prefix }, Value::Address(value)) => {
                is_in_network(value, *address, *prefix)
            }
            (Self::Text(literal), Value::Text(value)) => **literal == *value,
            _ => false,
        }
    }
}

fn is_in_network(address: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let differing = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return false,
    };
    differing >= u32::from(prefix)
}

/// A word or a sign of a condition, and where it begins, in characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    position: usize,
    kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum TokenKind {
    Word(String),
    Quoted(String),
    Sign(&'static str),
    End,
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, TokenKind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(&self.kind, TokenKind::Sign(found) if *found == sign)
    }

    fn refuse(&self, expected: impl Into<String>) -> NoCondition {
        let found = match &self.kind {
            TokenKind::Word(text) | TokenKind::Quoted(text) => format!("`{text}`"),
            TokenKind::Sign(sign) => format!("`{sign}`"),
            TokenKind::End => "the end".to_owned(),
        };
        NoCondition { position: self.position, expected: expected.into(), found }
    }
}

/// Longer signs first.
const SIGNS: [&str; 9] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token>, NoCondition> {
    let mut tokens = vec![];
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let position = text.chars().count() - rest.chars().count() + 1;
        let (kind, after) = token(rest, position)?;
        let is_end = kind == TokenKind::End;
        tokens.push(Token { position, kind });
        if is_end {
            return Ok(tokens);
        }
        rest = after;
    }
}

fn token(rest: &str, position: usize) -> Result<(TokenKind, &str), NoCondition> {
    let Some(first) = rest.chars().next() else { return Ok((TokenKind::End, rest)) };
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((TokenKind::Sign(sign), rest.get(sign.len()..).unwrap_or_default()));
    }
    if first == '"' || first == '\'' {
        let inside = rest.get(1..).unwrap_or_default();
        let Some((quoted, after)) = inside.split_once(first) else {
            let expected = format!("a closing {first}");
            return Err(NoCondition { position, expected, found: "the end".to_owned() });
        };
        return Ok((TokenKind::Quoted(quoted.to_owned()), after));
    }
    let ends = |c: char| c.is_whitespace() || "!=<>(),\"'".contains(c);
    let length = rest.find(ends).unwrap_or(rest.len());
    // A lone exclamation mark is no word: it takes one character all the same.
    let (word, after) = rest.split_at_checked(length.max(1)).unwrap_or((rest, ""));
    Ok((TokenKind::Word(word.to_owned()), after))
}

impl FromStr for Condition {
    type Err = NoCondition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut tokens = tokens(text)?.into_iter();
        let end = Token { position: text.chars().count() + 1, kind: TokenKind::End };
        let next = tokens.next().unwrap_or_else(|| end.clone());
        let mut reader = Reader { next, tokens, end };
        let node = reader.any()?;
        match reader.next.kind {
            TokenKind::End => Ok(Self { node }),
            _ => Err(reader.next.refuse("`and`, `or` or the end")),
        }
    }
}

struct Reader {
    next: Token,
    tokens: std::vec::IntoIter<Token>,
    end: Token,
}

impl Reader {
    fn take(&mut self) -> Token {
        let following = self.tokens.next().unwrap_or_else(|| self.end.clone());
        std::mem::replace(&mut self.next, following)
    }

    fn takes(&mut self, is_wanted: impl FnOnce(&Token) -> bool) -> bool {
        let is_wanted = is_wanted(&self.next);
        if is_wanted {
            self.take();
        }
        is_wanted
    }

    fn any(&mut self) -> Result<Node, NoCondition> {
        let mut nodes = vec![self.all()?];
        while self.takes(|token| token.is_word("or")) {
            nodes.push(self.all()?);
        }
        Ok(Node::Any(nodes))
    }

    fn all(&mut self) -> Result<Node, NoCondition> {
        let mut nodes = vec![self.one()?];
        while self.takes(|token| token.is_word("and")) {
            nodes.push(self.one()?);
        }
        Ok(Node::All(nodes))
    }

    fn one(&mut self) -> Result<Node, NoCondition> {
        if self.takes(|token| token.is_word("not")) {
            return Ok(Node::Not(Box::new(self.one()?)));
        }
        if self.takes(|token| token.is_sign("(")) {
            let node = self.any()?;
            self.expect(")")?;
            return Ok(node);
        }
        let column = self.column()?;
        self.comparison(column)
    }

    fn expect(&mut self, sign: &str) -> Result<(), NoCondition> {
        let token = self.take();
        if token.is_sign(sign) { Ok(()) } else { Err(token.refuse(format!("`{sign}`"))) }
    }

    fn column(&mut self) -> Result<Column, NoCondition> {
        let token = self.take();
        let column = match &token.kind {
            TokenKind::Word(name) => name.parse().ok(),
            _ => None,
        };
        column.ok_or_else(|| token.refuse("a field's name"))
    }

    fn comparison(&mut self, column: Column) -> Result<Node, NoCondition> {
        let token = self.take();
        if token.is_word("in") {
            return self.among(column);
        }
        if token.is_word("not") && self.takes(|token| token.is_word("in")) {
            return Ok(Node::Not(Box::new(self.among(column)?)));
        }
        let order = match token.kind {
            TokenKind::Sign("=") => Order::Equal,
            TokenKind::Sign("!=") => Order::NotEqual,
            TokenKind::Sign("<") => Order::Less,
            TokenKind::Sign("<=") => Order::LessOrEqual,
            TokenKind::Sign(">") => Order::Greater,
            TokenKind::Sign(">=") => Order::GreaterOrEqual,
            _ => return Err(token.refuse("=, !=, <, <=, >, >=, `in` or `not in`")),
        };
        let has_order = matches!(column.column_type(), ColumnType::Number(_));
        if !has_order && !matches!(order, Order::Equal | Order::NotEqual) {
            return Err(token.refuse(format!("=, != or `in`, since {column} is no number")));
        }
        let place = self.next.clone();
        let literal = self.literal(&column)?;
        if matches!(literal, Literal::Network { .. }) {
            return Err(place.refuse("an address (networks go with `in`)"));
        }
        Ok(Node::Compare { column, order, literal })
    }

    fn among(&mut self, column: Column) -> Result<Node, NoCondition> {
        if !self.takes(|token| token.is_sign("(")) {
            let literals = vec![self.literal(&column)?];
            return Ok(Node::Among { column, literals });
        }
        let mut literals = vec![self.literal(&column)?];
        while self.takes(|token| token.is_sign(",")) {
            literals.push(self.literal(&column)?);
        }
        self.expect(")")?;
        Ok(Node::Among { column, literals })
    }

    fn literal(&mut self, column: &Column) -> Result<Literal, NoCondition> {
        let token = self.take();
        let text = match &token.kind {
            TokenKind::Word(text) | TokenKind::Quoted(text) => text.as_str(),
            _ => return Err(token.refuse("a value")),
        };
        if text == "-" {
            return Ok(Literal::Missing);
        }
        match column.column_type() {
            ColumnType::Text => Ok(Literal::Text(text.into())),
            ColumnType::Address => network_or_address(text)
                .ok_or_else(|| token.refuse("an address such as 10.0.1.5 or 10.0.0.0/8")),
            ColumnType::Number(_) => number_of(column, text)
                .map(Literal::Number)
                .ok_or_else(|| token.refuse("a whole number")),
        }
    }
}

fn number_of(column: &Column, text: &str) -> Option<u64> {
    let by_name = || {
        let is_protocol = *column == Column::Field(Field::Protocol);
        let is_named = |number: &u8| {
            protocol_keyword(*number).is_some_and(|keyword| keyword.eq_ignore_ascii_case(text))
        };
        (0..=u8::MAX).filter(|_| is_protocol).find(is_named).map(u64::from)
    };
    text.parse().ok().or_else(by_name)
}

fn network_or_address(text: &str) -> Option<Literal> {
    let Some((address, prefix)) = text.split_once('/') else {
        return text.parse().ok().map(Literal::Address);
    };
    let address: IpAddr = address.parse().ok()?;
    let prefix: u8 = prefix.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    (prefix <= most).then_some(Literal::Network { address, prefix })
}

#[cfg(test)]
mod tests {
    use flowlog::{Format, Parser};

    use super::*;

    const FORMAT: &str = "${srcaddr} ${srcport} ${protocol} ${action} ${flow-mood}";
    const LINE: &[u8] = b"10.0.1.5 443 6 ACCEPT good";

    fn is_met(condition: &str, line: &[u8]) -> bool {
        let condition: Condition = condition.parse().unwrap();
        let mut parser = Parser::new(Format::parse(FORMAT).unwrap());
        let mut records = parser.records(line);
        let record = records.next().unwrap().unwrap();
        condition.is_met(&Row { record, partitions: &[], leg: None })
    }

    #[test]
    fn conditions_hold_as_they_read() {
        for (condition, expected) in [
            ("srcaddr = 10.0.1.5", true),
            ("srcaddr != 10.0.1.5", false),
            ("srcaddr in 10.0.0.0/8", true),
            ("srcaddr in 10.0.2.0/23", false),
            ("srcaddr in (192.168.0.0/16, 10.0.1.5)", true),
            ("srcaddr in 0.0.0.0/0", true),
            ("srcaddr in ::/0", false),
            ("srcaddr not in 10.0.0.0/8", false),
            ("srcport = 443", true),
            ("srcport in (80, 443)", true),
            ("srcport >= 443 and srcport <= 443", true),
            ("srcport > 443 or srcport < 443", false),
            ("not srcport > 443", true),
            ("protocol = TCP", true),
            ("protocol = udp", false),
            ("action = REJECT or (action = ACCEPT and srcport = 443)", true),
            ("action = REJECT or action = ACCEPT and srcport = 80", false),
            ("flow-mood = 'good'", true),
            ("flow-mood = -", false),
            ("srcport=443 AND action!=\"REJECT\"", true),
        ] {
            assert_eq!(is_met(condition, LINE), expected, "{condition}");
        }
    }

    #[test]
    fn a_missing_value_equals_only_itself() {
        let line = b"- - - - -";
        for (condition, expected) in [
            ("srcport = -", true),
            ("srcport != 443", true),
            ("srcport < 443", false),
            ("srcport >= 0", false),
            ("srcaddr in 0.0.0.0/0", false),
            ("not srcport = -", false),
        ] {
            assert_eq!(is_met(condition, line), expected, "{condition}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_with_its_place() {
        for (text, refusal) in [
            ("", "at character 1: expected a field's name, found the end"),
            (
                "srcport",
                "at character 8: expected =, !=, <, <=, >, >=, `in` or `not in`, found the end",
            ),
            ("srcport = many", "at character 11: expected a whole number, found `many`"),
            (
                "srcaddr = 10.0.0.0/8",
                "at character 11: expected an address (networks go with `in`), found `10.0.0.0/8`",
            ),
            (
                "srcaddr in 10.0.0.0/33",
                "at character 12: expected an address such as 10.0.1.5 or 10.0.0.0/8, found `10.0.0.0/33`",
            ),
            (
                "action < ACCEPT",
                "at character 8: expected =, != or `in`, since action is no number, found `<`",
            ),
            (
                "srcport = 1 srcport = 2",
                "at character 13: expected `and`, `or` or the end, found `srcport`",
            ),
            ("(srcport = 1", "at character 13: expected `)`, found the end"),
            ("action = 'ACCEPT", "at character 10: expected a closing ', found the end"),
            (
                "srcport ! 1",
                "at character 9: expected =, !=, <, <=, >, >=, `in` or `not in`, found `!`",
            ),
            ("10.0.0.1 = srcaddr", "at character 1: expected a field's name, found `10.0.0.1`"),
        ] {
            assert_eq!(text.parse::<Condition>().unwrap_err().to_string(), refusal);
        }
    }
}
