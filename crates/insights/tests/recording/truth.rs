//! What a recording adds up to, worked out from its exchanges alone.

use std::collections::{BTreeMap, BTreeSet};

use super::Exchange;

/// What some exchanges add up to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) upload: u64,
    pub(crate) download: u64,
    pub(crate) packets: u64,
    pub(crate) records: u64,
    pub(crate) clients: BTreeSet<String>,
    pub(crate) peers: BTreeSet<String>,
    pub(crate) first: Option<u64>,
    pub(crate) last: Option<u64>,
}

impl Totals {
    fn add(&mut self, exchange: &Exchange) {
        self.upload += exchange.upload_bytes;
        self.download += exchange.download_bytes;
        self.packets += exchange.upload_packets + exchange.download_packets;
        self.records += 2;
        self.clients.insert(exchange.client.clone());
        self.peers.insert(exchange.peer.clone());
        self.first = Some(self.first.map_or(exchange.start, |first| first.min(exchange.start)));
        self.last = self.last.max(Some(exchange.start));
    }

    /// The columns that every query about connections has.
    pub(crate) fn columns(&self) -> Vec<String> {
        let total = self.upload + self.download;
        [total, self.upload, self.download, self.packets, self.records]
            .map(|number| number.to_string())
            .to_vec()
    }
}

/// The truth by a key, the most bytes first.
pub(crate) fn truth(
    exchanges: &[Exchange],
    key_of: impl Fn(&Exchange) -> Option<Vec<String>>,
) -> Vec<(Vec<String>, Totals)> {
    let mut totals: BTreeMap<Vec<String>, Totals> = BTreeMap::new();
    for exchange in exchanges {
        if let Some(key) = key_of(exchange) {
            totals.entry(key).or_default().add(exchange);
        }
    }
    let mut totals: Vec<_> = totals.into_iter().collect();
    totals.sort_by_key(|(_, totals)| std::cmp::Reverse(totals.upload + totals.download));
    totals
}

/// Rows as a query answers them: the key, the common columns, and further ones.
pub(crate) fn expected(
    truth: Vec<(Vec<String>, Totals)>,
    further: impl Fn(&Totals) -> Vec<String>,
) -> Vec<Vec<String>> {
    let row =
        |(key, totals): (Vec<String>, Totals)| [key, totals.columns(), further(&totals)].concat();
    truth.into_iter().map(row).collect()
}

pub(crate) fn none(_: &Totals) -> Vec<String> {
    vec![]
}

pub(crate) fn key(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The protocol's name, as the queries write it.
pub(crate) fn transport(protocol: u64) -> &'static str {
    match protocol {
        1 => "ICMP",
        6 => "TCP",
        _ => "UDP",
    }
}
