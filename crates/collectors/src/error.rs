use std::io;

/// Why a collector cannot be sent to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CollectorError {
    /// A text that names no collector.
    #[error(
        "expected HOST:PORT (port 4739 is usual for IPFIX, 2055 for NetFlow), found `{0}`; an IPv6 \
         address stands in brackets"
    )]
    Name(String),
    /// The host has no address, or none that can be reached.
    #[error("collector {name}: {source}")]
    Unreachable {
        /// The collector.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel has not taken a datagram.
    #[error("collector {name}: a datagram of {length} bytes could not be sent: {source}{hint}")]
    Send {
        /// The collector.
        name: String,
        /// Bytes of the datagram, UDP's header and below aside.
        length: usize,
        /// What the system said.
        source: io::Error,
        /// What helps, after a separator; or nothing.
        hint: &'static str,
    },
}
