//! Handing datagrams to the kernel.

use std::io;
use std::net::UdpSocket;

#[cfg(all(feature = "sendmmsg", target_os = "linux"))]
pub(crate) use many::send;
#[cfg(not(all(feature = "sendmmsg", target_os = "linux")))]
pub(crate) use single::send;

/// Many datagrams with each call.
/// <https://man7.org/linux/man-pages/man2/sendmmsg.2.html>
#[cfg(all(feature = "sendmmsg", target_os = "linux"))]
mod many {
    use std::io::IoSlice;
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};

    use super::{UdpSocket, io};

    /// How many datagrams are handed over with one call.
    const MOST: usize = 64;

    /// How many of the datagrams the kernel has taken: one at least.
    ///
    /// What a call needs is made for each: nix's headers hold pointers, which threads cannot pass
    /// on, and 64 of them cost next to nothing beside the call.
    pub(crate) fn send(socket: &UdpSocket, datagrams: &[&[u8]]) -> io::Result<usize> {
        // The socket knows where they go.
        const NO_ADDRESSES: [Option<SockaddrStorage>; MOST] = [None; MOST];
        let slices: Vec<_> =
            datagrams.iter().take(MOST).map(|bytes| [IoSlice::new(bytes)]).collect();
        let mut headers = MultiHeaders::preallocate(slices.len(), None);
        let sent = sendmmsg(
            socket.as_raw_fd(),
            &mut headers,
            &slices,
            NO_ADDRESSES,
            [],
            MsgFlags::empty(),
        )?;
        Ok(sent.count())
    }
}

/// One datagram with each call.
#[cfg(not(all(feature = "sendmmsg", target_os = "linux")))]
mod single {
    use super::{UdpSocket, io};

    /// How many of the datagrams the kernel has taken: one at least.
    pub(crate) fn send(socket: &UdpSocket, datagrams: &[&[u8]]) -> io::Result<usize> {
        let first = datagrams.first().copied().unwrap_or_default();
        socket.send(first).map(|_| 1)
    }
}
