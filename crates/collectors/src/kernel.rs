//! Handing datagrams to the kernel.

use std::io;
use std::net::UdpSocket;

#[cfg(all(feature = "sendmmsg", target_os = "linux"))]
pub(crate) use many::Batch;
#[cfg(not(all(feature = "sendmmsg", target_os = "linux")))]
pub(crate) use single::Batch;

/// Many datagrams with each call.
/// <https://man7.org/linux/man-pages/man2/sendmmsg.2.html>
#[cfg(all(feature = "sendmmsg", target_os = "linux"))]
mod many {
    use std::fmt;
    use std::io::IoSlice;
    use std::os::fd::AsRawFd as _;

    use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};

    use super::{UdpSocket, io};

    /// How many datagrams are handed over with one call.
    const MOST: usize = 64;

    /// What a call needs, kept from one to the next.
    pub(crate) struct Batch {
        headers: MultiHeaders<SockaddrStorage>,
    }

    impl fmt::Debug for Batch {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("Batch").finish_non_exhaustive()
        }
    }

    impl Default for Batch {
        fn default() -> Self {
            Self { headers: MultiHeaders::preallocate(MOST, None) }
        }
    }

    impl Batch {
        /// How many of the datagrams the kernel has taken: one at least.
        pub(crate) fn send(
            &mut self,
            socket: &UdpSocket,
            datagrams: &[&[u8]],
        ) -> io::Result<usize> {
            // The socket knows where they go.
            const NO_ADDRESSES: [Option<SockaddrStorage>; MOST] = [None; MOST];
            let slices: Vec<_> =
                datagrams.iter().take(MOST).map(|bytes| [IoSlice::new(bytes)]).collect();
            let sent = sendmmsg(
                socket.as_raw_fd(),
                &mut self.headers,
                &slices,
                NO_ADDRESSES,
                [],
                MsgFlags::empty(),
            )?;
            Ok(sent.count())
        }
    }
}

/// One datagram with each call.
#[cfg(not(all(feature = "sendmmsg", target_os = "linux")))]
mod single {
    use super::{UdpSocket, io};

    #[derive(Debug, Default)]
    pub(crate) struct Batch;

    impl Batch {
        /// How many of the datagrams the kernel has taken: one at least.
        pub(crate) fn send(
            &mut self,
            socket: &UdpSocket,
            datagrams: &[&[u8]],
        ) -> io::Result<usize> {
            let first = datagrams.first().copied().unwrap_or_default();
            socket.send(first).map(|_| 1)
        }
    }
}
