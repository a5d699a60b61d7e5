//! The report as an e-mail: the answer first, then what it rests on, then where to look further.

use jiff::{SignedDuration, Timestamp};

use crate::answer::number;
use crate::email::{Email, Sheet, cut};
use crate::metered::MeteredMinute;
use crate::report::{Client, List, NamedPeer, NamedPort, Others, Pair, Peak, Report, Row, Service};
use crate::traffic::Totals;
use crate::words::{self, about, clock, duration, moment, money, share, size};

/// How long a bar is that stands for everything.
const BAR: usize = 10;

/// A longer name is cut to what fits in a line; the JSON has all of it.
const NAME_CHARACTERS: usize = 42;

/// How many lines the minutes have at most.
const MINUTE_LINES: usize = 20;

impl Report {
    /// The report as an e-mail.
    #[must_use]
    pub fn email(&self) -> Email {
        let mut sheet = Sheet::new(&self.answer());
        self.add_warnings(&mut sheet);
        self.add_recording(&mut sheet);
        self.add_traffic(&mut sheet);
        self.add_costs(&mut sheet);
        self.add_lists(&mut sheet);
        self.add_advice(&mut sheet);
        self.add_minutes(&mut sheet);
        self.add_notes(&mut sheet);
        for link in &self.links {
            sheet.link(&link.label, &link.text);
        }
        sheet.email(&self.subject())
    }

    fn add_warnings(&self, sheet: &mut Sheet) {
        for warning in &self.warnings {
            sheet.add("Warning", warning);
        }
        for missing in &self.missing {
            sheet.add("Missing", missing);
        }
        if !self.warnings.is_empty() || !self.missing.is_empty() {
            sheet.blank();
        }
    }

    fn add_recording(&self, sheet: &mut Sheet) {
        let recording = &self.recording;
        let vpc = self.gateway.vpc_id.as_ref().map(|vpc| format!(" in {vpc}"));
        let regional = if self.gateway.is_regional { ", a regional NAT gateway" } else { "" };
        let gateway = cut(&self.gateway.words(), NAME_CHARACTERS * 2);
        sheet.add("Gateway", &format!("{gateway}{}{regional}", vpc.unwrap_or_default()));
        let facts = [
            ("Why it started", &recording.why_started),
            ("Why it stopped", &recording.why_stopped),
        ];
        for (label, fact) in facts {
            if let Some(fact) = fact {
                sheet.add(label, fact);
            }
        }
        if let (Some(from), Some(to)) = (recording.from, recording.to) {
            let length = duration(to.duration_since(from));
            sheet.add("Recorded", &format!("{} to {}: {length}", moment(from), moment(to)));
        }
        for flow_log in &recording.flow_logs {
            sheet.add("Flow log", flow_log);
        }
        let rest = [("Records", &recording.place), ("Stack", &recording.stack)];
        for (label, fact) in rest {
            if let Some(fact) = fact {
                sheet.add(label, fact);
            }
        }
        if let Some(quota) = &recording.quota {
            sheet.add("Quota", quota);
        }
    }

    fn add_traffic(&self, sheet: &mut Sheet) {
        let facts = [
            ("Traffic", self.recorded.as_ref().map(totals_words)),
            ("CloudWatch", self.metered_words()),
            ("Peak", self.peak.as_ref().map(peak_words)),
        ];
        for (label, fact) in facts {
            if let Some(fact) = fact {
                sheet.add(label, &fact);
            }
        }
    }

    /// What CloudWatch metered, and how much of it the records explain.
    pub(crate) fn metered_words(&self) -> Option<String> {
        let metered = self.metered.as_ref()?;
        let explained = self.recorded.map(|recorded| {
            let during = metered.during_recording.total();
            format!(
                "; the records explain {} of the {} during the recording",
                share(recorded.bytes.total(), during),
                size(during)
            )
        });
        Some(format!(
            "metered {} up and {} down from {} to {} UTC{}",
            size(metered.bytes.upload_bytes),
            size(metered.bytes.download_bytes),
            clock(metered.from),
            clock(metered.to),
            explained.unwrap_or_default()
        ))
    }

    /// What the spike's data processing costs.
    pub(crate) fn spike_words(&self) -> Option<String> {
        let processing = self.costs.nat_processing.as_ref()?;
        let whose = if processing.is_metered { "metered" } else { "recorded" };
        Some(format!(
            "{} of NAT data processing, for the {} {whose} at {}",
            about(processing.dollars),
            size(processing.bytes),
            processing.price.words()
        ))
    }

    fn add_costs(&self, sheet: &mut Sheet) {
        let costs = &self.costs;
        if let Some(spike) = self.spike_words() {
            sheet.add("The spike cost", &spike);
        }
        if let (Some(all), Some(delivery)) = (costs.recording_dollars, costs.delivery_dollars) {
            sheet.add(
                "The recording",
                &format!(
                    "cost {}: delivery of the records {}, queries {} ({} scanned), state machine \
                     {}",
                    about(all),
                    money(delivery),
                    money(costs.queries_dollars),
                    size(costs.scanned_bytes),
                    money(costs.state_machine_dollars)
                ),
            );
        }
    }

    fn add_lists(&self, sheet: &mut Sheet) {
        add_list(sheet, "Top clients", "Client", self.clients.as_ref(), client_words, "client");
        add_list(sheet, "Top peers", "Peer", self.peers.as_ref(), peer_words, "peer");
        add_list(sheet, "Top pairs", "Client and peer", self.pairs.as_ref(), pair_words, "pair");
        add_list(sheet, "Ports of the peers", "Port", self.ports.as_ref(), port_words, "port");
        if !self.advice.is_empty() {
            let services = self.services.as_ref();
            add_list(sheet, "AWS services", "Service", services, service_words, "service");
        }
    }

    fn add_advice(&self, sheet: &mut Sheet) {
        if self.advice.is_empty() {
            return;
        }
        sheet.heading("What an endpoint would carry");
        for advice in &self.advice {
            sheet.add(&cut(&advice.service, crate::email::LABEL_WIDTH - 1), &advice.words());
        }
    }

    fn add_minutes(&self, sheet: &mut Sheet) {
        let Some(metered) = &self.metered else { return };
        let lines = in_lines(&metered.minutes);
        let most = lines.iter().map(|line| line.bytes).max().unwrap_or(0);
        if most == 0 {
            return;
        }
        let each = if lines.len() == metered.minutes.len() {
            "Each minute".to_owned()
        } else {
            format!("Every {} minutes", per_line(metered.minutes.len()))
        };
        sheet.heading(&format!("{each}, as CloudWatch metered it (UTC)"));
        for line in lines {
            let start = format!("  {}  {:>8}  ", clock(line.at), size(line.bytes));
            let marks = bar(line.bytes, most, BAR * 4);
            sheet.beside(&start, &format!("{marks}{}", self.when(line.at)));
        }
    }

    /// Marks the minutes in which the recording began and ended.
    fn when(&self, at: Timestamp) -> &'static str {
        let is_in = |moment: Option<Timestamp>| {
            let next = at.saturating_add(SignedDuration::from_mins(1)).unwrap_or(at);
            moment.is_some_and(|moment| at <= moment && moment < next)
        };
        match (is_in(self.recording.from), is_in(self.recording.to)) {
            (true, true) => " recorded",
            (true, false) => " recording begins",
            (false, true) => " recording ends",
            (false, false) => "",
        }
    }

    fn add_notes(&self, sheet: &mut Sheet) {
        sheet.blank();
        sheet.paragraph(&format!(
            "{} 1 GB is 10^9 bytes. Data transfer to the internet is billed beside these.",
            self.costs.note
        ));
    }
}

/// Upload, download, and how many exchanged them.
pub(crate) fn totals_words(totals: &Totals) -> String {
    let records =
        totals.records.map(|records| format!(", in {}", words::counted(records, "record")));
    format!(
        "{} up, {} down: {}, {}{}",
        size(totals.bytes.upload_bytes),
        size(totals.bytes.download_bytes),
        number(totals.clients, "client"),
        number(totals.peers, "peer"),
        records.unwrap_or_default()
    )
}

/// The busiest minute.
pub(crate) fn peak_words(peak: &Peak) -> String {
    let source = if peak.is_from_records { "by the records" } else { "by CloudWatch" };
    let bytes = size(peak.bytes.total());
    format!("{bytes} in the minute of {}, {source}", moment(peak.at))
}

fn add_list<T>(
    sheet: &mut Sheet,
    heading: &str,
    column: &str,
    list: Option<&List<T>>,
    words_of: impl Fn(&T) -> String,
    one: &str,
) {
    let Some(list) = list.filter(|list| !list.rows.is_empty()) else { return };
    let all = list.total_bytes();
    sheet.heading(heading);
    let blank = " ".repeat(BAR);
    sheet.beside(&format!("     Bytes  Share  {blank}   Down  "), column);
    for Row { what, bytes, total_bytes, .. } in &list.rows {
        let start = start(*total_bytes, all, bytes.download_bytes);
        sheet.beside(&start, &words_of(what));
    }
    if let Some(others) = &list.others {
        let total = others.bytes.total();
        let start = start(total, all, others.bytes.download_bytes);
        sheet.beside(&start, &others_words(others, one));
    }
}

/// The columns of numbers: bytes, share, bar, and how much of them was downloaded.
fn start(total: u64, all: u64, download: u64) -> String {
    format!(
        "  {:>8}  {:>5}  {:<BAR$}  {:>5}  ",
        size(total),
        share(total, all),
        bar(total, all, BAR),
        share(download, total)
    )
}

/// A bar of text; what is not nothing has a mark.
fn bar(part: u64, whole: u64, length: usize) -> String {
    if part == 0 || whole == 0 {
        return String::new();
    }
    let tenths = words::percent(part, whole) * words::length(length) + 50;
    "#".repeat(usize::try_from(tenths / 100).unwrap_or(length).clamp(1, length))
}

pub(crate) fn others_words(others: &Others, one: &str) -> String {
    match others.count {
        Some(count) if count.number > 0 => number(count, &format!("more {one}")),
        _ => "others".to_owned(),
    }
}

pub(crate) fn client_words(client: &Client) -> String {
    match &client.owner {
        Some(owner) => format!("{} {}", client.client, cut(&owner.words(), NAME_CHARACTERS)),
        None => client.client.to_string(),
    }
}

pub(crate) fn peer_words(peer: &NamedPeer) -> String {
    let parts = [Some(peer.peer.to_string()), peer.service.clone(), peer.region.clone()];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

pub(crate) fn pair_words(pair: &Pair) -> String {
    format!("{} with {}", client_words(&pair.client), peer_words(&pair.peer))
}

pub(crate) fn port_words(port: &NamedPort) -> String {
    match port.port {
        0 => port.transport.clone(),
        number => format!("{} {number}", port.transport),
    }
}

pub(crate) fn service_words(service: &Service) -> String {
    service.service.clone().unwrap_or_else(|| "none: other addresses".to_owned())
}

/// Bytes of a line of the minutes.
struct Line {
    at: Timestamp,
    bytes: u64,
}

fn per_line(minutes: usize) -> usize {
    minutes.div_ceil(MINUTE_LINES).max(1)
}

/// The minutes, several in a line when there are many: then a line is their sum.
fn in_lines(minutes: &[MeteredMinute]) -> Vec<Line> {
    let lines = minutes.chunks(per_line(minutes.len())).filter_map(|minutes| {
        let at = minutes.first()?.at;
        Some(Line { at, bytes: minutes.iter().map(MeteredMinute::total_bytes).sum() })
    });
    lines.collect()
}
