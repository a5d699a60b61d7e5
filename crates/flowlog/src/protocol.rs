//! The names of the protocols in IANA's registry.
//!
//! Source: [Assigned Internet Protocol Numbers](https://www.iana.org/assignments/protocol-numbers),
//! column "Keyword". The numbers that the registry describes without a keyword have a short
//! name of our own, which begins with `any-` or `experimental-`.

/// The lowest number that IANA has not assigned; 253 and 254 are assigned again.
const FIRST_UNASSIGNED: u8 = 148;

/// The keyword of each assigned number from 0 on.
#[rustfmt::skip]
const KEYWORDS: [&str; FIRST_UNASSIGNED as usize] = [
    "HOPOPT", "ICMP", "IGMP", "GGP", "IPv4", "ST", "TCP", "CBT", "EGP", "IGP", "BBN-RCC-MON",
    "NVP-II", "PUP", "ARGUS", "EMCON", "XNET", "CHAOS", "UDP", "MUX", "DCN-MEAS", "HMP", "PRM",
    "XNS-IDP", "TRUNK-1", "TRUNK-2", "LEAF-1", "LEAF-2", "RDP", "IRTP", "ISO-TP4", "NETBLT",
    "MFE-NSP", "MERIT-INP", "DCCP", "3PC", "IDPR", "XTP", "DDP", "IDPR-CMTP", "TP++", "IL",
    "IPv6", "SDRP", "IPv6-Route", "IPv6-Frag", "IDRP", "RSVP", "GRE", "DSR", "BNA", "ESP", "AH",
    "I-NLSP", "SWIPE", "NARP", "Min-IPv4", "TLSP", "SKIP", "IPv6-ICMP", "IPv6-NoNxt",
    "IPv6-Opts", "any-host-internal", "CFTP", "any-local-network", "SAT-EXPAK", "KRYPTOLAN",
    "RVD", "IPPC", "any-distributed-fs", "SAT-MON", "VISA", "IPCV", "CPNX", "CPHB", "WSN",
    "PVP", "BR-SAT-MON", "SUN-ND", "WB-MON", "WB-EXPAK", "ISO-IP", "VMTP", "SECURE-VMTP",
    "VINES", "IPTM", "NSFNET-IGP", "DGP", "TCF", "EIGRP", "OSPFIGP", "Sprite-RPC", "LARP",
    "MTP", "AX.25", "IPIP", "MICP", "SCC-SP", "ETHERIP", "ENCAP", "any-private-encryption",
    "GMTP", "IFMP", "PNNI", "PIM", "ARIS", "SCPS", "QNX", "A/N", "IPComp", "SNP", "Compaq-Peer",
    "IPX-in-IP", "VRRP", "PGM", "any-0-hop", "L2TP", "DDX", "IATP", "STP", "SRP", "UTI", "SMP",
    "SM", "PTP", "ISIS", "FIRE", "CRTP", "CRUDP", "SSCOPMCE", "IPLT", "SPS", "PIPE", "SCTP",
    "FC", "RSVP-E2E-IGNORE", "Mobility-Header", "UDPLite", "MPLS-in-IP", "manet", "HIP",
    "Shim6", "WESP", "ROHC", "Ethernet", "AGGFRAG", "NSH", "Homa", "BIT-EMU",
];

/// The keyword of a protocol's number: `TCP` for 6. None for numbers that are not assigned.
#[must_use]
pub fn protocol_keyword(number: u8) -> Option<&'static str> {
    match number {
        253 => Some("experimental-253"),
        254 => Some("experimental-254"),
        _ => KEYWORDS.get(usize::from(number)).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Landmarks all over the table: one number too many or too few would move them.
    #[test]
    fn keywords_stand_at_their_numbers() {
        let landmarks = [
            (0, "HOPOPT"),
            (1, "ICMP"),
            (6, "TCP"),
            (17, "UDP"),
            (33, "DCCP"),
            (41, "IPv6"),
            (47, "GRE"),
            (50, "ESP"),
            (51, "AH"),
            (58, "IPv6-ICMP"),
            (61, "any-host-internal"),
            (73, "CPHB"),
            (88, "EIGRP"),
            (99, "any-private-encryption"),
            (103, "PIM"),
            (112, "VRRP"),
            (115, "L2TP"),
            (124, "ISIS"),
            (132, "SCTP"),
            (136, "UDPLite"),
            (143, "Ethernet"),
            (147, "BIT-EMU"),
            (254, "experimental-254"),
        ];
        for (number, keyword) in landmarks {
            assert_eq!(protocol_keyword(number), Some(keyword), "{number}");
        }
    }

    #[test]
    fn unassigned_and_reserved_numbers_have_no_keyword() {
        assert!((148..=252).chain([255]).all(|number| protocol_keyword(number).is_none()));
    }

    #[test]
    fn no_keyword_appears_twice() {
        let keywords: std::collections::HashSet<_> =
            (0..=255).filter_map(protocol_keyword).collect();
        assert_eq!(keywords.len(), 150);
    }
}
