//! `natflow report`: who caused a spike, by the records alone.
//!
//! It is the report that the recorder mails, from the same crate. What only an account knows is
//! left out, and a sentence says so.

mod sums;

use std::io::Write as _;

use ::report::Report;
use ::report::facts::{Facts, Gateway, Recording};
use ::report::traffic::Records;
use flowlog::Field;

use crate::arguments::{ReportArguments, ReportFormat};
use crate::column::Column;
use crate::error::Error;
use crate::inputs::Input;
use crate::output::Output;
use crate::progress::Progress;
use crate::reading::{Reading, Summary};
use crate::selection::Gateways;
use sums::Sums;

/// More gateways or inputs than this are counted, not named.
const MOST_NAMES: usize = 2;

const NOT_IN_RECORDS: &str = "What no record says: what CloudWatch metered, who is behind the \
    clients' addresses, and which endpoints the VPC has.";

/// What must be in the records.
pub(crate) fn needed() -> Vec<(Column, &'static str)> {
    vec![(Column::Field(Field::Bytes), "report")]
}

/// Without these, a report only says less.
pub(crate) const WELCOME: [Field; 15] = [
    Field::Packets,
    Field::Start,
    Field::End,
    Field::Action,
    Field::LogStatus,
    Field::Protocol,
    Field::SrcPort,
    Field::DstPort,
    Field::PktSrcAwsService,
    Field::PktDstAwsService,
    Field::InterfaceId,
    Field::ResourceId,
    Field::VpcId,
    Field::Region,
    Field::AccountId,
];

/// Reads the inputs, for what a report says of them.
pub(crate) fn facts(
    reading: &Reading,
    inputs: &[Input],
    region: Option<&str>,
) -> Result<(Facts, Summary), Error> {
    let (sums, summary) = add_up(reading, inputs)?;
    let window = sums.window();
    let facts = Facts {
        recording: Recording {
            from: window.map(|(from, _)| from),
            to: window.map(|(_, to)| to),
            place: Some(listed(inputs.iter().map(|input| input.name.as_str()), "inputs")),
            ..Recording::default()
        },
        traffic: Some(sums.traffic()),
        minutes: Some(sums.minutes()),
        timeline: sums.timeline(),
        // An empty input is no recording whose records are late.
        records: (sums.records.all > 0)
            .then_some(Records { last_end: window.map(|(_, to)| to), ..sums.records }),
        missing: vec![NOT_IN_RECORDS.to_owned()],
        gateway: gateway(sums, region),
        ..Facts::default()
    };
    Ok((facts, summary))
}

/// A gateway's address can show late: then what was read before is read again.
fn add_up(reading: &Reading, inputs: &[Input]) -> Result<(Sums, Summary), Error> {
    let read = |known, progress: &Progress| {
        let mut sums = Sums::default();
        let summary = reading.read(inputs, known, progress, &mut sums)?;
        Ok((sums, summary))
    };
    let (sums, summary) = read(Gateways::default(), &Progress::of(inputs))?;
    if summary.gateways.were_late() && inputs.iter().all(Input::can_be_read_again) {
        let mut known = summary.gateways;
        known.forget_lateness();
        return read(known, &Progress::hidden());
    }
    Ok((sums, summary))
}

fn gateway(sums: Sums, region: Option<&str>) -> Gateway {
    let ids = sums.gateways;
    Gateway {
        is_regional: !ids.is_empty() && ids.iter().all(|id| id.starts_with("nat-")),
        nat_gateway_id: listed(ids.iter().map(String::as_str), "gateways"),
        vpc_id: sums.place.vpc_id,
        region: sums.place.region.or_else(|| region.map(str::to_owned)),
        account_id: sums.place.account_id,
        name: None,
    }
}

/// `a`, `a and b`, `7 gateways`
fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>, what: &str) -> String {
    match names.len() {
        0 => "unknown".to_owned(),
        count if count > MOST_NAMES => format!("{count} {what}"),
        _ => names.collect::<Vec<_>>().join(" and "),
    }
}

/// Writes the report.
pub(crate) fn write(report: &Report, arguments: &ReportArguments) -> Result<(), Error> {
    let output = Output::new(arguments.read.target.as_deref());
    let text = match format(arguments, &output) {
        ReportFormat::Text => report.email().body,
        ReportFormat::Json => report.json(usize::MAX) + "\n",
        ReportFormat::Html => report.page(),
    };
    write_text(&text, &output)
}

/// Writes what is ready.
pub(crate) fn write_text(text: &str, output: &Output) -> Result<(), Error> {
    output.bytes(|mut target| {
        let written = target.write_all(text.as_bytes()).and_then(|()| target.flush());
        written.map_err(Error::output(&output.name()))
    })
}

/// What the command line or the target's name asks for.
pub(crate) fn format(arguments: &ReportArguments, output: &Output) -> ReportFormat {
    if arguments.html {
        return ReportFormat::Html;
    }
    let by_name = || match output.extension()?.as_str() {
        "json" => Some(ReportFormat::Json),
        "html" | "htm" => Some(ReportFormat::Html),
        _ => None,
    };
    arguments.output.or_else(by_name).unwrap_or(ReportFormat::Text)
}
