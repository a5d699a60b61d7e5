//! The queries that a report is made from.
//!
//! Usually three are enough: every conversation with its client, peer, service and port adds up
//! to all the others. Only when there are more conversations than a query answers rows, the
//! questions are put one by one, and what is not among the rows is told by the totals.

use std::net::IpAddr;

use super::connections::{Connections, LooksAt, TOP};
use super::{MOST_ROWS, Query, Scope, parse_message, scope_filter, text_of};

/// A question that a report asks of one gateway's recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportQuery {
    /// What all connections add up to, in one row.
    Totals,
    /// How many records there are of each status and action: NODATA, SKIPDATA, what was rejected.
    Statuses,
    /// Who exchanged how much with whom on which port.
    Conversations,
    /// The clients that moved the most bytes.
    Clients,
    /// The peers with the most bytes, and the AWS services at their addresses.
    Peers,
    /// The pairs of client and peer with the most bytes.
    Pairs,
    /// The ports of the peers with the most bytes.
    Ports,
    /// The AWS services; `-` stands for all other peers.
    Services,
    /// What passed in each minute.
    Minutes,
}

impl ReportQuery {
    /// Every query.
    pub const ALL: [Self; 9] = [
        Self::Totals,
        Self::Statuses,
        Self::Conversations,
        Self::Clients,
        Self::Peers,
        Self::Pairs,
        Self::Ports,
        Self::Services,
        Self::Minutes,
    ];

    /// The query's text for a scope. Clients, peers and the like come with `totalBytes`,
    /// `uploadBytes` and `downloadBytes`, the most bytes first.
    #[must_use]
    pub fn text(self, scope: &Scope<'_>) -> String {
        match self {
            Self::Totals => TOTALS.text(scope),
            Self::Statuses => statuses(scope),
            Self::Conversations => CONVERSATIONS.text(scope),
            Self::Clients => CLIENTS.text(scope),
            Self::Peers => PEERS.text(scope),
            Self::Pairs => PAIRS.text(scope),
            Self::Ports => PORTS.text(scope),
            Self::Services => SERVICES.text(scope),
            Self::Minutes => Query::TrafficOverTime.text(scope),
        }
    }

    /// The most rows that the query answers. If it answers as many, there may be more.
    #[must_use]
    pub const fn most_rows(self) -> u32 {
        match self {
            Self::Totals => 1,
            Self::Clients | Self::Peers | Self::Pairs | Self::Ports | Self::Services => MOST_SHOWN,
            Self::Statuses | Self::Conversations | Self::Minutes => MOST_ROWS,
        }
    }
}

/// The bytes of some clients and of everybody in steps of so many minutes: a row for each step,
/// `at`, `totalBytes`, and `bytes0`, `bytes1`, … for the clients in their order.
///
/// A column for each client keeps the rows few, however many clients there are: grouping by them
/// could exceed what a query answers, and would not tell what all others exchanged.
#[must_use]
pub fn bytes_over_time(clients: &[IpAddr], step_minutes: u32, scope: &Scope<'_>) -> String {
    let own = clients.iter().enumerate().map(|(number, client)| {
        // Spaces on both sides keep one address from being found inside another.
        let is_own = format!("strcontains(concat(\" \", client, \" \"), \" {client} \")");
        format!("| fields bytes * {is_own} as own{number}")
    });
    let sums = (0..clients.len()).map(|number| format!(", sum(own{number}) as bytes{number}"));
    let connections = Connections {
        question: "How much did the largest clients and all together exchange over time?",
        columns: &own.collect::<Vec<_>>(),
        totals: &format!("sum(bytes) as totalBytes{}", sums.collect::<String>()),
        by: &format!("bin({step_minutes}m) as at"),
        order: "at",
        limit: MOST_ROWS,
        ..TOP
    };
    connections.text(scope)
}

/// More than a report shows, and than there are AWS services.
const MOST_SHOWN: u32 = 100;

const REPORTED: Connections<'static> = Connections {
    totals: "sum(bytes) as totalBytes, sum(sent) as uploadBytes, sum(received) as downloadBytes",
    limit: MOST_SHOWN,
    ..TOP
};

const TOTALS: Connections<'static> = Connections {
    question: "What do all connections add up to?",
    counts: ", count_distinct(client) as clients, count_distinct(peer) as peers, \
        min(startTime) as firstStart, max(endTime) as lastEnd",
    order: "",
    limit: 1,
    ..TOP
};

const CONVERSATIONS: Connections<'static> = Connections {
    question: "Who exchanged how much with whom?",
    looks_at: &[LooksAt::Ends, LooksAt::PeerService, LooksAt::PeerPort],
    by: "client, peer, peerService, peerPort, transport",
    limit: MOST_ROWS,
    ..REPORTED
};

const CLIENTS: Connections<'static> =
    Connections { question: "Which clients moved the most bytes?", by: "client", ..REPORTED };

const PEERS: Connections<'static> = Connections {
    question: "With which peers were the most bytes exchanged?",
    looks_at: &[LooksAt::Ends, LooksAt::PeerService],
    by: "peer, peerService",
    ..REPORTED
};

const PAIRS: Connections<'static> = Connections {
    question: "Which clients moved the most bytes with which peers?",
    looks_at: &[LooksAt::Ends, LooksAt::PeerService],
    by: "client, peer, peerService",
    ..REPORTED
};

const PORTS: Connections<'static> = Connections {
    question: "With which ports of the peers were the most bytes exchanged?",
    looks_at: &[LooksAt::Ends, LooksAt::PeerPort],
    by: "peerPort, transport",
    ..REPORTED
};

const SERVICES: Connections<'static> = Connections {
    question: "Which AWS services were reached through the gateway?",
    looks_at: &[LooksAt::Ends, LooksAt::PeerService],
    by: "peerService",
    ..REPORTED
};

const STATUSES_COMMENT: &str = "# How many records are there of each status and action?";

fn statuses(scope: &Scope<'_>) -> String {
    let mut lines = vec![STATUSES_COMMENT.to_owned(), parse_message()];
    lines.extend(scope_filter(scope));
    lines.push(
        "| stats count(*) as records, sum(bytes) as totalBytes, sum(packets) as totalPackets, \
         max(endTime) as lastEnd by logStatus, action"
            .into(),
    );
    lines.push("| sort records desc".into());
    lines.push(format!("| limit {MOST_ROWS}"));
    text_of(&lines)
}
