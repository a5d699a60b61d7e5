//! `natflow cost`: what recording spikes costs, beside flow logs that run all the time.
//!
//! Prices are those of the crate `report`, in the region where they are known. What is counted
//! stands beside each amount, so that everybody can do it again.

use std::fmt::Write as _;
use std::str::FromStr;

use ::report::facts::Destination;
use ::report::prices::{self, Price};
use ::report::words;
use aws_adapters::{Alarms, MeteredBytes, ReadError};
use jiff::Timestamp;

use crate::arguments::{Account, CostArguments};
use crate::aws::{Session, unreadable};
use crate::column::ColumnType;
use crate::error::Error;
use crate::output::{Cell, Heading, OutputFormat, RowSink};

/// The alarm watches the sum of two metrics.
const METRICS: f64 = 2.0;

/// The alarm on events that were not handled watches the dead-letter queue, and errors and
/// throttles of the two functions that no execution waits for.
const OWN_METRICS: f64 = 5.0;

/// A connection is recorded on both sides of the gateway, in both directions, once a minute.
const RECORDS: f64 = 4.0;

/// What a recording takes as long as nothing goes wrong; the recorder's tests keep it to that.
const STATE_TRANSITIONS: f64 = 11.0;
const INVOCATIONS: f64 = 5.0;
const SECONDS: f64 = 1.0;
const MEMORY_GB: f64 = 0.25;
const QUERIES: f64 = 4.0;

/// A month of metrics; CloudWatch's months are as long as the calendar's.
const DAYS: u32 = 30;

/// What CloudWatch metered of some gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metered {
    gateways: u32,
    bytes: u64,
    /// Where they are.
    pub region: Option<String>,
}

/// Asks what CloudWatch metered, if gateways are named.
pub(crate) fn metered(
    arguments: &CostArguments,
    account: &Account,
    now: Timestamp,
) -> Result<Option<Metered>, Error> {
    let name = match (&arguments.stack, arguments.gateway.as_slice()) {
        (Some(stack), _) => stack.clone(),
        (None, []) => return Ok(None),
        (None, gateways) => gateways.join(", "),
    };
    let session = Session::start(account)?;
    let failed = || unreadable(&name);
    let alarms = Alarms::new(session.config()).map_err(failed())?;
    let metrics = MeteredBytes::new(session.config()).map_err(failed())?;
    let asked = session.wait(async {
        let gateways = match &arguments.stack {
            Some(stack) => {
                let alarms = alarms.of_stack(stack).await?.into_iter();
                alarms.map(|alarm| alarm.nat_gateway_id).collect()
            }
            None => arguments.gateway.clone(),
        };
        let mut bytes = vec![];
        for gateway in &gateways {
            bytes.push((gateway.clone(), metrics.of_days(gateway, DAYS, now).await?));
        }
        Ok::<_, ReadError>(bytes)
    });
    let asked = asked.map_err(Error::input(&name))?.map_err(failed())?;
    let region = session.config().region().map(ToString::to_string);
    check(arguments, &name, region.as_deref().unwrap_or_default(), &asked)?;
    Ok(Some(Metered {
        region,
        gateways: u32::try_from(asked.len()).unwrap_or(u32::MAX),
        bytes: asked.iter().filter_map(|(_, bytes)| *bytes).fold(0, u64::saturating_add),
    }))
}

/// A wrong name has no metrics, which must not look like no traffic.
fn check(
    arguments: &CostArguments,
    name: &str,
    region: &str,
    asked: &[(String, Option<u64>)],
) -> Result<(), Error> {
    let silent: Vec<_> =
        asked.iter().filter(|(_, bytes)| bytes.is_none()).map(|(id, _)| id.as_str()).collect();
    let reason = if asked.is_empty() {
        format!(
            "there is no alarm {name}/nat-… in {region}; --region and --profile choose another \
             region and account"
        )
    } else if silent.is_empty() || (arguments.stack.is_some() && silent.len() < asked.len()) {
        // A gateway of a stack is there, but may be too new.
        return Ok(());
    } else {
        format!(
            "CloudWatch metered nothing of {} in {region} in the last {DAYS} days; check the ID, \
             --region and --profile, or say with --gateways and --gb what to count",
            silent.join(", ")
        )
    };
    Err(Error::Unreadable { name: name.to_owned(), reason })
}

/// What a month is counted on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Profile {
    /// How many gateways are watched.
    pub gateways: f64,
    /// What they take in, from both sides.
    pub gigabytes: f64,
    /// Connections that are active at any time, of each gateway.
    pub connections: f64,
    /// How many spikes are recorded.
    pub spikes: f64,
    /// How long each recording is.
    pub minutes: f64,
    /// Connections that are active during a spike.
    pub spike_connections: f64,
    /// What a spike adds.
    pub spike_gigabytes: f64,
    /// What a record takes.
    pub record_bytes: f64,
}

impl Profile {
    /// What the command line says; what CloudWatch metered comes before it.
    pub(crate) fn new(arguments: &CostArguments, metered: Option<&Metered>) -> Self {
        let count = |number: u64| prices::gigabytes(number) * prices::BYTES_PER_GB;
        Self {
            gateways: metered
                .map_or_else(|| count(arguments.gateways), |metered| f64::from(metered.gateways)),
            gigabytes: metered.map_or(arguments.gb, |metered| prices::gigabytes(metered.bytes)),
            connections: count(arguments.connections),
            spikes: arguments.spikes,
            minutes: arguments.recording_minutes,
            spike_connections: count(arguments.spike_connections.unwrap_or(arguments.connections)),
            spike_gigabytes: arguments.spike_gb,
            record_bytes: count(arguments.record_bytes),
        }
    }
}

/// A price of one's own region: `nat-processing=0.048`.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPrice {
    name: &'static str,
    dollars: f64,
}

/// What can have another price, and what it is called on the command line.
const NAMED: [(&str, Price); 9] = [
    ("nat-processing", prices::NAT_PROCESSING),
    ("alarm-metric", prices::ALARM_METRIC_MONTH),
    ("standard", prices::DELIVERY_STANDARD),
    ("infrequent-access", prices::DELIVERY_INFREQUENT_ACCESS),
    ("s3", prices::DELIVERY_S3),
    ("query", prices::QUERIES),
    ("state-transition", prices::STATE_TRANSITION),
    ("lambda", prices::LAMBDA),
    ("lambda-request", prices::LAMBDA_REQUEST),
];

/// A text that is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected NAME=DOLLARS with one of the names {names}, found `{found}`")]
pub struct NoPrice {
    found: String,
    names: String,
}

impl FromStr for OwnPrice {
    type Err = NoPrice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let price = || {
            let (name, dollars) = text.split_once('=')?;
            let (name, _) = NAMED.into_iter().find(|(known, _)| *known == name)?;
            let dollars = dollars.parse::<f64>().ok()?;
            (dollars.is_finite() && dollars >= 0.0).then_some(Self { name, dollars })
        };
        price().ok_or_else(|| NoPrice {
            found: text.to_owned(),
            names: NAMED.map(|(name, _)| name).join(", "),
        })
    }
}

/// What a part of the estimate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Traffic,
    Spikes,
    AlwaysOn,
    Recorder,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Traffic => "all traffic",
            Self::Spikes => "the spikes",
            Self::AlwaysOn => "always on",
            Self::Recorder => "recorder",
        }
    }
}

/// An amount, and how it is counted.
#[derive(Clone, Debug)]
struct Item {
    part: Part,
    what: &'static str,
    /// What is multiplied; bytes come last.
    factors: Vec<(f64, &'static str)>,
    price: Price,
}

impl Item {
    fn product(&self) -> f64 {
        self.factors.iter().map(|(number, _)| number).product()
    }

    fn is_in_bytes(&self) -> bool {
        self.factors.last().is_some_and(|(_, unit)| *unit == "bytes")
    }

    fn dollars(&self) -> f64 {
        let scale = if self.is_in_bytes() { prices::BYTES_PER_GB } else { 1.0 };
        self.product() / scale * self.price.dollars
    }

    /// `2 gateways × 2 metrics = 4, at $0.1 per metric and month`
    fn arithmetic(&self) -> String {
        let factors = self.factors.iter().map(|(number, unit)| counted(*number, unit));
        let mut text = factors.collect::<Vec<_>>().join(" × ");
        let product = match self.factors.last() {
            Some((_, "bytes")) => words::size(whole(self.product())),
            Some((_, "GB")) if self.price.unit == "GB" => format!("{} GB", plain(self.product())),
            _ => plain(self.product()),
        };
        if self.factors.len() > 1 {
            let _ = write!(text, " = {product}");
        }
        let _ = write!(text, ", at ${} per {}", self.price.dollars, self.price.unit);
        text
    }
}

/// `1 spike`, `2 spikes`, `0.5 GB`
fn counted(number: f64, unit: &str) -> String {
    let number = plain(number);
    let unit = if number == "1" && unit.len() > 1 { unit.trim_end_matches('s') } else { unit };
    format!("{number} {unit}")
}

/// A number with its thousands apart and at most three decimals.
fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    let (integer, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let integer = integer.parse().map_or_else(|_| integer.to_owned(), words::number);
    match decimals.trim_end_matches('0') {
        "" => integer,
        decimals => format!("{integer}.{decimals}"),
    }
}

/// Without the noise of binary fractions.
fn to_nano(dollars: f64) -> f64 {
    (dollars * 1e9).round() / 1e9
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// The estimate for a month.
struct Estimate<'e> {
    profile: &'e Profile,
    own: &'e [OwnPrice],
    delivery: Price,
    /// The region whose prices are taken, as far as they are known.
    region: Option<&'e str>,
}

impl Estimate<'_> {
    fn items(&self) -> Vec<Item> {
        [self.traffic(), self.always_on(), self.recorder()].concat()
    }

    fn item(
        &self,
        part: Part,
        what: &'static str,
        factors: &[(f64, &'static str)],
        price: Price,
    ) -> Item {
        let own = self.own.iter().rev().find(|own| {
            NAMED.iter().any(|(name, known)| own.name == *name && known.what == price.what)
        });
        let price = price.in_region(self.region);
        let dollars = own.map_or(price.dollars, |own| own.dollars);
        Item { part, what, factors: factors.to_vec(), price: Price { dollars, ..price } }
    }

    fn traffic(&self) -> Vec<Item> {
        let profile = self.profile;
        let spikes = (profile.spikes, "spikes");
        let processing = prices::NAT_PROCESSING;
        vec![
            self.item(
                Part::Traffic,
                "NAT processing",
                &[(profile.gigabytes, "GB")],
                processing.clone(),
            ),
            self.item(
                Part::Spikes,
                "NAT processing",
                &[spikes, (profile.spike_gigabytes, "GB")],
                processing,
            ),
        ]
    }

    /// Flow logs that run all month, for each place where they can go.
    fn always_on(&self) -> Vec<Item> {
        let profile = self.profile;
        let factors = [
            (profile.gateways, "gateways"),
            (profile.connections, "connections"),
            (RECORDS, "records"),
            (prices::HOURS_PER_MONTH * 60.0, "minutes"),
            (profile.record_bytes, "bytes"),
        ];
        let places = [
            ("flow logs, CloudWatch standard", prices::DELIVERY_STANDARD),
            ("flow logs, infrequent access", prices::DELIVERY_INFREQUENT_ACCESS),
            ("flow logs, S3", prices::DELIVERY_S3),
        ];
        places.map(|(what, price)| self.item(Part::AlwaysOn, what, &factors, price)).into()
    }

    fn recorder(&self) -> Vec<Item> {
        let profile = self.profile;
        let spikes = (profile.spikes, "spikes");
        let records = [
            (profile.spike_connections, "connections"),
            (RECORDS, "records"),
            (profile.minutes, "minutes"),
            (profile.record_bytes, "bytes"),
        ];
        let delivered = [&[spikes][..], &records].concat();
        let scanned = [&[spikes, (QUERIES, "queries")][..], &records].concat();
        let invocations = [spikes, (INVOCATIONS, "invocations")];
        let seconds = [&invocations[..], &[(SECONDS, "s"), (MEMORY_GB, "GB")]].concat();
        let item = |what, factors: &[_], price| self.item(Part::Recorder, what, factors, price);
        let alarms = [(profile.gateways, "gateways"), (METRICS, "metrics")];
        let own_alarm = [(OWN_METRICS, "metrics")];
        let mut items = vec![
            item("alarms", &alarms, prices::ALARM_METRIC_MONTH),
            item("the recorder's own alarm", &own_alarm, prices::ALARM_METRIC_MONTH),
            item("records", &delivered, self.delivery.clone()),
        ];
        // The report asks a log group only.
        if self.delivery.what != prices::DELIVERY_S3.what {
            items.push(item("the report's queries", &scanned, prices::QUERIES));
        }
        items.extend([
            item(
                "state machine",
                &[spikes, (STATE_TRANSITIONS, "transitions")],
                prices::STATE_TRANSITION,
            ),
            item("Lambda, time", &seconds, prices::LAMBDA),
            item("Lambda, requests", &invocations, prices::LAMBDA_REQUEST),
        ]);
        items
    }
}

/// Writes what a month costs.
pub(crate) fn write(
    arguments: &CostArguments,
    profile: &Profile,
    region: Option<&str>,
    sink: &mut dyn RowSink,
) -> Result<(), Error> {
    let delivery = Destination::from(arguments.destination).price();
    let items = Estimate { profile, own: &arguments.price, delivery, region }.items();
    let is_table = arguments.output == OutputFormat::Table;
    let dollars = |dollars: f64| {
        if is_table { Cell::Words(words::money(dollars)) } else { Cell::Decimal(to_nano(dollars)) }
    };
    let heading = if is_table { "a month" } else { "dollars" };
    sink.start(&[
        Heading::new("part", ColumnType::Text),
        Heading::new("what", ColumnType::Text),
        Heading::new(heading, ColumnType::Number(64)),
        Heading::new("arithmetic", ColumnType::Text),
    ])?;
    for item in &items {
        sink.write(&[
            Cell::Text(item.part.name()),
            Cell::Text(item.what),
            dollars(item.dollars()),
            Cell::Words(item.arithmetic()),
        ])?;
    }
    let recorder = items.iter().filter(|item| item.part == Part::Recorder).map(Item::dollars).sum();
    sink.write_totals(&[
        Cell::Text(Part::Recorder.name()),
        Cell::Text("together"),
        dollars(recorder),
        Cell::Text(""),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_they_are_given() {
        for (number, text) in
            [(0.0, "0"), (1.5, "1.5"), (43_800.0, "43,800"), (0.125, "0.125"), (1234.5, "1,234.5")]
        {
            assert_eq!(plain(number), text);
        }
    }

    #[test]
    fn a_price_has_a_known_name_and_is_not_negative() {
        let own = OwnPrice { name: "s3", dollars: 0.3 };
        assert_eq!("s3=0.3".parse(), Ok(own));
        for text in ["s3", "s4=1", "s3=-1", "s3=NaN", "s3=1 dollar"] {
            let error = text.parse::<OwnPrice>().unwrap_err().to_string();
            assert!(error.contains(text) && error.contains("nat-processing"), "{error}");
        }
    }
}
