//! Who caused a spike.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::traffic::{Bytes, Count, Peer, Ranking, Traffic};
use crate::words;

/// From this share of all bytes on, one is called the cause.
const MAJORITY_PERCENT: u64 = 50;

/// A few clients together are called the cause from this share on.
const MOST_PERCENT: u64 = 80;

/// No more than so many are "a few".
const FEW: usize = 5;

/// Who caused a spike: whoever moved most of what was recorded.
///
/// A recording knows nothing of the time before, so that it cannot tell what is unusual for a
/// client. But a spike is many times the normal traffic: most of it is what came on top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Cause {
    /// One client moved at least half of all bytes.
    OneClient {
        /// Its address.
        client: IpAddr,
        /// What it moved.
        bytes: Bytes,
        /// Its share of all bytes.
        share_percent: u64,
        /// With whom it exchanged at least half of that.
        with: Option<Counterpart>,
    },
    /// Up to five clients moved at least four fifths of all bytes together.
    FewClients {
        /// Their addresses, the most bytes first.
        clients: Vec<IpAddr>,
        /// What they moved.
        bytes: Bytes,
        /// Their share of all bytes.
        share_percent: u64,
    },
    /// Many clients, but one peer or AWS service has at least half of all bytes.
    OneCounterpart {
        /// The peer or service.
        with: Counterpart,
        /// What was exchanged with it.
        bytes: Bytes,
        /// Its share of all bytes.
        share_percent: u64,
        /// How many clients there are.
        clients: Option<Count>,
    },
    /// Nobody: many clients, each with little.
    Nobody {
        /// How many clients there are.
        clients: Option<Count>,
        /// The largest share that one of them has.
        largest_share_percent: u64,
    },
    /// Nothing was recorded that passed between clients and peers.
    NoTraffic,
    /// The records are in a bucket, where the report does not read them.
    InBucket,
    /// The records could not be read.
    Unknown,
}

/// The other side of a cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Counterpart {
    /// An AWS service.
    Service {
        /// As the flow logs spell it.
        service: String,
        /// What was exchanged with it.
        total_bytes: u64,
    },
    /// One address.
    Peer {
        /// The address.
        address: IpAddr,
        /// What was exchanged with it.
        total_bytes: u64,
    },
}

impl Cause {
    /// Who it was, by what the records add up to.
    #[must_use]
    pub fn of(traffic: Option<&Traffic>) -> Self {
        let Some((traffic, totals)) =
            traffic.and_then(|traffic| Some((traffic, traffic.totals.as_ref()?)))
        else {
            return Self::Unknown;
        };
        let all = totals.bytes.total();
        if all == 0 {
            return Self::NoTraffic;
        }
        let Some(clients) = &traffic.clients else { return Self::Unknown };
        one_client(traffic, clients, all)
            .or_else(|| few_clients(clients, all))
            .or_else(|| one_counterpart(traffic, all))
            .unwrap_or_else(|| Self::Nobody {
                clients: Some(totals.clients),
                largest_share_percent: clients
                    .rows
                    .first()
                    .map_or(0, |(_, bytes)| words::percent(bytes.total(), all)),
            })
    }
}

fn is_share(part: u64, whole: u64, percent: u64) -> bool {
    u128::from(part) * 100 >= u128::from(whole) * u128::from(percent)
}

fn one_client(traffic: &Traffic, clients: &Ranking<IpAddr>, all: u64) -> Option<Cause> {
    let (client, bytes) = clients.rows.first()?;
    is_share(bytes.total(), all, MAJORITY_PERCENT).then(|| Cause::OneClient {
        client: *client,
        bytes: *bytes,
        share_percent: words::percent(bytes.total(), all),
        with: traffic.pairs.as_ref().and_then(|pairs| counterpart_of(*client, *bytes, pairs)),
    })
}

/// The service or the peer that most of a client's bytes were exchanged with. Of the pairs only
/// the largest may be known, so that what it finds is at least so.
fn counterpart_of(
    client: IpAddr,
    bytes: Bytes,
    pairs: &Ranking<(IpAddr, Peer)>,
) -> Option<Counterpart> {
    let own: Vec<_> = pairs.rows.iter().filter(|((of, _), _)| *of == client).collect();
    let mut services: Vec<(&str, u64)> = vec![];
    for ((_, peer), bytes) in &own {
        let Some(service) = peer.service.as_deref() else { continue };
        match services.iter_mut().find(|(name, _)| *name == service) {
            Some((_, sum)) => *sum += bytes.total(),
            None => services.push((service, bytes.total())),
        }
    }
    let all = bytes.total();
    let service = services.iter().find(|(_, sum)| is_share(*sum, all, MAJORITY_PERCENT));
    let service = service.map(|(service, sum)| Counterpart::Service {
        service: (*service).to_owned(),
        total_bytes: *sum,
    });
    service.or_else(|| {
        let ((_, peer), bytes) = own.first()?;
        is_share(bytes.total(), all, MAJORITY_PERCENT)
            .then(|| Counterpart::Peer { address: peer.address, total_bytes: bytes.total() })
    })
}

fn few_clients(clients: &Ranking<IpAddr>, all: u64) -> Option<Cause> {
    let mut bytes = Bytes::default();
    let mut few = vec![];
    for (client, own) in clients.rows.iter().take(FEW) {
        bytes.add(*own);
        few.push(*client);
        if is_share(bytes.total(), all, MOST_PERCENT) {
            let share_percent = words::percent(bytes.total(), all);
            return Some(Cause::FewClients { clients: few, bytes, share_percent });
        }
    }
    None
}

fn one_counterpart(traffic: &Traffic, all: u64) -> Option<Cause> {
    let service = traffic.services.as_ref().and_then(|services| {
        let named = |(service, bytes): &(Option<String>, Bytes)| Some((service.clone()?, *bytes));
        let (service, bytes) = services.rows.iter().find_map(named)?;
        let total_bytes = bytes.total();
        let is_cause = is_share(total_bytes, all, MAJORITY_PERCENT);
        is_cause.then_some((Counterpart::Service { service, total_bytes }, bytes))
    });
    let peer = || {
        let (peer, bytes) = traffic.peers.as_ref()?.rows.first()?;
        let total_bytes = bytes.total();
        let with = Counterpart::Peer { address: peer.address, total_bytes };
        is_share(total_bytes, all, MAJORITY_PERCENT).then_some((with, *bytes))
    };
    let (with, bytes) = service.or_else(peer)?;
    Some(Cause::OneCounterpart {
        with,
        bytes,
        share_percent: words::percent(bytes.total(), all),
        clients: traffic.totals.map(|totals| totals.clients),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::{Conversation, Port};

    fn conversation(client: u8, peer: u8, service: Option<&str>, bytes: u64) -> Conversation {
        Conversation {
            client: IpAddr::from([10, 0, 1, client]),
            peer: Peer {
                address: IpAddr::from([203, 0, 113, peer]),
                service: service.map(str::to_owned),
            },
            port: Port { number: 443, transport: "TCP".to_owned() },
            bytes: Bytes { upload_bytes: 0, download_bytes: bytes },
        }
    }

    fn cause(conversations: &[Conversation]) -> Cause {
        Cause::of(Some(&Traffic::of_conversations(conversations, None, None)))
    }

    #[test]
    fn half_of_all_bytes_make_a_cause_and_a_byte_less_does_not() {
        let rest: Vec<_> = (10..20).map(|client| conversation(client, client, None, 50)).collect();
        let with = |bytes| {
            let own = conversation(1, 1, Some("S3"), bytes);
            cause(&[vec![own], rest.clone()].concat())
        };
        let Cause::OneClient { with: counterpart, share_percent: 50, .. } = with(500) else {
            panic!("{:?}", with(500));
        };
        let all = Counterpart::Service { service: "S3".to_owned(), total_bytes: 500 };
        assert_eq!(counterpart, Some(all));
        assert!(matches!(with(499), Cause::Nobody { largest_share_percent: 50, .. }));
    }

    #[test]
    fn a_few_share_what_no_one_has() {
        let bytes = [40, 41, 5, 5, 4, 5].into_iter().zip(1..);
        let conversations = bytes.map(|(bytes, n)| conversation(n, n, None, bytes));
        let Cause::FewClients { clients, share_percent, .. } =
            cause(&conversations.collect::<Vec<_>>())
        else {
            panic!("not a few");
        };
        assert_eq!(clients, [IpAddr::from([10, 0, 1, 2]), IpAddr::from([10, 0, 1, 1])]);
        assert_eq!(share_percent, 81);
    }

    #[test]
    fn many_clients_may_share_a_service_or_a_peer() {
        let of = |service| {
            let crowd = (1..21).map(|client| conversation(client, client, Some(service), 10));
            cause(&crowd.collect::<Vec<_>>())
        };
        assert!(matches!(
            of("S3"),
            Cause::OneCounterpart { with: Counterpart::Service { .. }, share_percent: 100, .. }
        ));
        let crowd: Vec<_> = (1..21).map(|client| conversation(client, 7, None, 10)).collect();
        assert!(matches!(
            cause(&crowd),
            Cause::OneCounterpart { with: Counterpart::Peer { .. }, share_percent: 100, .. }
        ));
    }

    #[test]
    fn without_numbers_nobody_is_accused() {
        assert_eq!(Cause::of(None), Cause::Unknown);
        assert_eq!(Cause::of(Some(&Traffic::default())), Cause::Unknown);
        assert_eq!(cause(&[]), Cause::NoTraffic);
    }
}
