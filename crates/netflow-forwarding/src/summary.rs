//! What is told of an invocation.

use std::fmt::Display;

use export::netflow::Counts;
use tracing::info;

/// What became of the objects of an invocation, and of their records.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Objects that were sent, to their last record.
    pub objects: u64,
    /// Objects that failed.
    pub failed_objects: u64,
    /// Objects that were deleted.
    pub deleted_objects: u64,
    /// What the lines were.
    pub read: flowlog::Counts,
    /// What became of the records.
    pub sent: Counts,
    /// Records of the legs that name one end only.
    pub other_legs: u64,
    /// Records that are no part of a connection through a gateway.
    pub no_connection: u64,
}

impl Summary {
    pub(crate) const fn add_read(&mut self, read: flowlog::Counts) {
        self.read.read += read.read;
        self.read.empty += read.empty;
        self.read.skipped += read.skipped;
        self.read.bad += read.bad;
    }

    /// Writes the line of the log.
    pub(crate) fn log(&self, seconds: f64) {
        let sent = &self.sent;
        info!(
            objects = self.objects,
            failedObjects = self.failed_objects,
            deletedObjects = self.deleted_objects,
            records = self.read.read,
            badLines = self.read.bad,
            noData = self.read.empty,
            skipData = self.read.skipped,
            exported = sent.records,
            flowRecords = sent.flow_records,
            datagrams = sent.datagrams,
            bytes = sent.bytes,
            otherLegs = self.other_legs,
            noConnection = self.no_connection,
            withoutGatewayAddress = sent.unknown_gateway,
            unmarkedRejects = sent.unmarked_rejects,
            notExportable = listed(sent.unexportable()),
            missingFields = listed(sent.lacking()),
            seconds,
            "sent"
        );
    }
}

/// Reasons with their counts: `no bytes: 3, no packets: 3`.
fn listed<T: Display>(counts: impl Iterator<Item = (T, u64)>) -> String {
    counts.map(|(what, count)| format!("{what}: {count}")).collect::<Vec<_>>().join(", ")
}
