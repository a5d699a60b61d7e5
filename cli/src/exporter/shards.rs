//! Which shards are to be read: children when their parents are finished, so that the records of a
//! key are counted in their order.

use std::collections::{BTreeMap, BTreeSet};

use aws_adapters::Shard;

use super::state::ShardPlace;
use crate::arguments::StartArgument;

type Places = BTreeMap<String, ShardPlace>;

/// Where reading a stream begins that was never read: `now` in Unix milliseconds.
pub(crate) fn first_places(shards: &[Shard], start: StartArgument, now: i64) -> Places {
    let place = |shard: &Shard| match (start, shard.is_closed) {
        (StartArgument::Oldest, _) => ShardPlace::Oldest,
        // All that it has was there before.
        (StartArgument::Latest, true) => ShardPlace::Finished,
        (StartArgument::Latest, false) => ShardPlace::Since(now),
    };
    shards.iter().map(|shard| (shard.id.clone(), place(shard))).collect()
}

/// Brings places up to a list of shards: a new shard is read from its begin, and one that the
/// stream has forgotten is forgotten.
pub(crate) fn update(places: &mut Places, shards: &[Shard]) {
    let listed: BTreeSet<_> = shards.iter().map(|shard| shard.id.as_str()).collect();
    places.retain(|id, _| listed.contains(id.as_str()));
    for shard in shards {
        places.entry(shard.id.clone()).or_insert(ShardPlace::Oldest);
    }
}

/// The shards that can be read now and are not being read: all of their parents are finished or
/// forgotten.
pub(crate) fn ready<'s>(
    shards: &'s [Shard],
    places: &'s Places,
    being_read: &'s BTreeSet<String>,
) -> impl Iterator<Item = &'s str> {
    let is_finished = |id: &String| places.get(id).is_none_or(|at| *at == ShardPlace::Finished);
    let is_ready = move |shard: &&Shard| {
        !is_finished(&shard.id)
            && !being_read.contains(&shard.id)
            && shard.parents.iter().all(is_finished)
    };
    shards.iter().filter(is_ready).map(|shard| shard.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(id: &str, parents: &[&str], is_closed: bool) -> Shard {
        let parents = parents.iter().map(|parent| (*parent).to_owned()).collect();
        Shard { id: id.to_owned(), parents, is_closed }
    }

    /// One was split into two and three; three and four were merged to five.
    fn resharded() -> Vec<Shard> {
        vec![
            shard("1", &["0"], true),
            shard("2", &["1"], false),
            shard("3", &["1"], true),
            shard("4", &[], true),
            shard("5", &["3", "4"], false),
        ]
    }

    fn ready_now(places: &Places, being_read: &[&str]) -> Vec<String> {
        let being_read = being_read.iter().map(|id| (*id).to_owned()).collect();
        ready(&resharded(), places, &being_read).map(str::to_owned).collect()
    }

    #[test]
    fn children_wait_for_all_of_their_parents() {
        let mut places = first_places(&resharded(), StartArgument::Oldest, 7);
        assert_eq!(ready_now(&places, &[]), ["1", "4"]);
        assert_eq!(ready_now(&places, &["1"]), ["4"]);
        places.insert("1".to_owned(), ShardPlace::Finished);
        assert_eq!(ready_now(&places, &["4"]), ["2", "3"]);
        places.insert("3".to_owned(), ShardPlace::Finished);
        assert_eq!(ready_now(&places, &["2", "4"]), Vec::<String>::new());
        places.insert("4".to_owned(), ShardPlace::Finished);
        assert_eq!(ready_now(&places, &["2"]), ["5"]);
    }

    #[test]
    fn from_the_latest_on_only_open_shards_count() {
        let places = first_places(&resharded(), StartArgument::Latest, 7);
        assert_eq!(ready_now(&places, &[]), ["2", "5"]);
        assert_eq!(places["5"], ShardPlace::Since(7));
    }

    #[test]
    fn new_shards_are_read_from_their_begin_and_old_ones_forgotten() {
        let known = [("0", ShardPlace::Finished), ("1", ShardPlace::After("49".to_owned()))];
        let mut places: Places = known.map(|(id, place)| (id.to_owned(), place)).into();
        update(&mut places, &resharded());
        assert_eq!(places.keys().collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
        assert_eq!(places["1"], ShardPlace::After("49".to_owned()));
        assert_eq!(places["5"], ShardPlace::Oldest);
    }
}
