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
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::key::Key;

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

    fn flush(&mut self) {
        let mut batch = mem::take(&mut self.batch);
        self.add_batch(&batch);
        batch.clear();
        self.batch = batch;
    }

    /// Adds at most [`BATCH`] entries.
    fn add_batch(&mut self, batch: &[Entry]) {
        if (self.entries.len() + BATCH) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        let mut hashes = [0; BATCH];
        for (hash, added) in hashes.iter_mut().zip(batch) {
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
        let entries = mem::take(&mut self.entries);
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

/// Sums by keys of either kind.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Those of 64 bits.
    pub packed: PackedTally,
    /// All others.
    pub wide: WideTally,
}

impl Table {
    /// Adds to a key's sums.
    #[inline]
    pub(crate) fn add(&mut self, key: Key<'_>, sums: Sums) {
        match key {
            Key::Packed(key) => self.packed.add(key, sums),
            Key::Wide(key) => self.wide.add(key, sums),
        }
    }

    /// How many keys there are.
    pub(crate) fn len(&mut self) -> usize {
        self.packed.len() + self.wide.len()
    }
}

/// Into how many parts a shared table is cut: a power of two, and enough of them that threads
/// seldom want the same one.
const PARTS: usize = 16;

/// How many additions to a part are collected before the part is asked for.
const MOST_WAITING: usize = 4 * BATCH;

/// How many wide keys a thread keeps before it passes them on. Their sums are raised here: where
/// there are few keys, nothing has to be passed on.
const MOST_WIDE_KEYS: usize = 4096;

/// A table that several threads add to. One key is in one part, so that nothing has to be merged,
/// and no key is held twice.
#[derive(Debug)]
pub(crate) struct SharedTable {
    parts: Vec<Mutex<Table>>,
    hasher: ByteSeed,
}

impl SharedTable {
    /// No keys yet.
    pub(crate) fn new() -> Self {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Self { parts, hasher: ByteSeed::default() }
    }

    /// One thread's way to add to it.
    pub(crate) fn additions(&self) -> Additions<'_> {
        let waiting = (0..PARTS).map(|_| Vec::with_capacity(MOST_WAITING)).collect();
        Additions { table: self, waiting, wide: WideTally::default() }
    }

    /// The parts. No key is in two of them.
    pub(crate) fn into_parts(self) -> Vec<Table> {
        let parts = self.parts.into_iter().map(Mutex::into_inner);
        parts.map(|part| part.unwrap_or_else(PoisonError::into_inner)).collect()
    }

    /// The part of a hash; the lowest bits choose it.
    #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is wanted")]
    const fn place(hash: u64) -> usize {
        hash as usize % PARTS
    }

    fn lock(&self, place: usize) -> Option<MutexGuard<'_, Table>> {
        // Who has panicked with a part in his hands ends the whole reading.
        Some(self.parts.get(place)?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a thread adds to a shared table. What is not [finished](Self::finish) is lost.
#[derive(Debug)]
pub(crate) struct Additions<'t> {
    table: &'t SharedTable,
    /// For each part.
    waiting: Vec<Vec<Entry>>,
    wide: WideTally,
}

impl Additions<'_> {
    /// Adds to a key's sums.
    #[inline]
    pub(crate) fn add(&mut self, key: Key<'_>, sums: Sums) {
        match key {
            Key::Packed(key) => self.add_packed(Entry { key, sums }),
            Key::Wide(key) => {
                self.wide.add(key, sums);
                if self.wide.len() >= MOST_WIDE_KEYS {
                    self.pass_wide_on();
                }
            }
        }
    }

    /// Adds what was still waiting.
    pub(crate) fn finish(mut self) {
        for place in 0..PARTS {
            self.pass_on(place);
        }
        self.pass_wide_on();
    }

    fn add_packed(&mut self, added: Entry) {
        let place = SharedTable::place(mixed(added.key ^ self.table.hasher.0));
        let Some(waiting) = self.waiting.get_mut(place) else { return };
        waiting.push(added);
        if waiting.len() == MOST_WAITING {
            self.pass_on(place);
        }
    }

    fn pass_on(&mut self, place: usize) {
        let Some(waiting) = self.waiting.get_mut(place) else { return };
        let Some(mut part) = self.table.lock(place) else { return };
        for batch in waiting.chunks(BATCH) {
            part.packed.add_batch(batch);
        }
        waiting.clear();
    }

    fn pass_wide_on(&mut self) {
        let mut by_part: Vec<Vec<_>> = (0..PARTS).map(|_| vec![]).collect();
        for (key, sums) in self.wide.sums.drain() {
            let place = SharedTable::place(self.table.hasher.hash_one(&*key));
            if let Some(part) = by_part.get_mut(place) {
                part.push((key, sums));
            }
        }
        for (place, added) in by_part.into_iter().enumerate() {
            let Some(mut part) = self.table.lock(place) else { return };
            for (key, sums) in added {
                part.wide.sums.entry(key).or_default().add(sums);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::thread;

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

    /// Threads that add to one table add up what one thread adds up, with keys of both kinds.
    #[test]
    fn threads_add_to_one_table() {
        const THREADS: u64 = 3;
        const KEYS: u64 = 100_000;
        let table = SharedTable::new();
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    let mut additions = table.additions();
                    for key in 0..KEYS {
                        let sums = Sums { download: 1, other: key };
                        additions.add(Key::Packed(key), sums);
                        additions.add(Key::Wide(&(key / 10).to_be_bytes()), sums);
                    }
                    additions.finish();
                });
            }
        });
        let mut parts = table.into_parts();
        let packed: Vec<_> = parts.iter_mut().flat_map(|part| part.packed.entries()).collect();
        let sums = |(key, sums)| sums == Sums { download: THREADS, other: THREADS * key };
        assert!(packed.iter().copied().all(sums));
        assert_eq!(packed.len() as u64, KEYS);
        let wide: Vec<_> = parts.iter().flat_map(|part| part.wide.entries()).collect();
        assert!(wide.iter().all(|(_, sums)| sums.download == 10 * THREADS));
        assert_eq!(wide.len() as u64, KEYS / 10);
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
