//! `natflow netflow`: records as NetFlow or IPFIX, to collectors.
//!
//! Every thread encodes what it has read; what it has finished is numbered and sent in one piece,
//! so that the numbers of the observation domain go on without a gap.

mod sending;
mod state;
mod told;

use std::sync::Mutex;

use export::netflow::{Counts, Encoder, Protocol, Settings, SettingsError, WANTED_FIELDS};
use flowlog::{Field, Format, LogStatus};

use crate::arguments::NetflowArguments;
use crate::column::{Column, Row};
use crate::error::Error;
use crate::inputs::Input;
use crate::parallel::{self, Taker};
use crate::progress::Progress;
use crate::reading::{Reading, Summary, Visitor};
use crate::selection::{Gateways, LeftOut, Legs};

use sending::Sending;
use state::State;
pub(crate) use told::{Told, notes, write};

/// As many finished datagrams are sent together.
const DATAGRAMS_AT_ONCE: usize = 64;

/// The legs that are sent: without a gateway, there are none, and each record is sent as it is.
#[must_use]
pub(crate) fn legs(arguments: &NetflowArguments) -> Legs {
    let is_gateway_known = !arguments.read.gateway.is_empty();
    let by_default = if is_gateway_known { Legs::Ends } else { Legs::All };
    arguments.legs.unwrap_or(by_default)
}

/// Whether records are read as a gateway's, which translates addresses.
#[must_use]
pub(crate) fn has_translations(arguments: &NetflowArguments) -> bool {
    legs(arguments) == Legs::Ends || !arguments.read.gateway.is_empty()
}

/// What must be in the records: NetFlow v5 can leave out nothing.
pub(crate) fn needed(arguments: &NetflowArguments) -> Vec<(Column, &'static str)> {
    const FIELDS: [Field; 4] = [Field::Bytes, Field::Packets, Field::Start, Field::End];
    let is_v5 = Protocol::from(arguments.protocol) == Protocol::V5;
    let fields = FIELDS.into_iter().filter(|_| is_v5);
    fields.map(|field| (Column::Field(field), "--protocol v5")).collect()
}

/// What is sent of it, as far as the records have it.
pub(crate) fn welcome() -> Vec<Field> {
    WANTED_FIELDS.to_vec()
}

/// How records become datagrams.
fn encoder(arguments: &NetflowArguments) -> Result<Encoder, Error> {
    let settings = Settings {
        domain: arguments.domain,
        most_bytes: arguments.mtu,
        enterprise: arguments.pen,
        ..Settings::new(arguments.protocol.into())
    };
    let mut encoder = Encoder::new(settings).map_err(|error| {
        let option = match error {
            SettingsError::Bytes { .. } => "--mtu",
            SettingsError::Enterprise(_) => "--pen",
            _ => "--domain",
        };
        Error::Refused(format!("{option}: {error}"))
    })?;
    encoder.set_time(sending::now());
    Ok(encoder)
}

/// Reads the inputs and sends what counts.
pub(crate) fn send(
    arguments: &NetflowArguments,
    reading: &Reading,
    inputs: &[Input],
    known: Gateways,
    progress: &Progress,
) -> Result<(Told, Summary), Error> {
    let encoder = encoder(arguments)?;
    let settings = *encoder.settings();
    let mut state = State::open(arguments.state.as_deref(), &settings)?;
    let sending = Mutex::new(Sending::start(arguments, state.next_sequence())?);
    let exporter = Exporter::new(arguments, encoder, &sending);
    let threads = parallel::threads(arguments.threads, &arguments.read, inputs);
    let read = export(exporter, threads, reading, inputs, known, progress);
    let mut sending = sending.into_inner().map_err(|_| failed_thread())?;
    sending.notice_refusals();
    // Numbers that were used are used, whether or not something failed later.
    state.save(sending.next_sequence())?;
    let (counts, summary) = read?;
    let gateways = summary.gateways.list().into_iter();
    let gateways = gateways.map(|(id, addresses)| (id.to_owned(), addresses.to_vec())).collect();
    let (read, left_out) = (summary.counts, summary.left_out);
    let told = Told { settings, counts, sending, read, left_out, gateways };
    Ok((told, summary))
}

fn failed_thread() -> Error {
    Error::Refused("a thread has failed".to_owned())
}

fn export(
    first: Exporter<'_>,
    threads: usize,
    reading: &Reading,
    inputs: &[Input],
    known: Gateways,
    progress: &Progress,
) -> Result<(Counts, Summary), Error> {
    let (mut exporters, mut summary) = if threads > 1 {
        parallel::read(reading, inputs, &known, progress, threads, || first.another())?
    } else {
        let mut exporter = first;
        let summary = reading.read(inputs, known, progress, &mut exporter)?;
        (vec![exporter], summary)
    };
    let mut counts = Counts::default();
    for exporter in &mut exporters {
        exporter.finish()?;
        counts.add(&exporter.encoder.counts());
        summary.left_out.add(exporter.left_out);
    }
    if let Some(exporter) = exporters.first_mut() {
        let before = exporter.encoder.counts();
        exporter.encoder.report(&counts);
        exporter.finish()?;
        let after = exporter.encoder.counts();
        counts.datagrams += after.datagrams - before.datagrams;
        counts.bytes += after.bytes - before.bytes;
    }
    Ok((counts, summary))
}

/// Encodes the rows of a thread.
struct Exporter<'e> {
    encoder: Encoder,
    sending: &'e Mutex<Sending>,
    legs: Legs,
    has_translations: bool,
    left_out: LeftOut,
    /// How often templates were repeated because it was time.
    template_rounds: u64,
    /// What went wrong since it could last be told.
    failure: Option<Error>,
}

impl Exporter<'_> {
    /// Another one, which has nothing yet.
    fn another(&self) -> Self {
        Self { encoder: self.encoder.clone(), failure: None, ..*self }
    }
}

impl<'e> Exporter<'e> {
    fn new(arguments: &NetflowArguments, encoder: Encoder, sending: &'e Mutex<Sending>) -> Self {
        Self {
            encoder,
            sending,
            legs: legs(arguments),
            has_translations: has_translations(arguments),
            left_out: LeftOut::default(),
            template_rounds: 0,
            failure: None,
        }
    }

    fn add(&mut self, row: &Row<'_>) {
        let leg = row.leg.filter(|_| self.has_translations);
        if self.legs == Legs::Ends && row.record.status() == LogStatus::Ok {
            match leg {
                Some(leg) if leg.names_both_ends() => {}
                Some(_) => return self.left_out.other_legs += 1,
                None => return self.left_out.no_connection += 1,
            }
        }
        self.encoder.add_record(&row.record, leg);
        if self.encoder.datagrams().count() >= DATAGRAMS_AT_ONCE && self.failure.is_none() {
            self.failure = self.send().err();
        }
    }

    /// Sends what is finished.
    fn send(&mut self) -> Result<(), Error> {
        let mut sending = self.sending.lock().map_err(|_| failed_thread())?;
        let rounds = sending.send(self.encoder.datagrams_mut())?;
        drop(sending);
        self.encoder.clear();
        self.encoder.set_time(sending::now());
        if rounds > self.template_rounds {
            self.template_rounds = rounds;
            self.encoder.repeat_templates();
        }
        Ok(())
    }

    /// Sends everything.
    fn finish(&mut self) -> Result<(), Error> {
        self.encoder.finish();
        self.send()
    }
}

impl Taker for Exporter<'_> {
    fn take(&mut self, row: &Row<'_>) {
        self.add(row);
    }

    fn end_piece(&mut self) -> Result<(), Error> {
        self.failure.take().map_or(Ok(()), Err)
    }
}

impl Visitor for Exporter<'_> {
    fn start(&mut self, _: &Format) -> Result<(), Error> {
        Ok(())
    }

    fn visit(&mut self, row: &Row<'_>) -> Result<(), Error> {
        self.add(row);
        self.end_piece()
    }
}
