//! Time as NetFlow v5 and v9 tell it: in milliseconds since the device started.
//!
//! A collector takes `unix_secs - sysUptime` for the start of the device and adds each flow's
//! milliseconds to it. These have 32 bits: 49 days.
//! <https://www.rfc-editor.org/rfc/rfc3954#section-5.1>

use super::flow::Flow;
use super::shape::Shape;

/// The most seconds that fit into 32 bits as milliseconds: 49 days and 17 hours.
const LONGEST: u32 = u32::MAX / 1000;

/// How long before the first flow the device is said to have started: records come out of order.
const MARGIN: u32 = 86_400;

/// Unix seconds of the first and the last thing that a flow says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    oldest: u32,
    newest: u32,
}

impl Span {
    /// The span of a flow's start and end; of one of them, if it lacks the other. None if it
    /// lacks both.
    #[inline]
    pub(crate) const fn of(flow: &Flow, shape: Shape) -> Option<Self> {
        let (start, end) = (flow.start, flow.end);
        match (shape.has(Shape::LACKS_START), shape.has(Shape::LACKS_END)) {
            (false, false) if start <= end => Some(Self { oldest: start, newest: end }),
            (false, false) => Some(Self { oldest: end, newest: start }),
            (false, true) => Some(Self { oldest: start, newest: start }),
            (true, false) => Some(Self { oldest: end, newest: end }),
            (true, true) => None,
        }
    }

    /// Whether no start of a device lets both its ends be told.
    #[inline]
    pub(crate) const fn is_too_long(self) -> bool {
        self.newest - self.oldest >= LONGEST
    }
}

/// The time that one datagram can tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    /// When the device is said to have started, in Unix seconds.
    boot: u32,
    /// The last thing that a flow of the datagram says.
    newest: u32,
}

impl Window {
    /// Whether a flow can be told of with this start of the device, which must lie before it:
    /// nothing lies before the start of Unix time.
    #[inline]
    pub(crate) const fn holds(self, span: Span) -> bool {
        (span.oldest > self.boot || self.boot == 0) && span.newest - self.boot <= LONGEST
    }

    /// A start of the device for a flow that is not too long, and for others around it.
    pub(crate) fn around(span: Span) -> Self {
        let boot = span.oldest.saturating_sub(MARGIN).max(span.newest.saturating_sub(LONGEST));
        Self { boot, newest: 0 }
    }

    /// A start of the device for datagrams that tell no time.
    pub(crate) const fn before(now: u32) -> Self {
        Self { boot: now.saturating_sub(MARGIN), newest: 0 }
    }

    /// Whether no start of the device was chosen.
    pub(crate) const fn is_unset(self) -> bool {
        self.boot == 0
    }

    /// The window of the next datagram.
    pub(crate) const fn next(self) -> Self {
        Self { newest: 0, ..self }
    }

    #[inline]
    pub(crate) fn extend(&mut self, span: Span) {
        self.newest = self.newest.max(span.newest);
    }

    /// A time, which the window holds, in milliseconds since the device's start.
    #[inline]
    pub(crate) const fn uptime(self, unix_seconds: u32) -> u32 {
        unix_seconds.wrapping_sub(self.boot).wrapping_mul(1000)
    }

    /// `sysUptime` and `unix_secs` of the datagram: those of `now`, as far as its flows allow. It
    /// is not older than they are, or collectors take the uptime for one that has wrapped.
    pub(crate) fn header(self, now: u32) -> (u32, u32) {
        let first = self.newest.max(self.boot);
        let last = self.boot.saturating_add(LONGEST);
        let unix_seconds = now.clamp(first, last.max(first));
        (self.uptime(unix_seconds), unix_seconds)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever a datagram holds, a collector finds the times that were put in.
        #[test]
        fn times_are_found_again(
            first in 0..u32::MAX,
            length in 0..LONGEST,
            others in proptest::collection::vec((0..u32::MAX, 0..LONGEST), 0..4),
            now: u32,
        ) {
            let span = |oldest: u32, length| Span { oldest, newest: oldest.saturating_add(length) };
            let mut window = Window::around(span(first, length));
            prop_assert!(window.holds(span(first, length)));
            let held: Vec<_> = [(first, length)]
                .into_iter()
                .chain(others)
                .map(|(oldest, length)| span(oldest, length))
                .filter(|span| window.holds(*span))
                .collect();
            for span in &held {
                window.extend(*span);
            }
            let (uptime, unix_seconds) = window.header(now);
            let boot = i64::from(unix_seconds) * 1000 - i64::from(uptime);
            for time in held.iter().flat_map(|span| [span.oldest, span.newest]) {
                prop_assert_eq!(boot + i64::from(window.uptime(time)), i64::from(time) * 1000);
                // Otherwise a collector takes it for an uptime before a wrap.
                prop_assert!(window.uptime(time) <= uptime);
            }
            for span in held.iter().filter(|span| span.oldest > 0) {
                prop_assert!(boot < i64::from(span.oldest) * 1000);
            }
        }
    }

    #[test]
    fn a_device_starts_before_the_flows_of_1970_too() {
        let window = Window::around(Span { oldest: MARGIN + 100, newest: MARGIN + 160 });
        assert!(window.holds(Span { oldest: 101, newest: 160 }));
        assert!(!window.holds(Span { oldest: 100, newest: 160 }));
        assert!(!window.holds(Span { oldest: 0, newest: 160 }));
        assert!(
            Window::around(Span { oldest: 0, newest: 60 }).holds(Span { oldest: 0, newest: 0 })
        );
    }

    #[test]
    fn the_time_is_now_as_far_as_possible() {
        let mut window = Window::around(Span { oldest: 1_700_000_000, newest: 1_700_000_060 });
        window.extend(Span { oldest: 1_700_000_000, newest: 1_700_000_060 });
        let boot = 1_700_000_000 - MARGIN;
        let day_later = 1_700_086_400;
        assert_eq!(window.header(day_later), (2 * MARGIN * 1000, day_later));
        let year_later = 1_731_536_000;
        assert_eq!(window.header(year_later), (LONGEST * 1000, boot + LONGEST));
        // Clocks differ: a flow may have ended later than now.
        assert_eq!(window.header(1_700_000_030).1, 1_700_000_060);
    }
}
