//! What the records add up to: who exchanged how much with whom.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::words;

/// Bytes by their direction, as the clients see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bytes {
    /// Sent by clients.
    pub upload_bytes: u64,
    /// Got by clients.
    pub download_bytes: u64,
}

impl Bytes {
    /// Both directions, which is what NAT processing is billed for.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.upload_bytes.saturating_add(self.download_bytes)
    }

    /// Adds further bytes.
    pub const fn add(&mut self, other: Self) {
        self.upload_bytes = self.upload_bytes.saturating_add(other.upload_bytes);
        self.download_bytes = self.download_bytes.saturating_add(other.download_bytes);
    }

    /// What is left without a part.
    #[must_use]
    pub const fn without(self, part: Self) -> Self {
        Self {
            upload_bytes: self.upload_bytes.saturating_sub(part.upload_bytes),
            download_bytes: self.download_bytes.saturating_sub(part.download_bytes),
        }
    }
}

/// A number of distinct things. Logs Insights counts many of them only about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// How many.
    pub number: u64,
    /// Whether it is counted, or estimated by the service.
    pub is_exact: bool,
}

/// What all connections add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// What was exchanged.
    #[serde(flatten)]
    pub bytes: Bytes,
    /// Packets of both directions.
    pub packets: Option<u64>,
    /// Records on the clients' side of the gateway.
    pub records: Option<u64>,
    /// Distinct clients.
    pub clients: Count,
    /// Distinct peers.
    pub peers: Count,
}

/// Some things with their bytes, the most bytes first; what is not among the rows is the
/// difference to [`Traffic::totals`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking<K> {
    /// Things and their bytes.
    pub rows: Vec<(K, Bytes)>,
    /// How many things there are, shown or not, where that is known.
    pub count: Option<Count>,
}

impl<K: Ord + Clone> Ranking<K> {
    /// The first rows in an order that is always the same: equal bytes by their key.
    #[must_use]
    pub fn new(mut rows: Vec<(K, Bytes)>, count: Option<Count>) -> Self {
        rows.sort_by(|(one, bytes), (other, others)| {
            (Reverse(bytes.total()), one).cmp(&(Reverse(others.total()), other))
        });
        Self { rows, count }
    }

    fn of(conversations: &[Conversation], key: impl Fn(&Conversation) -> K) -> Self {
        let mut sums: BTreeMap<K, Bytes> = BTreeMap::new();
        for conversation in conversations {
            sums.entry(key(conversation)).or_default().add(conversation.bytes);
        }
        let count = Some(Count { number: words::length(sums.len()), is_exact: true });
        Self::new(sums.into_iter().collect(), count)
    }
}

/// A peer, and whose address it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// AWS's name of the service at the address (`S3`), from the records.
    pub service: Option<String>,
}

/// A port on the peers' side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The port; protocols without ports have 0.
    pub number: u16,
    /// `TCP`, `UDP`, …, or the protocol's number.
    pub transport: String,
}

/// What a client exchanged with a peer on one of its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The client's address.
    pub client: IpAddr,
    /// The peer.
    pub peer: Peer,
    /// The peer's port.
    pub port: Port,
    /// What they exchanged.
    pub bytes: Bytes,
}

/// What the records of a gateway add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Everything. `None`: the question was not answered.
    pub totals: Option<Totals>,
    /// The clients.
    pub clients: Option<Ranking<IpAddr>>,
    /// The peers.
    pub peers: Option<Ranking<Peer>>,
    /// Who with whom.
    pub pairs: Option<Ranking<(IpAddr, Peer)>>,
    /// The peers' ports.
    pub ports: Option<Ranking<Port>>,
    /// AWS services; `None` stands for all peers that are none.
    pub services: Option<Ranking<Option<String>>>,
}

impl Traffic {
    /// Every ranking at once, when all conversations are known: they add up to the totals.
    #[must_use]
    pub fn of_conversations(
        conversations: &[Conversation],
        packets: Option<u64>,
        records: Option<u64>,
    ) -> Self {
        let mut bytes = Bytes::default();
        for conversation in conversations {
            bytes.add(conversation.bytes);
        }
        let totals = Totals {
            bytes,
            packets,
            records,
            clients: count_of(conversations, |conversation| conversation.client),
            peers: count_of(conversations, |conversation| conversation.peer.address),
        };
        let pair = |conversation: &Conversation| (conversation.client, conversation.peer.clone());
        Self {
            totals: Some(totals),
            clients: Some(Ranking::of(conversations, |conversation| conversation.client)),
            peers: Some(Ranking::of(conversations, |conversation| conversation.peer.clone())),
            pairs: Some(Ranking::of(conversations, pair)),
            ports: Some(Ranking::of(conversations, |conversation| conversation.port.clone())),
            services: Some(Ranking::of(conversations, |conversation| {
                conversation.peer.service.clone()
            })),
        }
    }
}

fn count_of<T: Eq + Ord>(conversations: &[Conversation], of: impl Fn(&Conversation) -> T) -> Count {
    let distinct: BTreeSet<T> = conversations.iter().map(of).collect();
    Count { number: words::length(distinct.len()), is_exact: true }
}

/// Records that are not traffic between clients and peers, and how late the last one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Records {
    /// All records of the gateway.
    pub all: u64,
    /// Records that say that nothing passed.
    pub no_data: u64,
    /// Records that stand for flows that AWS did not record.
    pub skipped: u64,
    /// Records of rejected packets.
    pub rejected: u64,
    /// Their bytes.
    pub rejected_bytes: u64,
    /// Until when records reach.
    pub last_end: Option<Timestamp>,
}
