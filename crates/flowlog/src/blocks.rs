//! Finding blanks in 64 bytes at a time.

use wide::u8x16;

/// How many bytes are looked at together: one for each bit of a mask.
pub(crate) const BLOCK: usize = 64;

/// Where 64 bytes have blanks: bit 0 stands for the first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blanks {
    /// Spaces and every byte below them, line feeds included.
    pub(crate) all: u64,
    /// Line feeds.
    pub(crate) line_feeds: u64,
    /// Whether every byte is ASCII.
    pub(crate) is_ascii: bool,
}

impl Blanks {
    pub(crate) fn of(block: &[u8; BLOCK]) -> Self {
        let mut blanks = Self { all: 0, line_feeds: 0, is_ascii: false };
        let mut seen = u8x16::splat(0);
        for (part, shift) in block.as_chunks().0.iter().zip([0, 16, 32, 48]) {
            let bytes = u8x16::new(*part);
            let mask = |found: u8x16| u64::from(found.to_bitmask()) << shift;
            blanks.all |= mask(bytes.simd_le(u8x16::splat(b' ')));
            blanks.line_feeds |= mask(bytes.simd_eq(u8x16::splat(b'\n')));
            seen |= bytes;
        }
        blanks.is_ascii = seen.to_bitmask() == 0;
        blanks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Looking at all bytes at once finds what looking at each finds.
        #[test]
        fn blanks_are_found_wherever_they_stand(
            block in proptest::collection::vec(
                prop_oneof![
                    Just(b' '), Just(b'\n'), Just(0x0b), Just(0x1f), Just(b'!'), 0..0x80_u8,
                    any::<u8>(),
                ],
                BLOCK,
            )
        ) {
            let bits = |is_wanted: fn(u8) -> bool| {
                let wanted = block.iter().map(|byte| u64::from(is_wanted(*byte)));
                wanted.zip(0..).fold(0, |bits, (bit, place)| bits | bit << place)
            };
            let expected = Blanks {
                all: bits(|byte| byte <= b' '),
                line_feeds: bits(|byte| byte == b'\n'),
                is_ascii: block.is_ascii(),
            };
            let block = block.as_slice().try_into().unwrap();
            prop_assert_eq!(Blanks::of(block), expected);
        }
    }
}
