//! From words to commands. Every refusal names the word and its place.

use regex::Regex;

use crate::error::{Problem, QueryError};
use crate::event::POINTER;
use crate::glob::Glob;
use crate::lexer::{Kind, Lexer, Token};
use crate::names::Names;
use crate::query::Query;
use crate::syntax::{Column, Direction, Ending, Expression, Slot, Stage, Stats, Step};

mod expression;

/// The most rows that Logs Insights answers, and its default.
pub(crate) const MOST_ROWS: usize = 10_000;

/// How many `stats` commands a query may have.
const MOST_STATS: usize = 2;

/// The commands of this subset.
const COMMANDS: [&str; 8] =
    ["fields", "display", "filter", "parse", "stats", "sort", "limit", "dedup"];

/// What an expression may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Fields and functions of a row.
    Row,
    /// The columns of `stats`: aggregations, and what is computed from them.
    Columns,
    /// Inside an aggregation.
    Aggregation,
}

pub(crate) struct Parser<'q> {
    lexer: Lexer<'q>,
    token: Token<'q>,
    /// Where the last word ended.
    end: usize,
    place: Place,
    /// Operators and calls of the current expression.
    parts: usize,
    /// How many parentheses and lists of the current expression are open.
    depth: usize,
    names: Names,
    aggregations: Vec<crate::aggregate::Aggregation>,
    /// Whether rows that are events end with what finds them again.
    shows_pointer: bool,
    query: Draft,
}

/// What is known of the query so far.
#[derive(Default)]
struct Draft {
    stages: Vec<Stage>,
    stats: Vec<Stats>,
    sources: Vec<(String, Slot)>,
    stage: Stage,
    /// The columns that `fields`, `parse` and `stats` made.
    columns: Vec<Column>,
    has_fields: bool,
    display: Option<Vec<Column>>,
    order: Option<Vec<(Slot, Direction)>>,
    dedup: Option<Vec<Slot>>,
    limit: Option<usize>,
}

impl<'q> Parser<'q> {
    pub(crate) fn new(text: &'q str) -> Result<Self, QueryError> {
        let mut lexer = Lexer::new(text);
        let token = lexer.next()?;
        Ok(Self {
            lexer,
            token,
            end: 0,
            place: Place::Row,
            parts: 0,
            depth: 0,
            names: Names::default(),
            aggregations: vec![],
            shows_pointer: false,
            query: Draft::default(),
        })
    }

    pub(crate) fn with_pointer(mut self) -> Self {
        self.shows_pointer = true;
        self
    }

    pub(crate) fn query(mut self) -> Result<Query, QueryError> {
        self.command()?;
        while self.take_sign("|")? {
            self.command()?;
        }
        if self.token.kind != Kind::End {
            return Err(self.refuse(Problem::Expected("| or the end of the query")));
        }
        Ok(self.finish())
    }

    fn command(&mut self) -> Result<(), QueryError> {
        let name = match self.token.kind {
            Kind::Name(name) => name.to_ascii_lowercase(),
            _ => return Err(self.refuse(Problem::Expected("a command"))),
        };
        if !COMMANDS.contains(&name.as_str()) {
            return Err(self.refuse(Problem::UnknownCommand(COMMANDS.join(", "))));
        }
        self.check_order(&name)?;
        self.advance()?;
        match name.as_str() {
            "fields" => self.fields(),
            "display" => self.display(),
            "filter" => self.filter(),
            "parse" => self.parse(),
            "stats" => self.stats(),
            "sort" => self.sort(),
            "dedup" => self.dedup(),
            _ => self.limit(),
        }
    }

    /// Refuses commands where AWS refuses them, or where their order has no documented meaning.
    fn check_order(&self, name: &str) -> Result<(), QueryError> {
        let draft = &self.query;
        let before = if draft.limit.is_some() {
            Some("limit").filter(|_| name != "display")
        } else if draft.dedup.is_some() {
            Some("dedup").filter(|_| name != "limit" && name != "display")
        } else if draft.order.is_some() && matches!(name, "sort" | "stats") {
            Some("sort")
        } else if draft.display.is_some() && matches!(name, "display" | "stats") {
            Some("display")
        } else if draft.stats.len() == MOST_STATS && name == "stats" {
            Some("two other stats commands")
        } else {
            None
        };
        before.map_or(Ok(()), |before| Err(self.refuse(Problem::Order(before))))
    }

    fn fields(&mut self) -> Result<(), QueryError> {
        let columns = self.columns()?;
        self.query.has_fields = true;
        for column in columns {
            self.query.show(column);
        }
        Ok(())
    }

    fn display(&mut self) -> Result<(), QueryError> {
        self.query.display = Some(self.columns()?);
        Ok(())
    }

    /// `field`, `expression as name`, … Expressions are computed for each row.
    fn columns(&mut self) -> Result<Vec<Column>, QueryError> {
        self.list(|parser| {
            let (expression, name) = parser.named_expression()?;
            let slot = match expression {
                // The field itself, or one that only gets another name.
                Expression::Field(slot) if parser.names.get(&name) == Some(slot) => slot,
                expression => {
                    let slot = parser.names.define(&name);
                    parser.query.stage.steps.push(Step::Compute(expression, slot));
                    slot
                }
            };
            Ok(Column { name, slot })
        })
    }

    /// An expression and its name: what follows `as`, or the text itself.
    fn named_expression(&mut self) -> Result<(Expression, String), QueryError> {
        let start = self.token.start;
        let field = match self.token.kind {
            Kind::Quoted(name) => Some(name.to_owned()),
            _ => None,
        };
        let expression = self.expression()?;
        let text = self.lexer.slice(start, self.end).trim().to_owned();
        let is_field = matches!(expression, Expression::Field(_));
        let name = field.filter(|_| is_field).unwrap_or(text);
        if self.take_word("as")? {
            return Ok((expression, self.name()?));
        }
        Ok((expression, name))
    }

    fn filter(&mut self) -> Result<(), QueryError> {
        let condition = self.expression()?;
        self.query.stage.steps.push(Step::Filter(condition));
        Ok(())
    }

    /// `parse field "glob" as names` or `parse field /regular expression/`.
    fn parse(&mut self) -> Result<(), QueryError> {
        let name = self.name()?;
        let source = self.read(&name);
        if self.token.kind == Kind::Sign("/") {
            return self.parse_regex(source);
        }
        let pattern = self.token.clone();
        let Kind::Text(text) = &pattern.kind else {
            return Err(self.refuse(Problem::Expected("a pattern in quotes or between slashes")));
        };
        let glob = Glob::new(text);
        self.advance()?;
        if glob.stars() == 0 {
            return Err(self.refuse_at(&pattern, Problem::ExtractsNothing));
        }
        self.word("as", "as and the names of what the pattern extracts")?;
        let names = self.list(Self::name)?;
        if names.len() != glob.stars() {
            let problem = Problem::StarsAndNames { stars: glob.stars(), names: names.len() };
            return Err(self.refuse_at(&pattern, problem));
        }
        let slots = names.iter().map(|name| self.extracted(name)).collect();
        self.query.stage.steps.push(Step::ParseGlob(source, glob, slots));
        Ok(())
    }

    fn parse_regex(&mut self, source: Slot) -> Result<(), QueryError> {
        let (regex, token) = self.regex()?;
        let names = regex.capture_names().enumerate();
        let groups: Vec<_> =
            names.filter_map(|(group, name)| Some((name?.to_owned(), group))).collect();
        if groups.is_empty() {
            return Err(self.refuse_at(&token, Problem::ExtractsNothing));
        }
        let slots = groups.iter().map(|(name, group)| (self.extracted(name), *group)).collect();
        self.query.stage.steps.push(Step::ParseRegex(source, regex, slots));
        Ok(())
    }

    fn extracted(&mut self, name: &str) -> Slot {
        let slot = self.names.define(name);
        self.query.show(Column { name: name.to_owned(), slot });
        slot
    }

    /// `stats aggregations by expressions`: the row that it makes has first what it groups by.
    fn stats(&mut self) -> Result<(), QueryError> {
        self.place = Place::Columns;
        let columns = self.list(Self::named_expression)?;
        self.place = Place::Row;
        let by = if self.take_word("by")? { self.list(Self::named_expression)? } else { vec![] };
        let (by, by_names): (Vec<_>, Vec<_>) = by.into_iter().unzip();
        let (columns, column_names): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        let aggregations = std::mem::take(&mut self.aggregations);
        self.end_stage();
        self.query.stats.push(Stats { by, aggregations, columns });
        self.query.columns = vec![];
        for name in by_names.into_iter().chain(column_names) {
            // A name twice would leave one of the two without a place.
            let slot = self.names.append(&name);
            self.query.columns.push(Column { name, slot });
        }
        Ok(())
    }

    fn end_stage(&mut self) {
        let names = std::mem::take(&mut self.names);
        let mut stage = std::mem::take(&mut self.query.stage);
        stage.slots = names.len();
        self.query.stages.push(stage);
        if self.query.stats.is_empty() {
            self.query.sources = names.into_sources();
        }
    }

    fn sort(&mut self) -> Result<(), QueryError> {
        let order = self.list(|parser| {
            let slot = parser.sort_key()?;
            let direction = if parser.take_word("desc")? {
                Direction::Descending
            } else {
                parser.take_word("asc")?;
                Direction::Ascending
            };
            Ok((slot, direction))
        })?;
        self.query.order = Some(order);
        Ok(())
    }

    /// The slot of what is sorted by: as it is here, whatever later commands make of the name.
    fn sort_key(&mut self) -> Result<Slot, QueryError> {
        let expression = self.expression()?;
        let slot = self.names.anonymous();
        self.query.stage.steps.push(Step::Compute(expression, slot));
        Ok(slot)
    }

    fn dedup(&mut self) -> Result<(), QueryError> {
        let names = self.list(Self::name)?;
        self.query.dedup = Some(names.iter().map(|name| self.read(name)).collect());
        Ok(())
    }

    fn limit(&mut self) -> Result<(), QueryError> {
        let limit = match self.token.kind {
            Kind::Number(number) => number.parse().ok(),
            _ => None,
        };
        match limit.filter(|limit| (1..=MOST_ROWS).contains(limit)) {
            Some(limit) => self.query.limit = Some(limit),
            None => return Err(self.refuse(Problem::Limit(MOST_ROWS))),
        }
        self.advance()
    }

    /// A query without `stats` and `sort` shows the newest events first.
    fn finish(mut self) -> Query {
        if self.query.order.is_none() && self.query.stats.is_empty() {
            let timestamp = self.names.read("@timestamp");
            let slot = self.names.anonymous();
            let key = Step::Compute(Expression::Field(timestamp), slot);
            self.query.stage.steps.push(key);
            self.query.order = Some(vec![(slot, Direction::Descending)]);
        }
        let mut columns = self.shown_columns();
        let is_shown = columns.iter().any(|column| column.name == POINTER);
        if self.shows_pointer && self.query.stats.is_empty() && !is_shown {
            let slot = self.names.read(POINTER);
            columns.push(Column { name: POINTER.to_owned(), slot });
        }
        self.end_stage();
        let draft = self.query;
        let ending = Ending {
            columns,
            order: draft.order.unwrap_or_default(),
            dedup: draft.dedup.unwrap_or_default(),
            limit: draft.limit.unwrap_or(MOST_ROWS),
        };
        Query { stages: draft.stages, stats: draft.stats, sources: draft.sources, ending }
    }

    /// What `display` lists, or else what the other commands made; without `fields` and `stats`
    /// the timestamp and the message lead it.
    fn shown_columns(&mut self) -> Vec<Column> {
        if let Some(columns) = self.query.display.take() {
            return columns;
        }
        let made = std::mem::take(&mut self.query.columns);
        if self.query.has_fields || !self.query.stats.is_empty() {
            return made;
        }
        for name in ["@timestamp", "@message"] {
            let slot = self.names.read(name);
            self.query.show(Column { name: name.to_owned(), slot });
        }
        self.query.columns.extend(made);
        std::mem::take(&mut self.query.columns)
    }

    fn read(&mut self, name: &str) -> Slot {
        self.names.read(name)
    }

    /// A list separated by commas.
    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, QueryError>,
    ) -> Result<Vec<T>, QueryError> {
        let mut items = vec![item(self)?];
        while self.take_sign(",")? {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// A field's name, or a new one.
    fn name(&mut self) -> Result<String, QueryError> {
        let name = match self.token.kind {
            Kind::Name(name) | Kind::Quoted(name) => name.to_owned(),
            _ => return Err(self.refuse(Problem::Expected("a name"))),
        };
        self.advance()?;
        Ok(name)
    }

    /// The regular expression whose first slash is the current word.
    fn regex(&mut self) -> Result<(Regex, Token<'q>), QueryError> {
        let (pattern, token) = self.lexer.regex_at(self.token.start)?;
        let regex = Regex::new(&pattern)
            .map_err(|error| self.refuse_at(&token, Problem::Regex(reason(&error))))?;
        self.token = token.clone();
        self.advance()?;
        Ok((regex, token))
    }

    fn advance(&mut self) -> Result<(), QueryError> {
        self.end = self.token.end;
        self.token = self.lexer.next()?;
        Ok(())
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.token.kind, Kind::Sign(found) if found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.token.kind, Kind::Name(found) if found.eq_ignore_ascii_case(word))
    }

    fn take_sign(&mut self, sign: &str) -> Result<bool, QueryError> {
        self.take(self.is_sign(sign))
    }

    fn take_word(&mut self, word: &str) -> Result<bool, QueryError> {
        self.take(self.is_word(word))
    }

    fn take(&mut self, is_there: bool) -> Result<bool, QueryError> {
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    fn sign(&mut self, sign: &str, expected: &'static str) -> Result<(), QueryError> {
        if self.take_sign(sign)? { Ok(()) } else { Err(self.refuse(Problem::Expected(expected))) }
    }

    fn word(&mut self, word: &str, expected: &'static str) -> Result<(), QueryError> {
        if self.take_word(word)? { Ok(()) } else { Err(self.refuse(Problem::Expected(expected))) }
    }

    fn refuse(&self, problem: Problem) -> QueryError {
        self.refuse_at(&self.token, problem)
    }

    fn refuse_at(&self, token: &Token<'q>, problem: Problem) -> QueryError {
        self.lexer.error(token.start, token.end, problem)
    }
}

impl Draft {
    /// Adds a column, or moves nothing when it is already there.
    fn show(&mut self, column: Column) {
        if !self.columns.contains(&column) {
            self.columns.push(column);
        }
    }
}

/// The last line of the engine's message; those before draw the pattern.
fn reason(error: &regex::Error) -> String {
    let message = error.to_string();
    let last = message.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}
