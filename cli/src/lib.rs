//! `natflow`: reads VPC flow logs from files, directories, standard input, S3 and CloudWatch Logs.
//!
//! [`run`] does what a command line asks for. Everything is streamed: memory grows with the
//! number of different keys that are added up, and with nothing else.

mod arguments;
mod aws;
mod chunk;
mod column;
mod condition;
mod cost;
mod error;
mod exporter;
mod inputs;
mod key;
mod listing;
mod mailed;
mod moment;
mod netflow;
mod notes;
mod output;
mod parallel;
mod parquet_rows;
mod progress;
mod query;
mod reading;
mod reporting;
mod selection;
mod size;
mod status;
mod tally;
mod top;

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use ::report::Report;
use ::report::cause::Cause;
use ::report::facts::Facts;
use clap::CommandFactory as _;
use flowlog::{Format, GatewayAddresses};
use jiff::Timestamp;

pub use arguments::Arguments;
pub use error::Error;

use arguments::{
    Account, Command, ConvertArguments, ConvertFormat, CostArguments, DecodeArguments,
    NetflowArguments, QueryArguments, ReadArguments, ReportArguments, ReportFormat,
    StatusArguments, SummaryFormat, TopArguments,
};
use aws::Span;
use column::{Column, Row};
use inputs::{Found, Input, STANDARD_INPUT};
use listing::{Listing, Manner};
use output::{Output, OutputFormat};
use progress::Progress;
use reading::{Reading, Summary, Visitor};
use selection::{GatewayName, Gateways, Legs, Selection, Statuses};

/// Does what the command line asks for; `now` is what spans in it count back from.
pub fn run(arguments: &Arguments, now: Timestamp) -> Result<(), Error> {
    let call = Call { account: &arguments.account, now };
    match &arguments.command {
        Command::Top(arguments) => top(arguments, call),
        Command::Decode(arguments) => decode(arguments, call),
        Command::Convert(arguments) => convert(arguments, call),
        Command::Query(arguments) => query(arguments, call),
        Command::Netflow(arguments) => netflow(arguments, call),
        Command::Exporter(arguments) => exporter::run(arguments, call.account),
        Command::Report(arguments) => report(arguments, call),
        Command::Cost(arguments) => cost(arguments, call),
        Command::Status(arguments) => status(arguments, call),
        Command::Completions { shell } => completions(*shell),
        Command::Man { dir } => man(dir.as_deref()),
    }
}

/// What holds for every command.
#[derive(Clone, Copy)]
struct Call<'c> {
    account: &'c Account,
    /// What spans count back from.
    now: Timestamp,
}

fn top(arguments: &TopArguments, call: Call<'_>) -> Result<(), Error> {
    let read = &arguments.read;
    let columns = top::columns(arguments);
    let mut asked: Vec<_> = columns.iter().map(|column| (column.clone(), "--by")).collect();
    asked.extend(arguments.metric.field().map(|field| (Column::Field(field), "--metric")));
    let mut selection = selection(read, call.now, arguments.legs, &columns);
    selection.action = arguments.action.action();
    selection.statuses = Statuses::OkOnly;
    let reading = reading(read, selection, Some(asked));
    let inputs = find_inputs(read, &read.inputs, call, &reading.selection)?;
    let progress = Progress::of(&inputs);
    let (mut tally, summary) = top::count(arguments, &reading, &inputs, &progress)?;
    drop(progress);
    let output = Output::new(read.target.as_deref());
    output.rows(arguments.output, read.color, |sink| top::write(arguments, &mut tally, sink))?;
    note(read, &summary, &reading.selection);
    Ok(())
}

fn decode(arguments: &DecodeArguments, call: Call<'_>) -> Result<(), Error> {
    let manner = match (arguments.output, arguments.bytes) {
        (_, true) => Manner::WordsUnrounded,
        (_, false) => Manner::Words,
    };
    let mut selection = selection(&arguments.read, call.now, arguments.legs, &arguments.fields);
    selection.statuses = Statuses::SkipDataOnly;
    list(&arguments.read, call, selection, &arguments.fields, manner, arguments.output)
}

fn convert(arguments: &ConvertArguments, call: Call<'_>) -> Result<(), Error> {
    let format = convert_format(arguments);
    let target = arguments.read.target.as_deref();
    if format == OutputFormat::Parquet && target.is_none() && io::stdout().is_terminal() {
        return Err(Error::Refused("Parquet is not for terminals: name a file with -o".to_owned()));
    }
    let selection = selection(&arguments.read, call.now, arguments.legs, &arguments.fields);
    list(&arguments.read, call, selection, &arguments.fields, Manner::Plain, format)
}

fn convert_format(arguments: &ConvertArguments) -> OutputFormat {
    let by_name = || match Output::new(arguments.read.target.as_deref()).extension()?.as_str() {
        "json" => Some(ConvertFormat::Json),
        "csv" => Some(ConvertFormat::Csv),
        "parquet" => Some(ConvertFormat::Parquet),
        _ => None,
    };
    arguments.output.or_else(by_name).unwrap_or(ConvertFormat::Jsonl).into()
}

fn query(arguments: &QueryArguments, call: Call<'_>) -> Result<(), Error> {
    let read = &arguments.read;
    let (text, named) = query::text_and_inputs(arguments)?;
    let query = query::parse(&text)?;
    let reading = reading(read, selection(read, call.now, arguments.legs, &[]), None);
    let inputs = find_inputs(read, &named, call, &reading.selection)?;
    let known = learn(read, &reading, &inputs)?;
    let progress = Progress::of(&inputs);
    let mut asking = query::Asking::new(&query);
    let summary = reading.read(&inputs, known, &progress, &mut asking)?;
    drop(progress);
    let table = asking.finish();
    let output = Output::new(read.target.as_deref());
    output.rows(arguments.output, read.color, |sink| query::write(&table, sink))?;
    note(read, &summary, &reading.selection);
    Ok(())
}

fn netflow(arguments: &NetflowArguments, call: Call<'_>) -> Result<(), Error> {
    let read = &arguments.read;
    // The exporter leaves legs out itself, after it has counted records without traffic.
    let selection = selection(read, call.now, Legs::All, &[]);
    let needs_flow = selection.needs_flow || netflow::has_translations(arguments);
    let selection = Selection { needs_flow, ..selection };
    let reading = reading(read, selection, Some(netflow::needed(arguments)));
    let reading = Reading { also: netflow::welcome(), ..reading };
    let inputs = find_inputs(read, &read.inputs, call, &reading.selection)?;
    let known = learn(read, &reading, &inputs)?;
    let progress = Progress::of(&inputs);
    let (told, summary) = netflow::send(arguments, &reading, &inputs, known, &progress)?;
    drop(progress);
    if arguments.output == SummaryFormat::Json {
        netflow::write(&told, &Output::new(read.target.as_deref()))?;
    }
    note(read, &summary, &reading.selection);
    for note in netflow::notes(&told) {
        say(read, &note);
    }
    told.failure().map_or(Ok(()), Err)
}

fn report(arguments: &ReportArguments, call: Call<'_>) -> Result<(), Error> {
    let read = &arguments.read;
    if let Some(stack) = &arguments.stack {
        let mailed = mailed::last(stack, arguments, call.account)?;
        if reporting::format(arguments, &Output::new(read.target.as_deref())) == ReportFormat::Html
        {
            let report = with_records(mailed::parsed(&mailed)?, read, call);
            reporting::write(&report, arguments)?;
        } else {
            mailed::write(&mailed, arguments)?;
        }
        say(read, &format!("as it was mailed by {}", mailed.execution));
        return Ok(());
    }
    let selection = Selection { needs_flow: true, ..selection(read, call.now, Legs::All, &[]) };
    let reading = reading(read, selection, Some(reporting::needed()));
    let reading = Reading { also: reporting::WELCOME.to_vec(), ..reading };
    let inputs = find_inputs(read, &read.inputs, call, &reading.selection)?;
    let region = call.account.region.as_deref();
    let (facts, summary) = reporting::facts(&reading, &inputs, region)?;
    reporting::write(&Report::new(facts), arguments)?;
    note(read, &summary, &reading.selection);
    Ok(())
}

/// A mailed report with what it lacks for a page, if its records can still be read.
fn with_records(mut report: Report, read: &ReadArguments, call: Call<'_>) -> Report {
    if report.timeline.is_some() || report.cause == Cause::NoTraffic {
        return report;
    }
    match facts_of_records(&report, call) {
        Ok(facts) => report.with_records(facts),
        Err(reason) => {
            let missing = format!("Bytes over time, by client: {reason}.");
            say(read, &missing);
            report.missing.push(missing);
            report
        }
    }
}

/// What the records of a mailed report say.
fn facts_of_records(report: &Report, call: Call<'_>) -> Result<Facts, String> {
    let at = report.recording.records.as_ref();
    let at = at.ok_or_else(|| "the report does not say where its records are".to_owned())?;
    let second = |moment: Timestamp| u64::try_from(moment.as_second()).unwrap_or_default();
    let gateways: Vec<GatewayName> =
        at.gateway.iter().filter_map(|name| name.parse().ok()).collect();
    let selection = Selection {
        since: Some(second(at.since)),
        until: Some(second(at.until) + 1),
        gateway_ids: ids(&gateways),
        gateway_addresses: addresses(&gateways),
        legs: Legs::All,
        needs_flow: true,
        ..Selection::default()
    };
    let reading = Reading {
        selection,
        columns: Some(reporting::needed()),
        also: reporting::WELCOME.to_vec(),
        ..Reading::default()
    };
    let span =
        Span { since: reading.selection.since, until: reading.selection.until, now: call.now };
    let found = inputs::find(&at.inputs, call.account, span).map_err(|error| error.to_string())?;
    if found.inputs.is_empty() {
        return Err(format!("there is nothing at {}", at.inputs.join(" and ")));
    }
    let facts = reporting::facts(&reading, &found.inputs, report.gateway.region.as_deref());
    facts.map(|(facts, _)| facts).map_err(|error| error.to_string())
}

fn ids(gateways: &[GatewayName]) -> Vec<Box<str>> {
    let id = |name: &GatewayName| match name {
        GatewayName::Id(id) => Some(id.clone()),
        GatewayName::Address(_) => None,
    };
    gateways.iter().filter_map(id).collect()
}

fn addresses(gateways: &[GatewayName]) -> GatewayAddresses {
    let address = |name: &GatewayName| match name {
        GatewayName::Id(_) => None,
        GatewayName::Address(address) => Some(*address),
    };
    gateways.iter().filter_map(address).collect()
}

fn cost(arguments: &CostArguments, call: Call<'_>) -> Result<(), Error> {
    let metered = cost::metered(arguments, call.account, call.now)?;
    let profile = cost::Profile::new(arguments, metered.as_ref());
    let region = metered.as_ref().and_then(|metered| metered.region.as_deref());
    let region = region.or(call.account.region.as_deref());
    let output = Output::new(arguments.target.as_deref());
    output.rows(arguments.output, arguments.color, |sink| {
        cost::write(arguments, &profile, region, sink)
    })?;
    if !arguments.quiet {
        // Nobody may be there to listen, which is no failure.
        let _ = writeln!(io::stderr(), "natflow: {}", ::report::prices::note(region));
    }
    Ok(())
}

fn status(arguments: &StatusArguments, call: Call<'_>) -> Result<(), Error> {
    let stack = status::find(arguments, call.account)?;
    let output = Output::new(arguments.target.as_deref());
    output.rows(arguments.output, arguments.color, |sink| {
        status::write(&stack, call.now, arguments.output, sink)
    })?;
    for note in &stack.notes {
        // Nobody may be there to listen, which is no failure.
        let _ = writeln!(io::stderr(), "natflow: {note}");
    }
    Ok(())
}

/// Writes every row that counts.
fn list(
    read: &ReadArguments,
    call: Call<'_>,
    selection: Selection,
    fields: &[Column],
    manner: Manner,
    format: OutputFormat,
) -> Result<(), Error> {
    // What is listed is checked: a wrong value must not pass as a text.
    let reading = reading(read, selection, None);
    let asked = fields.iter().map(|column| (column.clone(), "--fields")).collect();
    let reading = Reading { columns: None, asked, ..reading };
    let inputs = find_inputs(read, &read.inputs, call, &reading.selection)?;
    let known = learn(read, &reading, &inputs)?;
    let output = Output::new(read.target.as_deref());
    let progress = if read.target.is_some() || !io::stdout().is_terminal() {
        Progress::of(&inputs)
    } else {
        Progress::hidden()
    };
    let mut summary = Summary::default();
    output.rows(format, read.color, |sink| {
        let mut listing = Listing::new(sink, manner, fields.to_vec());
        summary = reading.read(&inputs, known, &progress, &mut listing)?;
        Ok(())
    })?;
    drop(progress);
    note(read, &summary, &reading.selection);
    Ok(())
}

/// Reads for the gateways' addresses alone: rows that are written cannot be taken back.
fn learn(read: &ReadArguments, reading: &Reading, inputs: &[Input]) -> Result<Gateways, Error> {
    struct Ignoring;
    impl Visitor for Ignoring {
        fn start(&mut self, _: &Format) -> Result<(), Error> {
            Ok(())
        }

        fn visit(&mut self, _: &Row<'_>) -> Result<(), Error> {
            Ok(())
        }
    }
    if !reading.selection.infers_addresses() || !inputs.iter().all(Input::can_be_read_again) {
        return Ok(Gateways::default());
    }
    if inputs.iter().any(Input::is_in_account) {
        let note = "everything is read twice, first for the gateways' addresses: name all of them \
                    with --gateway to save that";
        say(read, note);
    }
    let summary = reading.read(inputs, Gateways::default(), &Progress::hidden(), &mut Ignoring)?;
    let mut known = summary.gateways;
    known.forget_lateness();
    Ok(known)
}

fn selection(read: &ReadArguments, now: Timestamp, legs: Legs, columns: &[Column]) -> Selection {
    let condition = read.condition.clone();
    let in_condition = condition.iter().flat_map(|condition| condition.columns());
    let needs_flow =
        legs == Legs::Ends || columns.iter().chain(in_condition).any(Column::needs_flow);
    Selection {
        since: read.since.map(|moment| moment.unix_seconds(now)),
        until: read.until.map(|moment| moment.unix_seconds(now)),
        gateway_ids: ids(&read.gateway),
        gateway_addresses: addresses(&read.gateway),
        legs,
        needs_flow,
        condition,
        ..Selection::default()
    }
}

fn reading(
    read: &ReadArguments,
    selection: Selection,
    columns: Option<Vec<(Column, &'static str)>>,
) -> Reading {
    Reading {
        format: read.format.as_ref().map(|format| format.0.clone()),
        is_strict: read.strict,
        selection,
        columns,
        also: vec![],
        asked: vec![],
    }
}

fn find_inputs(
    read: &ReadArguments,
    named: &[String],
    call: Call<'_>,
    selection: &Selection,
) -> Result<Vec<Input>, Error> {
    let span = Span { since: selection.since, until: selection.until, now: call.now };
    if !named.is_empty() {
        let found = inputs::find(named, call.account, span)?;
        return all_found(read, found);
    }
    if io::stdin().is_terminal() {
        let hint = "name a file, a directory, s3://bucket/path, logs://log-group, or - for \
                    standard input";
        return Err(Error::Refused(hint.to_owned()));
    }
    Ok(inputs::find(&[STANDARD_INPUT.to_owned()], call.account, span)?.inputs)
}

/// One of several folders in S3 may have nothing yet; an object that was named must be there.
fn all_found(read: &ReadArguments, found: Found) -> Result<Vec<Input>, Error> {
    for name in found.nothing_at {
        let is_folder = name.ends_with(['/', '*']);
        let hint = if is_folder { "" } else { "; a `*` at its end stands for all that begin so" };
        let reason = format!("there is no object of this name, nor any below it{hint}");
        if found.inputs.is_empty() || !is_folder {
            return Err(Error::Unreadable { name, reason });
        }
        say(read, &format!("{name}: {reason}"));
    }
    Ok(found.inputs)
}

/// Writes a note. Nobody may be there to listen, which is no failure.
fn say(read: &ReadArguments, note: &str) {
    if !read.quiet {
        let _ = writeln!(io::stderr(), "natflow: {note}");
    }
}

/// Says what was read.
fn note(read: &ReadArguments, summary: &Summary, selection: &Selection) {
    for note in notes::notes(summary, selection) {
        say(read, &note);
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Error> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Arguments::command(), "natflow", &mut script);
    Output::new(None).bytes(|mut target| {
        let written = target.write_all(&script).and_then(|()| target.flush());
        written.map_err(|source| Error::Output { name: "standard output".to_owned(), source })
    })
}

fn man(dir: Option<&Path>) -> Result<(), Error> {
    if let Some(dir) = dir {
        let result = clap_mangen::generate_to(Arguments::command(), dir);
        let name = dir.display().to_string();
        return result.map_err(|source| Error::Output { name, source });
    }
    let mut page = vec![];
    let rendered = clap_mangen::Man::new(Arguments::command()).render(&mut page);
    Output::new(None).bytes(|mut target| {
        let written = rendered.and_then(|()| target.write_all(&page));
        let written = written.and_then(|()| target.flush());
        written.map_err(|source| Error::Output { name: "standard output".to_owned(), source })
    })
}
