//! Sums by key: the flat table behind `top`.
//!
//! With millions of keys, nearly all the time goes into waiting for memory. So keys are packed
//! into 64 bits where they fit (two IPv4 addresses do), a slot is 24 bytes in one flat array,
//! and additions are collected in batches: first every slot of the batch is looked up, which a
//! processor does at the same time as there is no order between the look-ups, and only then are
//! the sums raised.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};

/// Sums of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    /// Of the records that count as downloads.
    pub download: u64,
    /// Of all other records.
    pub other: u64,
}

impl Sums {
    /// Both together.
    #[must_use]
    pub(crate) const fn total(self) -> u64 {
        self.download.saturating_add(self.other)
    }

    /// Adds another's sums.
    pub(crate) const fn add(&mut self, other: Self) {
        self.download = self.download.saturating_add(other.download);
        self.other = self.other.saturating_add(other.other);
    }
}

/// How many additions are collected: enough look-ups under way to hide memory's latency, few
/// enough to stay in the first cache.
const BATCH: usize = 64;

/// A table's smallest length; a power of two.
const FEWEST_SLOTS: usize = 1024;

/// The key of an empty slot. A key of this value is kept beside the table.
const EMPTY: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
struct Slot {
    key: u64,
    sums: Sums,
}

const EMPTY_SLOT: Slot = Slot { key: EMPTY, sums: Sums { download: 0, other: 0 } };

/// Sums by keys of 64 bits.
///
/// It has no copies, since each table needs a seed of its own: if the keys of one came to
/// another in the order of the same hash, they would crowd together there.
#[derive(Debug)]
pub(crate) struct PackedTally {
    /// A power of two of them, at least an eighth of them empty.
    slots: Vec<Slot>,
    used: usize,
    seed: u64,
    batch: Vec<Slot>,
    /// The sums of the one key that marks empty slots.
    of_empty_key: Option<Sums>,
}

impl Default for PackedTally {
    fn default() -> Self {
        Self {
            slots: vec![EMPTY_SLOT; FEWEST_SLOTS],
            used: 0,
            // Whoever sends traffic chooses addresses: he must not choose collisions.
            seed: RandomState::new().hash_one(0_u8),
            batch: Vec::with_capacity(BATCH),
            of_empty_key: None,
        }
    }
}

impl PackedTally {
    /// Adds to a key's sums.
    pub(crate) fn add(&mut self, key: u64, sums: Sums) {
        if key == EMPTY {
            self.of_empty_key.get_or_insert_default().add(sums);
            return;
        }
        self.batch.push(Slot { key, sums });
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    /// Every key with its sums, in no particular order.
    pub(crate) fn entries(&mut self) -> impl Iterator<Item = (u64, Sums)> {
        self.flush();
        let used = self.slots.iter().filter(|slot| slot.key != EMPTY);
        let used = used.map(|slot| (slot.key, slot.sums));
        used.chain(self.of_empty_key.map(|sums| (EMPTY, sums)))
    }

    /// How many keys there are.
    pub(crate) fn len(&mut self) -> usize {
        self.flush();
        self.used + usize::from(self.of_empty_key.is_some())
    }

    /// Adds another tally's sums.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        for (key, sums) in other.entries() {
            self.add(key, sums);
        }
    }

    fn flush(&mut self) {
        if (self.used + BATCH) * 8 > self.slots.len() * 7 {
            self.grow();
        }
        let mut batch = std::mem::take(&mut self.batch);
        let mut places = [0; BATCH];
        for (place, added) in places.iter_mut().zip(&batch) {
            *place = self.first_place(added.key);
        }
        // Touching the slots without needing the answer for the next one: the processor waits
        // for all of them at once.
        let mut keys = [EMPTY; BATCH];
        for (key, place) in keys.iter_mut().zip(&places).take(batch.len()) {
            *key = self.slots.get(*place).map_or(EMPTY, |slot| slot.key);
        }
        for ((added, place), key) in batch.iter().zip(&places).zip(&keys) {
            // A slot never changes its key, so that an answer that fits is still right.
            let place = if *key == added.key { *place } else { self.place_of(added.key, *place) };
            let Some(slot) = self.slots.get_mut(place) else { continue };
            self.used += usize::from(slot.key == EMPTY);
            slot.key = added.key;
            slot.sums.add(added.sums);
        }
        batch.clear();
        self.batch = batch;
    }

    /// Where the key is looked for first.
    fn first_place(&self, key: u64) -> usize {
        place_in(self.slots.len(), mixed(key ^ self.seed))
    }

    /// The key's slot, or the empty one that it shall have.
    fn place_of(&self, key: u64, first: usize) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = first;
        while let Some(slot) = self.slots.get(place) {
            if slot.key == key || slot.key == EMPTY {
                break;
            }
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let longer = vec![EMPTY_SLOT; self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, longer);
        for moved in old.into_iter().filter(|slot| slot.key != EMPTY) {
            let place = self.place_of(moved.key, self.first_place(moved.key));
            if let Some(slot) = self.slots.get_mut(place) {
                *slot = moved;
            }
        }
    }
}

/// A place among a power of two of slots, from the highest bits of a hash.
fn place_in(slots: usize, hash: u64) -> usize {
    let bits = slots.trailing_zeros();
    usize::try_from(hash >> (u64::BITS - bits)).unwrap_or_default()
}

/// Spreads a key over all bits: both halves of its product with an odd number.
const fn mixed(key: u64) -> u64 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = key as u128 * ODD;
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    let halves = (product >> 64) as u64 ^ product as u64;
    halves
}

/// Hashes bytes eight at a time, from a random seed.
#[derive(Clone, Debug)]
struct ByteHasher(u64);

impl Hasher for ByteHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.0 = mixed(self.0 ^ u64::from_le_bytes(*word)).rotate_left(5);
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.0 = mixed(self.0 ^ u64::from_le_bytes(last));
    }

    fn write_usize(&mut self, number: usize) {
        self.0 ^= number as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Clone, Debug)]
struct ByteSeed(u64);

impl Default for ByteSeed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(1_u8))
    }
}

impl BuildHasher for ByteSeed {
    type Hasher = ByteHasher;

    fn build_hasher(&self) -> ByteHasher {
        ByteHasher(self.0)
    }
}

/// Sums by keys of any length.
#[derive(Debug, Default)]
pub(crate) struct WideTally {
    sums: HashMap<Box<[u8]>, Sums, ByteSeed>,
}

impl WideTally {
    /// Adds to a key's sums. Allocates for a new key only.
    pub(crate) fn add(&mut self, key: &[u8], sums: Sums) {
        if let Some(found) = self.sums.get_mut(key) {
            found.add(sums);
        } else {
            self.sums.insert(key.into(), sums);
        }
    }

    /// Adds another tally's sums.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (key, sums) in other.sums {
            self.sums.entry(key).or_default().add(sums);
        }
    }

    /// Every key with its sums, in no particular order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], Sums)> {
        self.sums.iter().map(|(key, sums)| (&**key, *sums))
    }

    /// How many keys there are.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.sums.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ops::Range;

    use super::*;

    /// The table adds up what a map of the standard library adds up, growing on the way.
    #[test]
    fn sums_are_those_of_a_plain_map() {
        let mut tally = PackedTally::default();
        let mut expected: BTreeMap<u64, Sums> = BTreeMap::new();
        let mut state = 1_u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let key = if state.is_multiple_of(1000) { EMPTY } else { state >> 47 };
            let sums = Sums { download: state & 1, other: state & 0xff };
            tally.add(key, sums);
            expected.entry(key).or_default().add(sums);
        }
        assert_eq!(tally.len(), expected.len());
        assert_eq!(tally.entries().collect::<BTreeMap<_, _>>(), expected);
    }

    /// With the same seed in both, this would take minutes.
    #[test]
    fn large_tallies_become_one() {
        let tally = |keys: Range<u64>| {
            let mut tally = PackedTally::default();
            keys.for_each(|key| tally.add(key, Sums { download: 1, other: key }));
            tally
        };
        let mut all = tally(0..300_000);
        all.absorb(tally(200_000..480_000));
        assert_eq!(all.len(), 480_000);
        let shared =
            all.entries().filter(|(key, sums)| sums.download == 2 && sums.other == 2 * key);
        assert_eq!(shared.count(), 100_000);
    }

    #[test]
    fn wide_keys_are_added_up() {
        let mut tally = WideTally::default();
        for key in ["", "12345678", "123456789", "12345678"] {
            tally.add(key.as_bytes(), Sums { download: 1, other: 2 });
        }
        assert_eq!(tally.len(), 3);
        let sums = tally.entries().find(|(key, _)| *key == b"12345678").unwrap().1;
        assert_eq!(sums, Sums { download: 2, other: 4 });
    }

    #[test]
    fn sums_never_wrap() {
        let mut sums = Sums { download: u64::MAX, other: 1 };
        sums.add(Sums { download: 1, other: 1 });
        assert_eq!(sums, Sums { download: u64::MAX, other: 2 });
        assert_eq!(sums.total(), u64::MAX);
    }
}
