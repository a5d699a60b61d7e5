//! One collector.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use crate::error::CollectorError;
use crate::kernel;

/// How often a full queue is waited for.
const MOST_PAUSES: u32 = 1000;

/// A queue of the kernel's that is full has room again after this.
const PAUSE: Duration = Duration::from_millis(1);

/// A collector's host and port, as they are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectorName(String);

impl FromStr for CollectorName {
    type Err = CollectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || CollectorError::Name(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let is_bracketed = host.starts_with('[') && host.ends_with(']');
        let is_host = !host.is_empty() && (is_bracketed || !host.contains(':'));
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        if is_host && is_port { Ok(Self(text.to_owned())) } else { Err(refused()) }
    }
}

impl fmt::Display for CollectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A collector, and the socket that reaches it.
#[derive(Debug)]
pub struct Collector {
    name: CollectorName,
    socket: UdpSocket,
    refused: u64,
}

impl Collector {
    /// Finds the collector's address. Nothing is sent yet.
    pub fn connect(name: &CollectorName) -> Result<Self, CollectorError> {
        let unreachable = |source| CollectorError::Unreachable { name: name.to_string(), source };
        let addresses = name.0.to_socket_addrs().map_err(unreachable)?;
        let mut failure = io::Error::new(ErrorKind::NotFound, "the host has no address");
        for address in addresses {
            match connected(address) {
                Ok(socket) => {
                    return Ok(Self { name: name.clone(), socket, refused: 0 });
                }
                Err(error) => failure = error,
            }
        }
        Err(unreachable(failure))
    }

    /// The collector's name.
    #[must_use]
    pub const fn name(&self) -> &CollectorName {
        &self.name
    }

    /// How often the host has said that nobody listens. Every time, datagrams are lost.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes note if the host has said meanwhile that nobody listens.
    pub(crate) fn notice_refusal(&mut self) {
        let error = self.socket.take_error().ok().flatten();
        self.refused += u64::from(error.is_some_and(|e| e.kind() == ErrorKind::ConnectionRefused));
    }

    /// Hands datagrams to the kernel, in their order.
    pub fn send(&mut self, datagrams: &[&[u8]]) -> Result<(), CollectorError> {
        let mut rest = datagrams;
        let mut pauses = 0;
        while let Some(first) = rest.first() {
            match kernel::send(&self.socket, rest) {
                Ok(sent) => {
                    rest = rest.get(sent..).unwrap_or_default();
                    pauses = 0;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The host's answer to an earlier datagram. This one was not sent.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => self.refused += 1,
                Err(error) if is_full(&error) && pauses < MOST_PAUSES => {
                    pauses += 1;
                    thread::sleep(PAUSE);
                }
                Err(source) => {
                    let is_too_long = source.raw_os_error() == Some(TOO_LONG);
                    let hint = if is_too_long { "; make datagrams shorter" } else { "" };
                    let (name, length) = (self.name.to_string(), first.len());
                    return Err(CollectorError::Send { name, length, source, hint });
                }
            }
        }
        Ok(())
    }
}

/// `EMSGSIZE`: the datagram is longer than the route allows.
const TOO_LONG: i32 = if cfg!(target_os = "linux") { 90 } else { 40 };

/// `ENOBUFS`, which has no kind of its own.
const NO_BUFFERS: i32 = if cfg!(target_os = "linux") { 105 } else { 55 };

fn is_full(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(NO_BUFFERS)
}

fn connected(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener() -> (UdpSocket, CollectorName) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let name = socket.local_addr().unwrap().to_string().parse().unwrap();
        (socket, name)
    }

    #[test]
    fn datagrams_arrive_whole_and_in_order() {
        let (socket, name) = listener();
        let mut collector = Collector::connect(&name).unwrap();
        let datagrams: Vec<_> = (0..150_u8).map(|n| vec![n; usize::from(n) + 1]).collect();
        let slices: Vec<_> = datagrams.iter().map(Vec::as_slice).collect();
        collector.send(&slices).unwrap();
        let mut buffer = [0; 2000];
        for datagram in &datagrams {
            let length = socket.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], datagram);
        }
        assert_eq!(collector.refused(), 0);
    }

    /// The answer to the first datagram comes with the second at the latest: on one machine it
    /// is there at once.
    #[test]
    fn nobody_listening_is_noticed() {
        let (socket, name) = listener();
        drop(socket);
        let mut collector = Collector::connect(&name).unwrap();
        for _ in 0..3 {
            collector.send(&[b"lost"]).unwrap();
        }
        assert!(collector.refused() > 0);
    }

    #[test]
    fn a_datagram_that_is_too_long_is_an_error() {
        let (_socket, name) = listener();
        let mut collector = Collector::connect(&name).unwrap();
        let error = collector.send(&[&vec![0; 65_508]]).unwrap_err().to_string();
        assert!(error.contains("65508 bytes") && error.ends_with("shorter"), "{error}");
    }

    #[test]
    fn a_name_has_a_host_and_a_port() {
        for name in ["localhost:2055", "192.0.2.1:4739", "[::1]:4739"] {
            assert!(name.parse::<CollectorName>().is_ok(), "{name}");
        }
        for name in ["localhost", ":2055", "::1:4739", "host:0", "host:99999", "host:netflow"] {
            let error = name.parse::<CollectorName>().unwrap_err().to_string();
            assert!(error.contains("HOST:PORT"), "{error}");
        }
        let nobody: CollectorName = "collector.invalid:2055".parse().unwrap();
        let error = Collector::connect(&nobody).unwrap_err().to_string();
        assert!(error.starts_with("collector collector.invalid:2055: "), "{error}");
    }
}
