//! Which events were counted a short time ago.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use twox_hash::XxHash3_64;

/// Remembers the newest events by their IDs, as many as it may.
///
/// An ID is kept as its XXH3 of 64 bits, which is the same in every release: with a million
/// events, one in 10^13 is taken for another.
#[derive(Clone, Debug, Default)]
pub struct Window {
    most: usize,
    known: HashSet<u64, BuildHasherDefault<AlreadyHashed>>,
    /// The oldest first.
    order: VecDeque<u64>,
}

impl Window {
    /// Remembers so many events.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// What stands for an ID.
    #[must_use]
    pub fn digest(id: &str) -> u64 {
        XxHash3_64::oneshot(id.as_bytes())
    }

    /// Whether an event is remembered.
    #[must_use]
    pub fn has(&self, digest: u64) -> bool {
        self.known.contains(&digest)
    }

    /// Remembers an event; the oldest is forgotten for it. Returns whether it is new.
    pub fn remember(&mut self, digest: u64) -> bool {
        if self.most == 0 {
            return true;
        }
        let is_new = self.known.insert(digest);
        if is_new {
            self.order.push_back(digest);
            if self.order.len() > self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
        }
        is_new
    }

    /// The newest events, at most so many; the oldest of them first.
    pub fn newest(&self, most: usize) -> impl Iterator<Item = u64> {
        self.order.iter().skip(self.order.len().saturating_sub(most)).copied()
    }
}

/// A digest is a hash already.
#[derive(Clone, Copy, Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = XxHash3_64::oneshot(bytes);
    }

    fn write_u64(&mut self, digest: u64) {
        self.0 = digest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_events_are_remembered() {
        let mut window = Window::new(3);
        for id in 1..=3 {
            assert!(window.remember(id));
        }
        assert!(!window.remember(1), "it is in the window");
        assert!(window.remember(4));
        assert!(!window.has(1) && window.has(2) && window.has(4));
        assert_eq!(window.newest(2).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(window.newest(9).count(), 3);
    }

    #[test]
    fn without_room_everything_is_new() {
        let mut window = Window::new(0);
        assert!(window.remember(1) && window.remember(1));
        assert_eq!(window.newest(9).count(), 0);
    }

    /// Checkpoints of earlier releases hold digests.
    #[test]
    fn a_digest_is_the_same_in_every_release() {
        let id = "31953106606966983378809025079804211143289615424298221568";
        assert_eq!(Window::digest(id), Window::digest(id));
        assert_eq!(Window::digest(""), 0x2d06_8005_38d3_94c2);
    }
}
