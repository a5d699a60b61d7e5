//! The functions of one row.
//!
//! Source of all of them: AWS's page of [functions]. What it leaves open is listed in
//! `docs/insights.md`: above all, a function of a missing value gives a missing value, except
//! where its purpose is to ask for one.
//!
//! [functions]: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::value::{Number, Value};

/// How many arguments a function takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) least: usize,
    pub(crate) most: usize,
}

impl Arguments {
    /// The number of arguments in words.
    pub(crate) fn words(self) -> String {
        match (self.least, self.most) {
            (1, 1) => "1 argument".to_owned(),
            (least, usize::MAX) => format!("{least} or more arguments"),
            (least, most) if least == most => format!("{least} arguments"),
            (least, most) => format!("{least} to {most} arguments"),
        }
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $least:literal..=$most:expr;)*) => {
        /// A function of one row. Names are read in any case, as AWS's own examples write them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Function {
            $($(#[$doc])* $variant,)*
        }

        impl Function {
            /// Every function.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The function with a name in lower case.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name in lower case.
            #[cfg(test)]
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            pub(crate) const fn arguments(self) -> Arguments {
                match self {
                    $(Self::$variant => Arguments { least: $least, most: $most },)*
                }
            }
        }
    };
}

const ANY: usize = usize::MAX;

functions! {
    /// The absolute value
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Abs = "abs", 1..=1;
    /// The next whole number, upwards
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Ceil = "ceil", 1..=1;
    /// The next whole number, downwards
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Floor = "floor", 1..=1;
    /// The largest of some numbers
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Greatest = "greatest", 1..=ANY;
    /// The smallest of some numbers
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Least = "least", 1..=ANY;
    /// The natural logarithm
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Log = "log", 1..=1;
    /// The nearest whole number, or the nearest with so many decimal places; halves away from 0
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Round = "round", 1..=2;
    /// The square root
    /// ([numeric operators](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-operations-numeric)).
    Sqrt = "sqrt", 1..=1;
    /// A timestamp from milliseconds
    /// ([datetime functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-datetime)).
    FromMillis = "frommillis", 1..=1;
    /// The milliseconds of a timestamp
    /// ([datetime functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-datetime)).
    ToMillis = "tomillis", 1..=1;
    /// Whether there is a value
    /// ([general functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-general-functions)).
    IsPresent = "ispresent", 1..=1;
    /// The first value that is not missing
    /// ([general functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-general-functions)).
    Coalesce = "coalesce", 1..=ANY;
    /// The second argument where the first is true, or else the third
    /// ([general functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-general-functions)).
    If = "if", 3..=3;
    /// Whether it is an address
    /// ([IP address functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions)).
    IsValidIp = "isvalidip", 1..=1;
    /// Whether it is an IPv4 address
    /// ([IP address functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions)).
    IsValidIpV4 = "isvalidipv4", 1..=1;
    /// Whether it is an IPv6 address
    /// ([IP address functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions)).
    IsValidIpV6 = "isvalidipv6", 1..=1;
    /// Whether it is an address in a subnet
    /// ([IP address functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions)).
    IsIpInSubnet = "isipinsubnet", 2..=2;
    /// Whether it is an IPv4 address in a subnet
    /// ([IP address functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions)).
    IsIpv4InSubnet = "isipv4insubnet", 2..=2;
    /// Whether it is an IPv6 address in a subnet
    /// ([IP address functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-IPaddress-functions)).
    IsIpv6InSubnet = "isipv6insubnet", 2..=2;
    /// 1 where there is no value or an empty text, or else 0
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    IsEmpty = "isempty", 1..=1;
    /// 1 where there is no value or nothing but white space, or else 0
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    IsBlank = "isblank", 1..=1;
    /// All texts in a row; missing values add nothing
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    Concat = "concat", 1..=ANY;
    /// Without white space, or the characters of the second text, on the left
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    Ltrim = "ltrim", 1..=2;
    /// Without white space, or the characters of the second text, on the right
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    Rtrim = "rtrim", 1..=2;
    /// Without white space, or the characters of the second text, on both sides
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    Trim = "trim", 1..=2;
    /// How many code points of Unicode the text has
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    Strlen = "strlen", 1..=1;
    /// In capital letters
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    ToUpper = "toupper", 1..=1;
    /// In small letters
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    ToLower = "tolower", 1..=1;
    /// The text from a code point on, from 0, or so many of them
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    Substr = "substr", 2..=3;
    /// The first text with each occurrence of the second replaced by the third
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    Replace = "replace", 3..=3;
    /// 1 where the first text contains the second, or else 0
    /// ([string functions](https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html#CWL_QuerySyntax-string-functions)).
    StrContains = "strcontains", 2..=2;
}

impl Function {
    /// Whether the second argument is a subnet.
    pub(crate) const fn takes_subnet(self) -> bool {
        matches!(self, Self::IsIpInSubnet | Self::IsIpv4InSubnet | Self::IsIpv6InSubnet)
    }

    /// The function of some values, as many as it takes.
    pub(crate) fn call<'a>(self, arguments: &mut [Value<'a>]) -> Value<'a> {
        match self {
            Self::IsPresent | Self::Coalesce | Self::If | Self::IsEmpty | Self::IsBlank => {
                self.of_presence(arguments)
            }
            Self::FromMillis | Self::ToMillis => self.of_time(arguments),
            Self::IsValidIp
            | Self::IsValidIpV4
            | Self::IsValidIpV6
            | Self::IsIpInSubnet
            | Self::IsIpv4InSubnet
            | Self::IsIpv6InSubnet => Value::Boolean(self.of_address(arguments).is_some()),
            Self::Abs
            | Self::Ceil
            | Self::Floor
            | Self::Greatest
            | Self::Least
            | Self::Log
            | Self::Round
            | Self::Sqrt => self.of_numbers(arguments).unwrap_or(Value::Missing),
            _ => self.of_texts(arguments).unwrap_or(Value::Missing),
        }
    }

    fn of_presence<'a>(self, arguments: &[Value<'a>]) -> Value<'a> {
        let first = arguments.first().unwrap_or(&Value::Missing);
        let is_filled =
            |of: fn(&str) -> &str| first.as_text().is_some_and(|text| !of(&text).is_empty());
        match self {
            Self::IsPresent => Value::Boolean(!first.is_missing()),
            Self::IsEmpty => Value::Integer(i64::from(!is_filled(|text| text))),
            Self::IsBlank => Value::Integer(i64::from(!is_filled(str::trim))),
            Self::If => {
                let chosen = arguments.get(if first.is_true() { 1 } else { 2 });
                chosen.cloned().unwrap_or(Value::Missing)
            }
            _ => {
                let present = arguments.iter().find(|value| !value.is_missing());
                present.cloned().unwrap_or(Value::Missing)
            }
        }
    }

    fn of_time<'a>(self, arguments: &[Value<'a>]) -> Value<'a> {
        match (self, arguments.first()) {
            (Self::ToMillis, Some(Value::Time(time))) => Value::Integer(*time),
            (Self::FromMillis, Some(value)) => match value.as_number() {
                Some(Number::Integer(millis)) => Value::Time(millis),
                #[expect(clippy::cast_possible_truncation, reason = "a cast to i64 saturates")]
                Some(Number::Decimal(millis)) => Value::Time(millis as i64),
                None => Value::Missing,
            },
            _ => Value::Missing,
        }
    }

    /// The address, when it is as the function asks.
    fn of_address(self, arguments: &[Value<'_>]) -> Option<IpAddr> {
        let address: IpAddr = arguments.first()?.as_text()?.parse().ok()?;
        let is_family = match self {
            Self::IsValidIpV4 | Self::IsIpv4InSubnet => address.is_ipv4(),
            Self::IsValidIpV6 | Self::IsIpv6InSubnet => address.is_ipv6(),
            _ => true,
        };
        let is_inside = match arguments.get(1) {
            Some(subnet) => Subnet::parse(&subnet.as_text()?)?.contains(address),
            None => true,
        };
        (is_family && is_inside).then_some(address)
    }

    fn of_numbers<'a>(self, arguments: &[Value<'a>]) -> Option<Value<'a>> {
        let mut numbers = arguments.iter().map(Value::as_number);
        let first = numbers.next()??;
        let float = first.as_f64();
        Some(match (self, first) {
            (Self::Abs, Number::Integer(whole)) => {
                whole.checked_abs().map_or_else(|| Value::number(float.abs()), Value::Integer)
            }
            (Self::Ceil | Self::Floor, Number::Integer(whole)) => Value::Integer(whole),
            (Self::Abs, _) => Value::number(float.abs()),
            (Self::Ceil, _) => Value::number(float.ceil()),
            (Self::Floor, _) => Value::number(float.floor()),
            (Self::Log, _) => Value::number(float.ln()),
            (Self::Sqrt, _) => Value::number(float.sqrt()),
            (Self::Round, _) => match numbers.next() {
                Some(places) => rounded(first, places?),
                None => rounded(first, Number::Integer(0)),
            },
            _ => self.of_extremes(first, numbers)?.into(),
        })
    }

    fn of_extremes(
        self,
        first: Number,
        mut others: impl Iterator<Item = Option<Number>>,
    ) -> Option<Number> {
        others.try_fold(first, |best, other| {
            let other = other?;
            let is_less = other.compare(best).is_lt();
            let is_better = if self == Self::Least { is_less } else { other.compare(best).is_gt() };
            Some(if is_better { other } else { best })
        })
    }

    fn of_texts<'a>(self, arguments: &mut [Value<'a>]) -> Option<Value<'a>> {
        if self == Self::Concat {
            return Some(Value::text(joined(arguments)));
        }
        let (first, others) = arguments.split_first_mut()?;
        let text = into_text(std::mem::replace(first, Value::Missing))?;
        let second = others.first();
        Some(match self {
            Self::Strlen => Value::number(float_of(text.chars().count())),
            Self::ToUpper => Value::text(text.to_uppercase()),
            Self::ToLower => Value::text(text.to_lowercase()),
            Self::Substr => return substring(text, second?, others.get(1)),
            Self::StrContains => Value::Integer(i64::from(text.contains(&*second?.as_text()?))),
            Self::Replace => {
                let (old, new) = (second?.as_text()?, others.get(1)?.as_text()?);
                if old.is_empty() || !text.contains(&*old) {
                    Value::Text(text)
                } else {
                    Value::text(text.replace(&*old, &new))
                }
            }
            _ => {
                let characters = match second {
                    Some(characters) => Some(characters.as_text()?),
                    None => None,
                };
                trimmed(text, self, characters.as_deref())
            }
        })
    }
}

/// All texts in a row.
fn joined(values: &[Value<'_>]) -> String {
    let mut text = String::new();
    for value in values {
        if let Some(part) = value.as_text() {
            text.push_str(&part);
        }
    }
    text
}

/// The value's text, still on loan from the event where it was.
fn into_text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Missing => None,
        Value::Text(text) => Some(text),
        other => Some(Cow::Owned(other.to_string())),
    }
}

#[expect(clippy::cast_precision_loss, reason = "no text has so many characters")]
const fn float_of(count: usize) -> f64 {
    count as f64
}

/// A part of a text, borrowed where the text is.
fn part<'a>(text: &Cow<'a, str>, cut: impl for<'t> Fn(&'t str) -> &'t str) -> Value<'a> {
    match text {
        Cow::Borrowed(text) => Value::text(cut(text)),
        Cow::Owned(text) => Value::text(cut(text).to_owned()),
    }
}

fn trimmed<'a>(text: Cow<'a, str>, side: Function, characters: Option<&str>) -> Value<'a> {
    let is_cut = |character: char| match characters {
        Some(characters) => characters.contains(character),
        None => character.is_whitespace(),
    };
    let cut = part(&text, |text| match side {
        Function::Ltrim => text.trim_start_matches(is_cut),
        Function::Rtrim => text.trim_end_matches(is_cut),
        _ => text.trim_matches(is_cut),
    });
    drop(text);
    cut
}

fn substring<'a>(
    text: Cow<'a, str>,
    start: &Value<'_>,
    length: Option<&Value<'_>>,
) -> Option<Value<'a>> {
    let start = place(start)?;
    let length = match length {
        Some(length) => place(length)?,
        None => usize::MAX,
    };
    let cut = part(&text, |text| {
        let byte_of =
            |index: usize| text.char_indices().nth(index).map_or(text.len(), |(at, _)| at);
        text.get(byte_of(start)..byte_of(start.saturating_add(length))).unwrap_or_default()
    });
    drop(text);
    Some(cut)
}

/// A place or a length in a text; below 0 it counts as 0.
fn place(value: &Value<'_>) -> Option<usize> {
    let number = value.as_number()?.as_f64();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from a float saturates at both ends"
    )]
    Some(number as usize)
}

fn rounded(number: Number, places: Number) -> Value<'static> {
    /// Beyond it, double precision has no such decimal place.
    const MOST_PLACES: f64 = 15.0;
    let places = places.as_f64().trunc().clamp(0.0, MOST_PLACES);
    match number {
        Number::Integer(whole) => Value::Integer(whole),
        Number::Decimal(number) => {
            let factor = 10_f64.powf(places);
            Value::number((number * factor).round() / factor)
        }
    }
}

/// A subnet in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subnet {
    address: IpAddr,
    /// How many bits the addresses in it have in common.
    length: u32,
}

impl Subnet {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let length: u32 = length.parse().ok()?;
        let most = if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        (length <= most).then_some(Self { address, length })
    }

    pub(crate) const fn is_ipv4(self) -> bool {
        self.address.is_ipv4()
    }

    pub(crate) const fn is_ipv6(self) -> bool {
        self.address.is_ipv6()
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(subnet), IpAddr::V4(address)) => {
                let differing = u32::from(subnet) ^ u32::from(address);
                differing.checked_shr(Ipv4Addr::BITS - self.length).unwrap_or(0) == 0
            }
            (IpAddr::V6(subnet), IpAddr::V6(address)) => {
                let differing = u128::from(subnet) ^ u128::from(address);
                differing.checked_shr(Ipv6Addr::BITS - self.length).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &'static str) -> Value<'static> {
        Value::text(text)
    }

    fn call(name: &str, arguments: &[Value<'static>]) -> Value<'static> {
        let function = Function::from_name(name).unwrap();
        let count = function.arguments();
        assert!((count.least..=count.most).contains(&arguments.len()), "{name}");
        function.call(&mut arguments.to_vec())
    }

    #[test]
    fn numbers_are_computed_with_whether_they_are_text_or_not() {
        assert_eq!(call("abs", &[text("-5")]), Value::Integer(5));
        assert_eq!(call("ceil", &[text("1.2")]), Value::Integer(2));
        assert_eq!(call("floor", &[text("-1.2")]), Value::Integer(-2));
        assert_eq!(call("floor", &[Value::Integer(i64::MAX)]), Value::Integer(i64::MAX));
        assert_eq!(call("greatest", &[text("9"), Value::Integer(10)]), Value::Integer(10));
        assert_eq!(call("least", &[text("9"), Value::Integer(10)]), Value::Integer(9));
        assert_eq!(call("log", &[Value::Integer(1)]), Value::Integer(0));
        assert_eq!(call("log", &[Value::Integer(0)]), Value::Missing);
        assert_eq!(call("sqrt", &[Value::Integer(9)]), Value::Integer(3));
        assert_eq!(call("sqrt", &[Value::Integer(-1)]), Value::Missing);
        assert_eq!(call("round", &[text("2.5")]), Value::Integer(3));
        assert_eq!(call("round", &[text("2.346"), Value::Integer(2)]), Value::Decimal(2.35));
        for name in ["abs", "ceil", "floor", "log", "round", "sqrt", "greatest", "least"] {
            assert_eq!(call(name, &[text("-")]), Value::Missing, "{name}");
        }
        assert_eq!(call("greatest", &[text("-"), Value::Integer(1)]), Value::Missing);
    }

    /// The examples of AWS's page.
    #[test]
    fn texts_are_cut_and_joined_as_documented() {
        let outer = text("xyZxyfooxyxyZ");
        assert_eq!(call("trim", &[outer.clone(), text("xyZ")]), text("foo"));
        assert_eq!(call("ltrim", &[outer.clone(), text("xyZ")]), text("fooxyxyZ"));
        assert_eq!(call("rtrim", &[outer, text("xyZ")]), text("xyZxyfoo"));
        assert_eq!(call("trim", &[text(" \tfoo\n")]), text("foo"));
        let three = Value::Integer(3);
        assert_eq!(call("substr", &[text("xyZfooxyZ"), three.clone(), three.clone()]), text("foo"));
        assert_eq!(call("substr", &[text("xyZfoo"), three.clone()]), text("foo"));
        assert_eq!(call("substr", &[text("äöü"), Value::Integer(1)]), text("öü"));
        assert_eq!(call("substr", &[text("foo"), Value::Integer(9)]), text(""));
        assert_eq!(call("substr", &[text("foo"), Value::Integer(-1), three]), text("foo"));
        assert_eq!(call("replace", &[text("foo"), text("o"), text("0")]), text("f00"));
        assert_eq!(call("replace", &[text("foo"), text(""), text("0")]), text("foo"));
        assert_eq!(call("strlen", &[text("äöü")]), Value::Integer(3));
        assert_eq!(call("toupper", &[text("Foo")]), text("FOO"));
        assert_eq!(call("tolower", &[text("Foo")]), text("foo"));
        assert_eq!(call("strcontains", &[text("foo"), text("oo")]), Value::Integer(1));
        assert_eq!(call("strcontains", &[text("foo"), text("O")]), Value::Integer(0));
        let parts = [text("a"), Value::Missing, Value::Integer(5), Value::Decimal(1.5)];
        assert_eq!(call("concat", &parts), text("a51.5"));
    }

    #[test]
    fn presence_is_asked_for() {
        assert_eq!(call("ispresent", &[Value::Missing]), Value::Boolean(false));
        assert_eq!(call("ispresent", &[text("-")]), Value::Boolean(true));
        assert_eq!(call("coalesce", &[Value::Missing, text(""), text("b")]), text(""));
        assert_eq!(call("coalesce", &[Value::Missing]), Value::Missing);
        for (value, empty, blank) in
            [(Value::Missing, 1, 1), (text(""), 1, 1), (text(" "), 0, 1), (text("a"), 0, 0)]
        {
            assert_eq!(call("isempty", std::slice::from_ref(&value)), Value::Integer(empty));
            assert_eq!(call("isblank", &[value]), Value::Integer(blank));
        }
        let chosen = |condition| call("if", &[condition, text("a"), text("b")]);
        assert_eq!(chosen(Value::Boolean(true)), text("a"));
        assert_eq!(chosen(Value::Integer(1)), text("a"));
        assert_eq!(chosen(Value::Missing), text("b"));
    }

    #[test]
    fn times_come_from_and_become_milliseconds() {
        assert_eq!(call("frommillis", &[text("1500")]), Value::Time(1500));
        assert_eq!(call("tomillis", &[Value::Time(1500)]), Value::Integer(1500));
        assert_eq!(call("tomillis", &[Value::Integer(1500)]), Value::Missing);
        assert_eq!(call("frommillis", &[text("-")]), Value::Missing);
    }

    #[test]
    fn addresses_are_told_by_family_and_subnet() {
        let inside = |name, address, subnet| call(name, &[text(address), text(subnet)]).is_true();
        assert!(inside("isipv4insubnet", "10.1.2.3", "10.0.0.0/8"));
        assert!(inside("isipv4insubnet", "10.1.2.3", "0.0.0.0/0"));
        assert!(!inside("isipv4insubnet", "11.1.2.3", "10.0.0.0/8"));
        assert!(inside("isipv4insubnet", "10.1.2.3", "10.1.2.3/32"));
        assert!(!inside("isipv4insubnet", "2001:db8::1", "2001:db8::/32"));
        assert!(inside("isipv6insubnet", "2001:db8::1", "2001:db8::/32"));
        assert!(inside("isipv6insubnet", "2001:db8::1", "::/0"));
        assert!(!inside("isipv6insubnet", "2001:db9::1", "2001:db8::/32"));
        assert!(inside("isipinsubnet", "2001:db8::1", "2001:db8::/32"));
        assert!(!inside("isipinsubnet", "10.1.2.3", "2001:db8::/32"));
        let valid = |name, value| call(name, &[text(value)]).is_true();
        assert!(valid("isvalidip", "10.0.0.1") && valid("isvalidip", "::1"));
        assert!(valid("isvalidipv4", "10.0.0.1") && !valid("isvalidipv4", "::1"));
        assert!(valid("isvalidipv6", "::1") && !valid("isvalidipv6", "10.0.0.1"));
        assert!(!valid("isvalidip", "-") && !valid("isvalidip", "10.0.0.256"));
    }

    #[test]
    fn subnets_have_a_length_of_their_family() {
        assert!(Subnet::parse("10.0.0.0/33").is_none());
        assert!(Subnet::parse("::/129").is_none());
        assert!(Subnet::parse("10.0.0.0").is_none());
    }

    #[test]
    fn every_function_is_found_by_its_name() {
        for function in Function::ALL {
            assert_eq!(Function::from_name(function.name()), Some(*function));
        }
    }
}
