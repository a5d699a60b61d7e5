//! The rows of queries as numbers.

use std::{collections::BTreeMap, net::IpAddr};

use jiff::Timestamp;
use report::metered::MeteredMinute;
use report::timeline::Step;
use report::traffic::{Bytes, Conversation, Count, Peer, Port, Ranking, Records, Totals, Traffic};

/// A row: values by their columns' names.
pub(super) type Row = BTreeMap<String, String>;

/// A number of a row. Logs Insights writes large ones either way.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sums of bytes are whole and not negative"
)]
fn number(row: &Row, column: &str) -> Option<u64> {
    let text = row.get(column)?;
    text.parse().ok().or_else(|| Some(text.parse::<f64>().ok()?.round() as u64))
}

fn sum(row: &Row, column: &str) -> u64 {
    number(row, column).unwrap_or(0)
}

fn bytes(row: &Row) -> Bytes {
    Bytes { upload_bytes: sum(row, "uploadBytes"), download_bytes: sum(row, "downloadBytes") }
}

fn address(row: &Row, column: &str) -> Option<IpAddr> {
    row.get(column)?.parse().ok()
}

fn service(row: &Row) -> Option<String> {
    row.get("peerService").filter(|service| !matches!(service.as_str(), "-" | "")).cloned()
}

fn peer(row: &Row) -> Option<Peer> {
    Some(Peer { address: address(row, "peer")?, service: service(row) })
}

fn port(row: &Row) -> Option<Port> {
    let number = u16::try_from(number(row, "peerPort").unwrap_or(0)).ok()?;
    Some(Port { number, transport: row.get("transport")?.clone() })
}

fn moment(row: &Row, column: &str) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(number(row, column)?).ok()?).ok()
}

/// The totals; no row at all means that there was nothing to add up.
pub(super) fn totals(rows: &[Row]) -> Totals {
    let nothing = Row::new();
    let row = rows.first().unwrap_or(&nothing);
    let about = |column| Count { number: sum(row, column), is_exact: false };
    Totals {
        bytes: bytes(row),
        packets: Some(sum(row, "totalPackets")),
        records: Some(sum(row, "records")),
        clients: about("clients"),
        peers: about("peers"),
    }
}

/// The conversations; a row without addresses is none.
pub(super) fn conversations(rows: &[Row]) -> Vec<Conversation> {
    let conversation = |row: &Row| {
        Some(Conversation {
            client: address(row, "client")?,
            peer: peer(row)?,
            port: port(row)?,
            bytes: bytes(row),
        })
    };
    rows.iter().filter_map(conversation).collect()
}

/// Everything from the questions that are put one by one.
pub(super) struct Rankings<'a> {
    pub(super) totals: Option<Totals>,
    pub(super) clients: Option<&'a [Row]>,
    pub(super) peers: Option<&'a [Row]>,
    pub(super) pairs: Option<&'a [Row]>,
    pub(super) ports: Option<&'a [Row]>,
    pub(super) services: Option<&'a [Row]>,
}

impl Rankings<'_> {
    /// Whether any question was answered.
    pub(super) fn is_anything(&self) -> bool {
        let rankings = [self.clients, self.peers, self.pairs, self.ports, self.services];
        self.totals.is_some() || rankings.iter().any(Option::is_some)
    }

    pub(super) fn traffic(&self) -> Traffic {
        let pair = |row: &Row| Some((address(row, "client")?, peer(row)?));
        Traffic {
            totals: self.totals,
            clients: self.clients.map(|rows| {
                ranking(
                    rows,
                    |row| address(row, "client"),
                    self.totals.map(|totals| totals.clients),
                )
            }),
            peers: self
                .peers
                .map(|rows| ranking(rows, peer, self.totals.map(|totals| totals.peers))),
            pairs: self.pairs.map(|rows| ranking(rows, pair, None)),
            ports: self.ports.map(|rows| ranking(rows, port, None)),
            services: self.services.map(|rows| ranking(rows, |row| Some(service(row)), None)),
        }
    }
}

fn ranking<K: Ord + Clone>(
    rows: &[Row],
    key: impl Fn(&Row) -> Option<K>,
    count: Option<Count>,
) -> Ranking<K> {
    let rows = rows.iter().filter_map(|row| Some((key(row)?, bytes(row)))).collect();
    Ranking::new(rows, count)
}

/// How many records there are of each kind.
pub(super) fn records(rows: &[Row]) -> Records {
    let mut records = Records::default();
    for row in rows {
        let number = sum(row, "records");
        let value = |column: &str| row.get(column).map(String::as_str);
        records.all += number;
        match (value("logStatus"), value("action")) {
            (Some("NODATA"), _) => records.no_data += number,
            (Some("SKIPDATA"), _) => records.skipped += number,
            (_, Some("REJECT")) => {
                records.rejected += number;
                records.rejected_bytes += sum(row, "totalBytes");
            }
            _ => {}
        }
        records.last_end = records.last_end.max(moment(row, "lastEnd"));
    }
    records
}

/// When a bin begins: `2026-11-21 05:00:00.000`, in UTC.
fn bin(row: &Row, column: &str) -> Option<Timestamp> {
    (row.get(column)?.replace(' ', "T") + "Z").parse().ok()
}

/// The steps of a timeline of so many clients; a row without its time is none.
pub(super) fn steps(rows: &[Row], clients: usize) -> Vec<Step> {
    let step = |row: &Row| {
        let own = (0..clients).map(|client| sum(row, &format!("bytes{client}")));
        Some(Step {
            at: bin(row, "at")?,
            total_bytes: sum(row, "totalBytes"),
            client_bytes: own.collect(),
        })
    };
    rows.iter().filter_map(step).collect()
}

/// The minutes; a row without its time is none.
pub(super) fn minutes(rows: &[Row]) -> Vec<MeteredMinute> {
    let minute = |row: &Row| {
        Some(MeteredMinute {
            at: bin(row, "minute")?,
            upload_bytes: sum(row, "uploadBytes"),
            download_bytes: sum(row, "downloadBytes"),
            ..MeteredMinute::default()
        })
    };
    rows.iter().filter_map(minute).collect()
}
