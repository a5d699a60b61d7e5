//! Expressions: from the weakest operator, `or`, to the strongest, a minus sign.

use super::{Parser, Place};
use crate::aggregate::{Aggregate, Aggregation};
use crate::calendar::Period;
use crate::error::{Problem, QueryError};
use crate::function::{Function, Subnet};
use crate::lexer::{Kind, Token};
use crate::syntax::{Arithmetic, Comparison, Expression};
use crate::value::{Number, Value};

/// How many operators and calls an expression may have. The evaluator follows them down.
const MOST_PARTS: usize = 250;

/// How deep parentheses may be nested. The parser goes through nine functions for each.
const MOST_DEPTH: usize = 40;

const AGGREGATIONS: [&str; 7] = ["count", "count_distinct", "sum", "avg", "min", "max", "pct"];

impl<'q> Parser<'q> {
    /// An expression of its own.
    pub(super) fn expression(&mut self) -> Result<Expression, QueryError> {
        self.parts = 0;
        self.depth = 0;
        self.any_of()
    }

    /// Conditions of which one must hold.
    fn any_of(&mut self) -> Result<Expression, QueryError> {
        if self.depth == MOST_DEPTH {
            return Err(self.refuse(Problem::TooDeep));
        }
        self.depth += 1;
        let mut left = self.all_of()?;
        while self.take_word("or")? {
            self.count_part()?;
            left = Expression::Or(Box::new(left), Box::new(self.all_of()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn all_of(&mut self) -> Result<Expression, QueryError> {
        let mut left = self.negation()?;
        while self.take_word("and")? {
            self.count_part()?;
            left = Expression::And(Box::new(left), Box::new(self.negation()?));
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, QueryError> {
        if self.take_word("not")? {
            self.count_part()?;
            return Ok(Expression::Not(Box::new(self.negation()?)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, QueryError> {
        let left = self.sum()?;
        if let Some(comparison) = self.comparison_sign() {
            self.advance()?;
            let right = self.sum()?;
            return Ok(Expression::Compare(comparison, Box::new(left), Box::new(right)));
        }
        if self.take_sign("=~")? {
            return self.like(left);
        }
        let is_negative = self.take_word("not")?;
        let condition = if self.take_word("in")? {
            self.membership(left)?
        } else if self.take_word("like")? {
            self.like(left)?
        } else if is_negative {
            return Err(self.refuse(Problem::Expected("in or like")));
        } else {
            return Ok(left);
        };
        Ok(if is_negative { Expression::Not(Box::new(condition)) } else { condition })
    }

    fn comparison_sign(&self) -> Option<Comparison> {
        match self.token.kind {
            Kind::Sign("=") => Some(Comparison::Equal),
            Kind::Sign("!=") => Some(Comparison::NotEqual),
            Kind::Sign("<") => Some(Comparison::Less),
            Kind::Sign(">") => Some(Comparison::Greater),
            Kind::Sign("<=") => Some(Comparison::AtMost),
            Kind::Sign(">=") => Some(Comparison::AtLeast),
            _ => None,
        }
    }

    fn membership(&mut self, left: Expression) -> Result<Expression, QueryError> {
        self.sign("[", "a list in square brackets")?;
        let members = self.list(Self::any_of)?;
        self.sign("]", "a comma or ]")?;
        Ok(Expression::In(Box::new(left), members))
    }

    fn like(&mut self, left: Expression) -> Result<Expression, QueryError> {
        if self.is_sign("/") {
            let (regex, _) = self.regex()?;
            return Ok(Expression::LikeRegex(Box::new(left), regex));
        }
        let Kind::Text(text) = self.token.kind.clone() else {
            return Err(self.refuse(Problem::Expected("text in quotes or between slashes")));
        };
        self.advance()?;
        Ok(Expression::LikeText(Box::new(left), text))
    }

    fn sum(&mut self) -> Result<Expression, QueryError> {
        let mut left = self.product()?;
        loop {
            let operator = match self.token.kind {
                Kind::Sign("+") => Arithmetic::Add,
                Kind::Sign("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            self.advance()?;
            self.count_part()?;
            left = Expression::Arithmetic(operator, Box::new(left), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression, QueryError> {
        let mut left = self.negative()?;
        loop {
            let operator = match self.token.kind {
                Kind::Sign("*") => Arithmetic::Multiply,
                Kind::Sign("/") => Arithmetic::Divide,
                Kind::Sign("%") => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            self.advance()?;
            self.count_part()?;
            left = Expression::Arithmetic(operator, Box::new(left), Box::new(self.negative()?));
        }
    }

    fn negative(&mut self) -> Result<Expression, QueryError> {
        if self.take_sign("-")? {
            self.count_part()?;
            return Ok(Expression::Negative(Box::new(self.negative()?)));
        }
        self.power()
    }

    /// Powers of powers: `2 ^ 3 ^ 2` is `2 ^ 9`.
    fn power(&mut self) -> Result<Expression, QueryError> {
        let base = self.operand()?;
        if !self.take_sign("^")? {
            return Ok(base);
        }
        self.count_part()?;
        let exponent = self.negative()?;
        Ok(Expression::Arithmetic(Arithmetic::Power, Box::new(base), Box::new(exponent)))
    }

    fn operand(&mut self) -> Result<Expression, QueryError> {
        let token = self.token.clone();
        match &token.kind {
            Kind::Sign("(") => {
                self.advance()?;
                let inner = self.any_of()?;
                self.sign(")", "an operator or )")?;
                Ok(inner)
            }
            Kind::Text(text) => {
                self.advance()?;
                Ok(Expression::Constant(Value::text(text.clone())))
            }
            Kind::Number(number) => {
                self.advance()?;
                let number = Number::parse(number)
                    .ok_or_else(|| self.refuse_at(&token, Problem::NumberTooLarge))?;
                Ok(Expression::Constant(number.into()))
            }
            Kind::Quoted(name) => {
                self.advance()?;
                self.field(&token, name)
            }
            Kind::Name(name) => self.field_or_call(&token, name),
            _ => Err(self.refuse(Problem::Expected("a value"))),
        }
    }

    fn field(&mut self, token: &Token<'q>, name: &str) -> Result<Expression, QueryError> {
        if self.place == Place::Columns {
            return Err(self.refuse_at(token, Problem::NotAggregated));
        }
        Ok(Expression::Field(self.read(name)))
    }

    fn field_or_call(
        &mut self,
        token: &Token<'q>,
        name: &'q str,
    ) -> Result<Expression, QueryError> {
        if let Some(column) = self.column_named_like_a_call()? {
            return Ok(column);
        }
        self.advance()?;
        if !self.is_sign("(") {
            return self.field(token, name);
        }
        self.count_part()?;
        self.advance()?;
        let name = name.to_ascii_lowercase();
        if AGGREGATIONS.contains(&name.as_str()) {
            return self.aggregation(token, &name);
        }
        let call = match name.as_str() {
            "bin" => {
                let time = Expression::Field(self.read("@timestamp"));
                self.check_row(token)?;
                Expression::Floor(Box::new(time), self.period()?)
            }
            "datefloor" | "dateceil" => self.date_call(&name)?,
            name => self.call(token, name)?,
        };
        self.sign(")", "a comma or )")?;
        Ok(call)
    }

    /// Behind `stats`, `bin(5m)` may be the name of a column. The next `stats` makes columns of
    /// its own.
    fn column_named_like_a_call(&mut self) -> Result<Option<Expression>, QueryError> {
        if self.query.stats.is_empty() || self.place == Place::Columns {
            return Ok(None);
        }
        let rest = self.lexer.slice_from(self.token.start);
        let Some((length, slot)) = self.names.call_at(rest) else { return Ok(None) };
        self.lexer.jump(self.token.start + length);
        self.end = self.token.start + length;
        self.token = self.lexer.next()?;
        Ok(Some(Expression::Field(slot)))
    }

    fn date_call(&mut self, name: &str) -> Result<Expression, QueryError> {
        let time = Box::new(self.any_of()?);
        self.sign(",", "a comma and a period")?;
        let period = self.period()?;
        Ok(if name == "datefloor" {
            Expression::Floor(time, period)
        } else {
            Expression::Ceil(time, period)
        })
    }

    /// A function of one row, up to its closing parenthesis.
    fn call(&mut self, token: &Token<'q>, name: &str) -> Result<Expression, QueryError> {
        let Some(function) = Function::from_name(name) else {
            return Err(self.refuse_at(token, Problem::UnknownFunction));
        };
        let mut arguments = vec![];
        while !self.is_sign(")") {
            if !arguments.is_empty() {
                self.sign(",", "a comma or )")?;
            }
            let start = self.token.clone();
            arguments.push(self.any_of()?);
            if function.takes_subnet() && arguments.len() == 2 {
                self.check_subnet(function, &start, arguments.last())?;
            }
        }
        let takes = function.arguments();
        if (takes.least..=takes.most).contains(&arguments.len()) {
            return Ok(Expression::Call(function, arguments));
        }
        Err(self.refuse_at(token, Problem::WrongArguments(takes.words())))
    }

    /// A subnet that is written in the query must be one.
    fn check_subnet(
        &self,
        function: Function,
        token: &Token<'q>,
        subnet: Option<&Expression>,
    ) -> Result<(), QueryError> {
        let Some(Expression::Constant(subnet)) = subnet else { return Ok(()) };
        let subnet = subnet.as_text().and_then(|text| Subnet::parse(&text));
        let is_right = subnet.is_some_and(|subnet| match function {
            Function::IsIpv4InSubnet => subnet.is_ipv4(),
            Function::IsIpv6InSubnet => subnet.is_ipv6(),
            _ => true,
        });
        if is_right { Ok(()) } else { Err(self.refuse_at(token, Problem::Subnet)) }
    }

    /// `5m`: a number with a unit of time.
    fn period(&mut self) -> Result<Period, QueryError> {
        let Kind::Period(count, unit) = self.token.kind else {
            return Err(self.refuse(Problem::Expected("a period such as 5m")));
        };
        let count = count.parse().map_err(|_| self.refuse(Problem::UnknownUnit))?;
        let period = Period::new(count, unit).map_err(|problem| self.refuse(problem))?;
        self.advance()?;
        Ok(period)
    }

    fn check_row(&self, token: &Token<'q>) -> Result<(), QueryError> {
        if self.place == Place::Columns {
            return Err(self.refuse_at(token, Problem::NotAggregated));
        }
        Ok(())
    }

    /// An aggregation, from what follows its opening parenthesis.
    fn aggregation(&mut self, token: &Token<'q>, name: &str) -> Result<Expression, QueryError> {
        if self.place != Place::Columns {
            return Err(self.refuse_at(token, Problem::MisplacedAggregation));
        }
        self.place = Place::Aggregation;
        let aggregation = self.aggregated(token, name)?;
        self.place = Place::Columns;
        self.sign(")", ")")?;
        self.aggregations.push(aggregation);
        Ok(Expression::Aggregate(self.aggregations.len() - 1))
    }

    fn aggregated(&mut self, token: &Token<'q>, name: &str) -> Result<Aggregation, QueryError> {
        if name == "count" && (self.is_sign(")") || self.take_sign("*")?) {
            let of = Expression::Constant(Value::Integer(1));
            return Ok(Aggregation { aggregate: Aggregate::CountRows, of });
        }
        if self.is_sign(")") {
            return Err(self.refuse_at(token, Problem::WrongArguments("1 argument".to_owned())));
        }
        let of = self.any_of()?;
        let aggregate = match name {
            "count" => Aggregate::Count,
            "count_distinct" => Aggregate::CountDistinct,
            "sum" => Aggregate::Sum,
            "avg" => Aggregate::Average,
            "min" => Aggregate::Least,
            "max" => Aggregate::Greatest,
            _ => Aggregate::Percentile(self.percent()?),
        };
        Ok(Aggregation { aggregate, of })
    }

    /// The second argument of `pct`.
    fn percent(&mut self) -> Result<f64, QueryError> {
        const EXPECTED: Problem = Problem::Expected("a comma and a percentage from 0 to 100");
        if !self.take_sign(",")? {
            return Err(self.refuse(EXPECTED));
        }
        let percent = match self.token.kind {
            Kind::Number(number) => number.parse().ok(),
            _ => None,
        };
        let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
        let percent = percent.ok_or_else(|| self.refuse(EXPECTED))?;
        self.advance()?;
        Ok(percent)
    }

    fn count_part(&mut self) -> Result<(), QueryError> {
        self.parts += 1;
        if self.parts > MOST_PARTS { Err(self.refuse(Problem::TooDeep)) } else { Ok(()) }
    }
}
