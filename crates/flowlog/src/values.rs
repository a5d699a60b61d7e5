//! The closed sets of values that some fields take.
//!
//! Source: AWS's table of [available fields](https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields).

use std::fmt;

macro_rules! words {
    (
        $(#[$enum_doc:meta])*
        $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }
    ) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// AWS's word in the record.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// Reads AWS's word, which is case-sensitive.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What became of the traffic (`action`).
    Action {
        /// It was let through.
        Accept = "ACCEPT",
        /// A security group or a network ACL kept it out, or its connection was closed.
        Reject = "REJECT",
    }
}

words! {
    /// Which way the traffic passed the interface (`flow-direction`).
    FlowDirection {
        /// Into the interface.
        Ingress = "ingress",
        /// Out of the interface.
        Egress = "egress",
    }
}

words! {
    /// What a record stands for (`log-status`).
    LogStatus {
        /// One flow.
        Ok = "OK",
        /// An interval in which nothing passed the interface.
        NoData = "NODATA",
        /// An interval in which flows were lost; one record may stand for many of them.
        SkipData = "SKIPDATA",
    }
}

/// By which way egress traffic left the interface (`traffic-path`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TrafficPath {
    /// Through another resource of the same VPC.
    SameVpc = 1,
    /// Through an internet gateway or a gateway endpoint; which of them is not known.
    InternetGatewayOrGatewayEndpoint = 2,
    /// Through a virtual private gateway.
    VirtualPrivateGateway = 3,
    /// Through a VPC peering connection inside the region.
    PeeringInRegion = 4,
    /// Through a VPC peering connection to another region.
    PeeringBetweenRegions = 5,
    /// Through a local gateway.
    LocalGateway = 6,
    /// Through a gateway endpoint (seen on Nitro-based hosts only).
    GatewayEndpoint = 7,
    /// Through an internet gateway (seen on Nitro-based hosts only).
    InternetGateway = 8,
}

impl TrafficPath {
    /// Every way, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::SameVpc,
        Self::InternetGatewayOrGatewayEndpoint,
        Self::VirtualPrivateGateway,
        Self::PeeringInRegion,
        Self::PeeringBetweenRegions,
        Self::LocalGateway,
        Self::GatewayEndpoint,
        Self::InternetGateway,
    ];

    /// The number in the record, 1 to 8.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The way with this number, if AWS has defined one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|path| u32::from(path.number()) == number)
    }

    /// The way in a few words, without digits (the queries replace digits by these words).
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::SameVpc => "same VPC",
            Self::InternetGatewayOrGatewayEndpoint => "internet gateway or gateway endpoint",
            Self::VirtualPrivateGateway => "virtual private gateway",
            Self::PeeringInRegion => "peering in the region",
            Self::PeeringBetweenRegions => "peering to another region",
            Self::LocalGateway => "local gateway",
            Self::GatewayEndpoint => "gateway endpoint",
            Self::InternetGateway => "internet gateway",
        }
    }
}

impl fmt::Display for TrafficPath {
    /// Writes the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// The TCP flags that an interval saw, added up (`tcp-flags`).
///
/// AWS adds FIN, SYN, RST and SYN-ACK only: an ACK or PSH alone leaves 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// Every sum that AWS documents how to read, in rising order.
    pub const DOCUMENTED: [Self; 12] = [
        Self(0),
        Self(1),
        Self(2),
        Self(3),
        Self(4),
        Self(5),
        Self(6),
        Self(7),
        Self(18),
        Self(19),
        Self(22),
        Self(23),
    ];

    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const RST: u8 = 4;
    const ACK: u8 = 16;

    /// The flags as words, in the order SYN or SYN-ACK, FIN, RST: `SYN-ACK FIN`; `none` for 0.
    /// Bits that AWS does not document are left out.
    #[must_use]
    pub const fn words(self) -> &'static str {
        let has_syn = self.0 & Self::SYN != 0;
        // AWS documents the ACK bit in SYN-ACK only.
        let has_syn_ack = has_syn && self.0 & Self::ACK != 0;
        match (has_syn, has_syn_ack, self.0 & Self::FIN != 0, self.0 & Self::RST != 0) {
            (_, true, false, false) => "SYN-ACK",
            (_, true, true, false) => "SYN-ACK FIN",
            (_, true, false, true) => "SYN-ACK RST",
            (_, true, true, true) => "SYN-ACK FIN RST",
            (true, false, false, false) => "SYN",
            (true, false, true, false) => "SYN FIN",
            (true, false, false, true) => "SYN RST",
            (true, false, true, true) => "SYN FIN RST",
            (false, false, true, false) => "FIN",
            (false, false, false, true) => "RST",
            (false, false, true, true) => "FIN RST",
            (false, false, false, false) => "none",
        }
    }
}

impl fmt::Display for TcpFlags {
    /// Writes the words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_back_to_their_value() {
        assert!(Action::ALL.iter().all(|value| Action::from_word(value.as_str()) == Some(*value)));
        assert_eq!(FlowDirection::from_word("egress"), Some(FlowDirection::Egress));
        assert_eq!(LogStatus::from_word("SKIPDATA"), Some(LogStatus::SkipData));
        assert_eq!(LogStatus::from_word("skipdata"), None);
    }

    #[test]
    fn traffic_paths_are_numbered_from_1_to_8() {
        for (number, path) in (1..).zip(TrafficPath::ALL) {
            assert_eq!(path.number(), number);
            assert_eq!(TrafficPath::from_number(u32::from(number)), Some(path));
        }
        assert_eq!(TrafficPath::from_number(0), None);
        assert_eq!(TrafficPath::from_number(9), None);
    }

    #[test]
    fn the_words_of_a_traffic_path_have_no_digits() {
        let has_digit = |text: &str| text.contains(|c: char| c.is_ascii_digit());
        assert!(!TrafficPath::ALL.iter().any(|path| has_digit(path.words())));
    }

    #[test]
    fn tcp_flags_read_as_the_guide_explains_them() {
        assert_eq!(TcpFlags(18).words(), "SYN-ACK");
        assert_eq!(TcpFlags(3).words(), "SYN FIN");
        assert_eq!(TcpFlags(19).words(), "SYN-ACK FIN");
        assert_eq!(TcpFlags(0).words(), "none");
        let words: std::collections::HashSet<_> =
            TcpFlags::DOCUMENTED.iter().map(|flags| flags.words()).collect();
        assert_eq!(words.len(), TcpFlags::DOCUMENTED.len());
    }
}
