//! What all records so far add up to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Page, SubnetCounts, Tally, WANTED_FIELDS};

/// The label of the subnets that have none of their own.
pub const OTHER: &str = "other";

/// What all records so far add up to. It serialises as it is, for checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// By subnet.
    pub subnets: BTreeMap<String, SubnetCounts>,
    /// Log events, or lines of files, that were counted, whatever they said.
    pub events: u64,
    /// Events that had been counted before.
    pub duplicates: u64,
    /// Records that say that nothing passed (NODATA).
    pub nodata: u64,
    /// Records that say that others were lost (SKIPDATA).
    pub skipdata: u64,
    /// Lines that are no record.
    pub bad_lines: u64,
    /// Records of the stream that cannot be unpacked.
    pub bad_payloads: u64,
    /// Records without a value that is counted by, by its field.
    pub lacking: BTreeMap<String, u64>,
}

type CountOfSubnet = fn(&SubnetCounts) -> u64;

/// Name, help, and what is counted.
const BY_SUBNET: [(&str, &str, CountOfSubnet); 6] = [
    (
        "flowlog_received_bytes",
        "Bytes to the subnet, let in or not, added when their record arrives.",
        |counts| counts.received_bytes,
    ),
    (
        "flowlog_received_packets",
        "Packets to the subnet, let in or not, added when their record arrives.",
        |counts| counts.received_packets,
    ),
    (
        "flowlog_sent_bytes",
        "Bytes from the subnet, let out or not, added when their record arrives.",
        |counts| counts.sent_bytes,
    ),
    (
        "flowlog_sent_packets",
        "Packets from the subnet, let out or not, added when their record arrives.",
        |counts| counts.sent_packets,
    ),
    (
        "flowlog_accepts",
        "Packets that were let through, by the subnet of the destination or else of the source.",
        |counts| counts.accepts,
    ),
    (
        "flowlog_denies",
        "Packets that were rejected, by the subnet of the destination or else of the source.",
        |counts| counts.denies,
    ),
];

impl Totals {
    /// Adds a tally. At most so many subnets have a label of their own, those that came first;
    /// the others share [`OTHER`].
    pub fn add(&mut self, tally: &Tally<'_>, most_subnets: usize) {
        for (label, counts) in tally.counted() {
            *self.of_subnet(label, most_subnets) += counts;
        }
        self.nodata += tally.nodata;
        self.skipdata += tally.skipdata;
        let lacking = WANTED_FIELDS.iter().zip(tally.lacking).filter(|(_, count)| *count > 0);
        for (field, count) in lacking {
            *self.lacking.entry(field.token().to_owned()).or_default() += count;
        }
    }

    fn of_subnet(&mut self, label: &str, most_subnets: usize) -> &mut SubnetCounts {
        let own = self.subnets.len() - usize::from(self.subnets.contains_key(OTHER));
        let has_own = own < most_subnets || self.subnets.contains_key(label);
        let label = if has_own { label } else { OTHER };
        self.subnets.entry(label.to_owned()).or_default()
    }

    /// Writes every counter.
    pub fn write(&self, page: &mut Page) {
        for (name, help, count) in BY_SUBNET {
            page.counter(name, help);
            for (label, counts) in &self.subnets {
                page.sample(&[("subnet", label)], count(counts));
            }
        }
        let alone = [
            ("flowlog_events", "Log events and lines that were read.", self.events),
            (
                "flowlog_duplicate_events",
                "Log events that had been counted before, and were not again.",
                self.duplicates,
            ),
            ("flowlog_nodata", "Records that say that nothing passed.", self.nodata),
            (
                "flowlog_skipdata",
                "Records that say that AWS lost others: the sums are too low.",
                self.skipdata,
            ),
            ("flowlog_bad_lines", "Lines that are no record.", self.bad_lines),
            (
                "flowlog_bad_payloads",
                "Records of the stream that are no log events and no lines.",
                self.bad_payloads,
            ),
        ];
        for (name, help, count) in alone {
            page.counter(name, help);
            page.sample(&[], count);
        }
        page.counter("flowlog_lacking_fields", "Records without a value that is counted by.");
        for (field, count) in &self.lacking {
            page.sample(&[("field", field)], *count);
        }
    }
}

#[cfg(test)]
mod tests {
    use flowlog::Parser;

    use super::*;
    use crate::prometheus::{Ends, Subnets};

    const RECORDS: &str = "\
srcaddr dstaddr packets bytes action flow-direction log-status
10.0.1.5 203.0.113.5 3 300 ACCEPT egress OK
203.0.113.5 10.0.1.5 4 400 ACCEPT ingress OK
10.0.1.5 10.0.2.5 5 500 ACCEPT egress OK
10.0.1.5 10.0.2.5 5 500 ACCEPT ingress OK
203.0.113.9 10.0.2.5 1 40 REJECT ingress OK
10.0.2.5 203.0.113.9 2 80 REJECT egress OK
2001:db8::1 2001:db9::1 7 700 ACCEPT egress OK
- - - - - - NODATA
- - - - - - SKIPDATA
10.0.1.5 203.0.113.5 - 9 ACCEPT - OK
";

    fn totals(ends: Ends, most_subnets: usize) -> Totals {
        let subnets = Subnets::parse("10.0.1.0/24 a\n10.0.2.0/24 b\n2001:db8::/64 c").unwrap();
        let mut tally = Tally::new(&subnets, ends);
        let mut parser = Parser::detect(RECORDS.as_bytes()).unwrap();
        let mut records = parser.records(RECORDS.as_bytes());
        while let Some(record) = records.next() {
            tally.add(&record.unwrap());
        }
        let mut totals = Totals::default();
        totals.add(&tally, most_subnets);
        totals
    }

    fn counts(values: [u64; 6]) -> SubnetCounts {
        let [received_bytes, sent_bytes, received_packets, sent_packets, accepts, denies] = values;
        SubnetCounts { received_bytes, sent_bytes, received_packets, sent_packets, accepts, denies }
    }

    #[test]
    fn both_ends_are_counted_whoever_has_logged_them() {
        let totals = totals(Ends::Both, 10);
        assert_eq!(totals.subnets["a"], counts([400, 1309, 4, 13, 7, 0]));
        assert_eq!(totals.subnets["b"], counts([1040, 80, 11, 2, 10, 3]));
        assert_eq!(totals.subnets["c"], counts([0, 700, 0, 7, 7, 0]));
        assert_eq!((totals.nodata, totals.skipdata), (1, 1));
        assert_eq!(totals.lacking, [("packets".to_owned(), 1)].into());
    }

    #[test]
    fn the_logged_end_is_counted_once() {
        let totals = totals(Ends::Logged, 10);
        assert_eq!(totals.subnets["a"], counts([400, 800, 4, 8, 12, 0]));
        assert_eq!(totals.subnets["b"], counts([540, 80, 6, 2, 5, 3]));
        let lacking = [("flow-direction".to_owned(), 1), ("packets".to_owned(), 1)];
        assert_eq!(totals.lacking, lacking.into());
    }

    #[test]
    fn subnets_beyond_the_bound_are_counted_together() {
        let mut totals = totals(Ends::Both, 1);
        assert_eq!(totals.subnets.keys().collect::<Vec<_>>(), ["a", OTHER]);
        assert_eq!(totals.subnets[OTHER], counts([1040, 780, 11, 9, 17, 3]));
        assert_eq!(totals.of_subnet("a", 1).sent_bytes, 1309);
        assert_eq!(totals.of_subnet("d", 1).sent_bytes, 780);
    }
}
