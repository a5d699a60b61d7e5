//! Sums by key: the table behind `top`.
//!
//! With millions of keys, nearly all the time goes into waiting for memory. So keys are packed
//! into 64 bits where they fit (two IPv4 addresses do), entries follow each other in the order in
//! which their keys came, and what is looked up at random is small: a slot of eight bytes for
//! each key. Additions are collected in batches: first every slot of the batch is looked up,
//! which a processor does at the same time as there is no order between the look-ups, and only
//! then are the sums raised.

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

/// A key and its sums.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    sums: Sums,
}

/// A slot that is no entry's. New memory is full of them.
const EMPTY: u64 = 0;

/// How many bits of a slot are the number of its entry, from 1: no memory has room for more
/// entries. The others are bits of the key's hash, so that hardly any other key's entry is looked
/// at.
const NUMBER_BITS: u32 = 40;

/// The slot of the entry at `place`.
const fn slot_of(hash: u64, place: usize) -> u64 {
    hash << NUMBER_BITS | (place as u64 + 1)
}

/// The place of the slot's entry, unless its key certainly has another hash.
fn place_of_entry(slot: u64, hash: u64) -> Option<usize> {
    let number = slot ^ hash << NUMBER_BITS;
    if number >> NUMBER_BITS != 0 {
        return None;
    }
    usize::try_from(number).ok()?.checked_sub(1)
}

/// Sums by keys of 64 bits.
#[derive(Debug)]
pub(crate) struct PackedTally {
    /// In the order in which the keys came.
    entries: Vec<Entry>,
    /// Where the keys' entries are. A power of two of them, at least a quarter of them empty.
    slots: Vec<u64>,
    seed: u64,
    batch: Vec<Entry>,
}

impl Default for PackedTally {
    fn default() -> Self {
        Self {
            entries: vec![],
            slots: vec![0; FEWEST_SLOTS],
            // Whoever sends traffic chooses addresses: he must not choose collisions.
            seed: RandomState::new().hash_one(0_u8),
            batch: Vec::with_capacity(BATCH),
        }
    }
}

impl PackedTally {
    /// Adds to a key's sums.
    pub(crate) fn add(&mut self, key: u64, sums: Sums) {
        self.batch.push(Entry { key, sums });
        if self.batch.len() == BATCH {
            self.flush();
        }
    }

    /// Every key with its sums, in no particular order.
    pub(crate) fn entries(&mut self) -> impl Iterator<Item = (u64, Sums)> {
        self.flush();
        self.entries.iter().map(|entry| (entry.key, entry.sums))
    }

    /// How many keys there are.
    pub(crate) fn len(&mut self) -> usize {
        self.flush();
        self.entries.len()
    }

    /// Adds another tally's sums.
    pub(crate) fn absorb(&mut self, mut other: Self) {
        for (key, sums) in other.entries() {
            self.add(key, sums);
        }
    }

    fn flush(&mut self) {
        if (self.entries.len() + BATCH) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let mut batch = std::mem::take(&mut self.batch);
        let mut hashes = [0; BATCH];
        for (hash, added) in hashes.iter_mut().zip(&batch) {
            *hash = self.hash(added.key);
        }
        // Nothing here needs the answer of the look-up before: the processor waits for all of
        // them at once.
        let mut found = [EMPTY; BATCH];
        for (found, hash) in found.iter_mut().zip(&hashes).take(batch.len()) {
            *found = self.slot(self.first_place(*hash));
        }
        for ((added, hash), found) in batch.iter().zip(hashes).zip(found) {
            self.add_now(*added, hash, found);
        }
        batch.clear();
        self.batch = batch;
    }

    /// Adds to a key's sums; `found` was in the first slot where the key is looked for.
    fn add_now(&mut self, added: Entry, hash: u64, found: u64) {
        let mut place = self.first_place(hash);
        // A slot that is an entry's stays so; an empty one may have been taken since.
        let mut slot = if found == EMPTY { self.slot(place) } else { found };
        while slot != EMPTY {
            let entry = place_of_entry(slot, hash).and_then(|place| self.entries.get_mut(place));
            if let Some(entry) = entry.filter(|entry| entry.key == added.key) {
                entry.sums.add(added.sums);
                return;
            }
            place = self.next_place(place);
            slot = self.slot(place);
        }
        self.fill(place, hash, self.entries.len());
        self.entries.push(added);
    }

    fn grow(&mut self) {
        self.slots = vec![EMPTY; self.slots.len() * 2];
        let entries = std::mem::take(&mut self.entries);
        for (number, entry) in entries.iter().enumerate() {
            let hash = self.hash(entry.key);
            let mut place = self.first_place(hash);
            while self.slot(place) != EMPTY {
                place = self.next_place(place);
            }
            self.fill(place, hash, number);
        }
        self.entries = entries;
    }

    fn hash(&self, key: u64) -> u64 {
        mixed(key ^ self.seed)
    }

    fn slot(&self, place: usize) -> u64 {
        self.slots.get(place).copied().unwrap_or(EMPTY)
    }

    fn fill(&mut self, place: usize, hash: u64, entry: usize) {
        if let Some(free) = self.slots.get_mut(place) {
            *free = slot_of(hash, entry);
        }
    }

    /// Where a key is looked for first: the highest bits of its hash.
    fn first_place(&self, hash: u64) -> usize {
        let bits = self.slots.len().trailing_zeros();
        usize::try_from(hash >> (u64::BITS - bits)).unwrap_or_default()
    }

    const fn next_place(&self, place: usize) -> usize {
        (place + 1) & (self.slots.len() - 1)
    }
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
            let key = if state.is_multiple_of(1000) { u64::MAX } else { state >> 47 };
            let sums = Sums { download: state & 1, other: state & 0xff };
            tally.add(key, sums);
            expected.entry(key).or_default().add(sums);
        }
        assert_eq!(tally.len(), expected.len());
        assert_eq!(tally.entries().collect::<BTreeMap<_, _>>(), expected);
    }

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
