//! The answer in a few sentences: who, how much, and what it cost.

use std::net::IpAddr;

use crate::cause::{Cause, Counterpart};
use crate::email::{SUBJECT_CHARACTERS, cut, lines};
use crate::endpoint::Carrier;
use crate::interface::Owner;
use crate::report::Report;
use crate::traffic::{Bytes, Count};
use crate::words;

/// A name longer than this is cut in a sentence; the lists have all of it.
const NAME_CHARACTERS: usize = 40;

/// If the answer does not fit otherwise, names are cut to this.
const SHORTEST_NAME: usize = 12;

/// `nat-0123456789abcdef0 (…`: what is before a gateway's name.
const GATEWAY_ID: usize = 24;

/// A reader with two minutes reads so many lines.
const LINES: usize = 5;

/// What most of some bytes did.
#[derive(Clone, Copy)]
struct Verb {
    past: &'static str,
    present: &'static str,
    /// What stands before the counterpart.
    preposition: &'static str,
}

impl Bytes {
    /// At least four fifths decide about the direction.
    fn verb(self) -> Verb {
        let is_most = |part: u64| u128::from(part) * 5 >= u128::from(self.total()) * 4;
        if is_most(self.download_bytes) {
            Verb { past: "downloaded", present: "downloads", preposition: "from" }
        } else if is_most(self.upload_bytes) {
            Verb { past: "uploaded", present: "uploads", preposition: "to" }
        } else {
            Verb { past: "exchanged", present: "exchanges", preposition: "with" }
        }
    }
}

impl Report {
    /// The answer, in at most five lines of 80 characters: long names are cut until it fits, and
    /// then it has to do without the endpoint, which the e-mail tells of below.
    #[must_use]
    pub fn answer(&self) -> String {
        let with_names = |most| {
            let known = [Some(self.who(most)), self.how_much(most), self.what_instead()];
            known.into_iter().flatten().collect::<Vec<_>>()
        };
        let fits = |sentences: &Vec<String>| lines(&sentences.join(" ")) <= LINES;
        let all = [NAME_CHARACTERS, NAME_CHARACTERS / 2, SHORTEST_NAME].into_iter();
        let sentences = all.map(with_names).find(fits).unwrap_or_else(|| {
            [Some(self.who(SHORTEST_NAME)), self.how_much(SHORTEST_NAME)]
                .into_iter()
                .flatten()
                .collect()
        });
        sentences.join(" ")
    }

    fn who(&self, most: usize) -> String {
        match &self.cause {
            Cause::OneClient { client, bytes, with, .. } => {
                let verb = bytes.verb();
                let with = with.as_ref().map(|with| {
                    let (with, part) = counterpart(with);
                    let share = words::share(part, bytes.total());
                    format!(", {share} of that {} {with}", verb.preposition)
                });
                format!(
                    "{} {} {}: {} of all traffic{}.",
                    self.client_words(*client, most),
                    verb.past,
                    words::size(bytes.total()),
                    self.share(*bytes),
                    with.unwrap_or_default()
                )
            }
            Cause::FewClients { clients, bytes, .. } => {
                let names: Vec<_> =
                    clients.iter().map(|client| self.client_short(*client, most)).collect();
                format!(
                    "{} clients {} {} together, {} of all traffic: {}.",
                    clients.len(),
                    bytes.verb().past,
                    words::size(bytes.total()),
                    self.share(*bytes),
                    names.join(", ")
                )
            }
            Cause::OneCounterpart { with, bytes, clients, .. } => {
                let (with, _) = counterpart(with);
                let verb = bytes.verb();
                format!(
                    "No single client: {} {} {} {} {with}, {} of all traffic.",
                    clients.map_or_else(
                        || "many clients".to_owned(),
                        |clients| number(clients, "client")
                    ),
                    verb.past,
                    words::size(bytes.total()),
                    verb.preposition,
                    self.share(*bytes),
                )
            }
            Cause::Nobody { clients, largest_share_percent } => format!(
                "Nobody in particular: {} shared the traffic, and the largest of them had \
                 {largest_share_percent} %.",
                clients
                    .map_or_else(|| "many clients".to_owned(), |clients| number(clients, "client")),
            ),
            Cause::NoTraffic => {
                "No traffic between clients and peers was recorded, so nobody can be named."
                    .to_owned()
            }
            Cause::InBucket => "Who caused it is in the records in the bucket: Athena and natflow \
                tell it, see below."
                .to_owned(),
            Cause::Unknown => {
                "The records could not be read, so this report cannot say who it was.".to_owned()
            }
        }
    }

    /// A share of all that was recorded.
    fn share(&self, bytes: Bytes) -> String {
        let all = self.recorded.map_or(0, |totals| totals.bytes.total());
        words::share(bytes.total(), all)
    }

    fn how_much(&self, most: usize) -> Option<String> {
        let peak =
            self.peak.map(|peak| format!("peaked at {} a minute", words::size(peak.bytes.total())));
        let cost = self.costs.nat_processing.as_ref().map(|processing| {
            let dollars = words::about(processing.dollars);
            format!("processed {} for {dollars}", words::size(processing.bytes))
        });
        let parts: Vec<_> = peak.into_iter().chain(cost).collect();
        (!parts.is_empty()).then(|| {
            let gateway = cut(&self.gateway.words(), most + GATEWAY_ID);
            format!("NAT gateway {gateway} {}.", parts.join(" and "))
        })
    }

    /// What to do about the service that the cause is about.
    fn what_instead(&self) -> Option<String> {
        let service = self.cause_service()?;
        let advice = self.advice.iter().find(|advice| advice.service == service)?;
        let has_endpoint = matches!(advice.carrier, Carrier::Gateway | Carrier::Interface);
        has_endpoint.then(|| advice.what_to_do())
    }

    fn cause_service(&self) -> Option<&str> {
        let with = match &self.cause {
            Cause::OneClient { with, .. } => with.as_ref()?,
            Cause::OneCounterpart { with, .. } => with,
            _ => return None,
        };
        match with {
            Counterpart::Service { service, .. } => Some(service),
            Counterpart::Peer { .. } => None,
        }
    }

    /// The subject: gateway, peak and cause, as much as there is room for.
    #[must_use]
    pub fn subject(&self) -> String {
        let id = &self.gateway.nat_gateway_id;
        let named = self.gateway.name.as_deref().filter(|name| is_plain(name));
        let gateway = named.map_or_else(|| id.clone(), |name| format!("{id} ({name})"));
        let peak =
            self.peak.map(|peak| format!(" peaked at {}/min", words::size(peak.bytes.total())));
        let rest = format!("{}: {}", peak.unwrap_or_default(), self.cause_short());
        let subject = format!("{gateway}{rest}");
        if subject.len() <= SUBJECT_CHARACTERS { subject } else { format!("{id}{rest}") }
    }

    fn cause_short(&self) -> String {
        match &self.cause {
            Cause::OneClient { client, bytes, with, .. } => {
                let verb = bytes.verb();
                let with = with
                    .as_ref()
                    .map(|with| format!(" {} {}", verb.preposition, counterpart(with).0));
                let name = self.owner(*client).map(Owner::short).filter(|name| is_plain(name));
                let client = name.map_or_else(|| client.to_string(), str::to_owned);
                format!("{client} {}{}", verb.present, with.unwrap_or_default())
            }
            Cause::FewClients { clients, share_percent, .. } => {
                format!("{} clients with {share_percent} %", clients.len())
            }
            Cause::OneCounterpart { with, share_percent, .. } => {
                format!("many clients, {share_percent} % with {}", counterpart(with).0)
            }
            Cause::Nobody { .. } => "many clients, no single cause".to_owned(),
            Cause::NoTraffic => "no traffic recorded".to_owned(),
            Cause::InBucket => "records are in the bucket".to_owned(),
            Cause::Unknown => "cause unknown".to_owned(),
        }
    }

    /// Who is behind an address, where the lists say it.
    #[must_use]
    pub fn owner(&self, client: IpAddr) -> Option<&Owner> {
        let rows = self.clients.iter().flat_map(|clients| &clients.rows);
        rows.map(|row| &row.what).find(|row| row.client == client)?.owner.as_ref()
    }

    fn client_words(&self, client: IpAddr, most: usize) -> String {
        match self.owner(client) {
            Some(owner) => format!("{} at {client}", cut(&owner.words(), most)),
            None => client.to_string(),
        }
    }

    fn client_short(&self, client: IpAddr, most: usize) -> String {
        self.owner(client).map_or_else(|| client.to_string(), |owner| cut(owner.short(), most / 2))
    }
}

/// A counterpart in words, and its bytes.
fn counterpart(with: &Counterpart) -> (String, u64) {
    match with {
        Counterpart::Service { service, total_bytes } => (service.clone(), *total_bytes),
        Counterpart::Peer { address, total_bytes } => (address.to_string(), *total_bytes),
    }
}

/// `about 1,234 clients` where the service estimates.
pub(crate) fn number(count: Count, one: &str) -> String {
    let about = if count.is_exact { "" } else { "about " };
    format!("{about}{}", words::counted(count.number, one))
}

/// Whether a name can stand in a subject.
fn is_plain(name: &str) -> bool {
    const MOST: usize = 30;
    name.len() <= MOST && name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}
