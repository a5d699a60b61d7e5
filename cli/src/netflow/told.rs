//! What is told of a run.

use std::net::IpAddr;

use export::netflow::{Counts, Protocol, Settings};
use serde_json::{Map, Value, json};

use super::sending::Sending;
use crate::error::Error;
use crate::notes::count_of;
use crate::output::Output;
use crate::reporting::write_text;
use crate::selection::LeftOut;
use crate::size::size;

/// What became of the records, and who got them.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) settings: Settings,
    pub(crate) counts: Counts,
    pub(crate) sending: Sending,
    /// What the lines were.
    pub(crate) read: flowlog::Counts,
    pub(crate) left_out: LeftOut,
    /// The gateways whose addresses were inferred.
    pub(crate) gateways: Vec<(String, Vec<IpAddr>)>,
}

impl Told {
    /// Collectors that nobody listens behind: what was sent to them is lost.
    pub(crate) fn failure(&self) -> Option<Error> {
        let refused: Vec<_> = self
            .sending
            .collectors()
            .filter(|(_, refused)| *refused > 0)
            .map(|(name, refused)| format!("{name} (said {})", count_of(refused, "time")))
            .collect();
        let message = || format!("nobody listens at {}: records were lost", refused.join(", "));
        (!refused.is_empty()).then(|| Error::Refused(message()))
    }
}

/// The sentences for standard error.
pub(crate) fn notes(told: &Told) -> Vec<String> {
    let counts = &told.counts;
    let names: Vec<_> = told.sending.collectors().map(|(name, _)| name).collect();
    let mut notes = vec![format!(
        "{} sent as {} of {} in {} ({}) to {} in {:.1} s",
        count_of(counts.records, "record"),
        count_of(counts.flow_records, "flow record"),
        told.settings.protocol,
        count_of(counts.datagrams, "datagram"),
        size(counts.bytes),
        names.join(" and "),
        told.sending.elapsed().as_secs_f64(),
    )];
    let lacking = counts.lacking().map(|(field, count)| {
        let how = match told.settings.protocol {
            Protocol::V5 => "which is 0 there",
            _ => "which is left out",
        };
        format!("{} without {field}, {how}", count_of(count, "record"))
    });
    notes.extend(lacking);
    if counts.unknown_gateway > 0 {
        notes.push(format!(
            "{} of a gateway without its address: the translation is left out",
            count_of(counts.unknown_gateway, "record")
        ));
    }
    if counts.unmarked_rejects > 0 {
        notes.push(format!(
            "warning: {} of rejected traffic, which NetFlow v5 cannot say (--where 'action = \
             ACCEPT' leaves them out)",
            count_of(counts.unmarked_rejects, "record")
        ));
    }
    let unexportable = counts.unexportable().map(|(reason, count)| {
        format!("warning: {} not exported: {reason}", count_of(count, "record"))
    });
    notes.extend(unexportable);
    notes
}

/// Writes the summary as JSON.
pub(crate) fn write(told: &Told, output: &Output) -> Result<(), Error> {
    write_text(&(json(told).to_string() + "\n"), output)
}

fn json(told: &Told) -> Value {
    let counts = &told.counts;
    let collectors: Vec<_> = told
        .sending
        .collectors()
        .map(|(name, refused)| json!({"name": name, "refused": refused}))
        .collect();
    let lacking: Map<_, _> =
        counts.lacking().map(|(field, count)| (field.token().to_owned(), count.into())).collect();
    let unexportable: Map<_, _> =
        counts.unexportable().map(|(reason, count)| (reason.to_string(), count.into())).collect();
    let gateways: Map<_, _> =
        told.gateways.iter().map(|(id, addresses)| (id.clone(), json!(addresses))).collect();
    json!({
        "protocol": told.settings.protocol.name(),
        "domain": told.settings.domain,
        "collectors": collectors,
        "records_read": told.read.read,
        "bad_lines": told.read.bad,
        "nodata": counts.empty,
        "skipdata": counts.skipped,
        "records": counts.records,
        "flow_records": counts.flow_records,
        "datagrams": counts.datagrams,
        "bytes": counts.bytes,
        "left_out": {
            "other_legs": told.left_out.other_legs,
            "no_connection": told.left_out.no_connection,
        },
        "lacking": lacking,
        "not_exported": unexportable,
        "without_gateway_address": counts.unknown_gateway,
        "unmarked_rejects": counts.unmarked_rejects,
        "inferred_gateways": gateways,
        "next_sequence": told.sending.next_sequence(),
        "seconds": told.sending.elapsed().as_secs_f64(),
    })
}
