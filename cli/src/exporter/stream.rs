//! Reading a Kinesis stream: a task for each shard.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_adapters::{Batch, ReadError, ReadFrom, SdkConfig, Shard, Stream, StreamIdentity};
use deliveries::{Content, Unpacker};
use export::prometheus::{Counted, Counter, Subnets, Window};
use jiff::Timestamp;
use tokio::task::JoinSet;

use super::state::{ShardPlace, State, StreamPlace};
use super::{Exporter, Stop, denials, pace::Pace, shards, stopped};
use crate::arguments::StartArgument;
use crate::aws::unreadable;
use crate::error::Error;

/// How often shards are looked for beside when one has ended.
const DISCOVERY: Duration = Duration::from_mins(1);

/// How soon they are looked for again when that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// How a Kinesis record begins that CloudWatch Logs wrote: with gzip's mark.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads a stream.
pub(super) struct Reader {
    stream: Stream,
    /// What the stream had when it was read for the first time: nothing after a restart.
    fresh: BTreeSet<String>,
}

impl Reader {
    /// Finds the stream, and where reading it goes on or begins.
    pub(super) async fn find(
        name: &str,
        start: StartArgument,
        config: &SdkConfig,
        exporter: &Exporter,
    ) -> Result<Self, Error> {
        let stream = Stream::new(config, name).map_err(unreadable(name))?;
        let identity = stream.identity().await.map_err(unreadable(name))?;
        let known = exporter.state().places.stream.clone();
        let mut fresh = BTreeSet::new();
        if let Some(known) = known {
            refuse_other(name, &identity, &known)?;
        } else {
            let listed = stream.shards().await.map_err(unreadable(name))?;
            let now = Timestamp::now().as_millisecond();
            let shards = shards::first_places(&listed, start, now);
            fresh.extend(shards.keys().cloned());
            let StreamIdentity { arn, created } = identity;
            let mut state = exporter.state();
            state.places.stream = Some(StreamPlace { arn, created, shards });
            state.changes += 1;
        }
        Ok(Self { stream, fresh })
    }

    /// Reads until it is time to stop.
    pub(super) async fn read(self, exporter: Arc<Exporter>, mut stop: Stop) -> Result<(), Error> {
        let mut tasks: JoinSet<(String, Result<(), Error>)> = JoinSet::new();
        let mut being_read = BTreeSet::new();
        while !*stop.borrow() {
            let listed = self.list(&exporter).await;
            let pause = if listed.is_some() { DISCOVERY } else { AFTER_FAILURE };
            if let Some(listed) = listed {
                self.begin(&listed, &exporter, &stop, &mut tasks, &mut being_read);
            }
            tokio::select! {
                () = stopped(&mut stop) => {}
                () = tokio::time::sleep(pause) => {}
                Some(ended) = tasks.join_next() => {
                    let (shard, outcome) = ended.map_err(|_| failed_task())?;
                    outcome?;
                    being_read.remove(&shard);
                }
            }
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|_| failed_task())?.1?;
        }
        Ok(())
    }

    async fn list(&self, exporter: &Exporter) -> Option<Vec<Shard>> {
        const WHAT: &str = "looking for shards";
        match self.stream.shards().await {
            Ok(listed) => {
                exporter.health.works(WHAT);
                Some(listed)
            }
            Err(error) => {
                report(exporter, WHAT, &error);
                None
            }
        }
    }

    /// Begins to read what can be read now.
    fn begin(
        &self,
        listed: &[Shard],
        exporter: &Arc<Exporter>,
        stop: &Stop,
        tasks: &mut JoinSet<(String, Result<(), Error>)>,
        being_read: &mut BTreeSet<String>,
    ) {
        let mut state = exporter.state();
        let Some(place) = &mut state.places.stream else { return };
        shards::update(&mut place.shards, listed);
        let ready = shards::ready(listed, &place.shards, being_read);
        let ready: Vec<_> = ready.map(str::to_owned).collect();
        for shard in ready {
            being_read.insert(shard.clone());
            let reader = ShardReader {
                stream: self.stream.clone(),
                is_fresh: self.fresh.contains(&shard),
                answered: None,
                what: format!("reading {shard}"),
                shard,
                exporter: Arc::clone(exporter),
                counter: Counter::new(exporter.settings.format.clone()),
                unpacker: Unpacker::default(),
            };
            let stop = stop.clone();
            tasks.spawn(async move {
                let shard = reader.shard.clone();
                (shard, reader.read(stop).await)
            });
        }
    }
}

fn refuse_other(name: &str, found: &StreamIdentity, known: &StreamPlace) -> Result<(), Error> {
    if found.arn == known.arn && found.created == known.created {
        return Ok(());
    }
    let time = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    let reason = format!(
        "it is {}, created at {}; the checkpoint is of {}, created at {}: name another checkpoint",
        found.arn,
        time(found.created),
        known.arn,
        time(known.created)
    );
    Err(Error::Unreadable { name: name.to_owned(), reason })
}

fn failed_task() -> Error {
    Error::Refused("a task that reads a shard has failed".to_owned())
}

/// Notes a failed call: said once until it works again, or not at all if it is nothing unusual
/// unless it lasts.
fn report(exporter: &Exporter, what: &str, error: &ReadError) {
    exporter.health.count_failure(error);
    let reason = error.to_string();
    let is_news = exporter.health.fails(what, &reason);
    if is_news && !is_throttled(error) && !is_expired(error) {
        exporter.note(&format!("{what} failed, and is tried again: {reason}"));
    }
}

/// Why an iterator is asked for again.
fn is_expired(error: &ReadError) -> bool {
    error.code() == Some("ExpiredIteratorException")
}

/// Whether others are reading the shard, too, and just now.
fn is_throttled(error: &ReadError) -> bool {
    error.code() == Some("ProvisionedThroughputExceededException")
}

/// Whether a shard, or the place in it, is no more.
fn is_gone(error: &ReadError) -> bool {
    matches!(error.code(), Some("ResourceNotFoundException" | "InvalidArgumentException"))
}

/// Reads a shard.
struct ShardReader {
    stream: Stream,
    shard: String,
    /// Whether it was never asked for, so that `Since` means from now on. Later, what has come
    /// since would be left out.
    is_fresh: bool,
    /// When it was last answered, and how far behind it was.
    answered: Option<(Instant, Duration)>,
    /// What it does, in words.
    what: String,
    exporter: Arc<Exporter>,
    counter: Counter,
    unpacker: Unpacker,
}

impl ShardReader {
    /// Reads the shard to its end, or until it is time to stop.
    async fn read(mut self, mut stop: Stop) -> Result<(), Error> {
        let mut pace = Pace::new(Instant::now());
        let mut next = Next::Place;
        while next != Next::End {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                () = tokio::time::sleep_until(pace.next().into()) => {}
            }
            next = match &next {
                Next::Records(iterator) => self.records(iterator, &mut pace).await?,
                _ => self.iterator(&mut pace).await,
            };
        }
        self.exporter.health.works(&self.what);
        self.exporter.health.seen().shard_lags.remove(&self.shard);
        Ok(())
    }

    /// Asks for an iterator at the shard's place.
    async fn iterator(&mut self, pace: &mut Pace) -> Next {
        match self.iterator_at_place().await {
            Ok(Some(iterator)) => {
                self.is_fresh = false;
                Next::Records(iterator)
            }
            Ok(None) => Next::End,
            Err(error) => {
                pace.failed(Instant::now());
                report(&self.exporter, &self.what, &error);
                Next::Place
            }
        }
    }

    /// Reads and counts what comes next.
    async fn records(&mut self, iterator: &str, pace: &mut Pace) -> Result<Next, Error> {
        let began = Instant::now();
        let batch = match self.stream.records(iterator).await {
            Ok(batch) => batch,
            Err(error) => {
                pace.failed(Instant::now());
                report(&self.exporter, &self.what, &error);
                if let Some((then, behind)) = self.answered {
                    self.show_lag(behind + then.elapsed());
                }
                let is_over = is_expired(&error);
                return Ok(if is_over { Next::Place } else { Next::Records(iterator.to_owned()) });
            }
        };
        let bytes = batch.records.iter().map(|record| record.data.len()).sum();
        // What is behind is caught up with; what is not, is looked at now and then.
        let is_behind = !batch.behind.is_zero();
        let idle = if is_behind { Duration::ZERO } else { self.exporter.settings.poll };
        pace.answered(began, bytes, idle);
        tokio::task::block_in_place(|| self.count(&batch))?;
        self.answered = Some((began, batch.behind));
        self.show_lag(batch.behind);
        self.exporter.health.works(&self.what);
        if batch.next.is_none() {
            self.exporter.state().set_shard(&self.shard, ShardPlace::Finished);
        }
        Ok(batch.next.map_or(Next::End, Next::Records))
    }

    /// An iterator at the shard's place; none if there is nothing more to read.
    async fn iterator_at_place(&self) -> Result<Option<String>, ReadError> {
        let place = {
            let state = self.exporter.state();
            let stream = state.places.stream.as_ref();
            stream.and_then(|stream| stream.shards.get(&self.shard)).cloned()
        };
        let from = match &place {
            None | Some(ShardPlace::Finished) => return Ok(None),
            Some(ShardPlace::Oldest) => ReadFrom::Oldest,
            Some(ShardPlace::Since(_)) if self.is_fresh => ReadFrom::Latest,
            Some(ShardPlace::Since(time)) => {
                Timestamp::from_millisecond(*time).map_or(ReadFrom::Oldest, ReadFrom::Since)
            }
            Some(ShardPlace::After(number)) => ReadFrom::After(number),
        };
        let instead = match from {
            // Nothing of it was counted, and this machine's clock is ahead of AWS's.
            ReadFrom::Since(_) => ReadFrom::Latest,
            // The record was deleted by the stream's retention, and later ones perhaps, too.
            _ => ReadFrom::Oldest,
        };
        match self.stream.iterator(&self.shard, from).await {
            Err(error) if is_gone(&error) && from != instead => {
                self.exporter.note(&format!("{}: its place is gone: {error}", self.what));
                self.stream.iterator(&self.shard, instead).await.map(Some)
            }
            outcome => outcome.map(Some),
        }
    }

    /// Counts a batch, record by record.
    fn count(&mut self, batch: &Batch) -> Result<(), Error> {
        let subnets = self.exporter.networks.known();
        for record in &batch.records {
            let place = ShardPlace::After(record.sequence_number.clone());
            self.count_record(&record.data, place, &subnets)?;
        }
        Ok(())
    }

    fn show_lag(&self, lag: Duration) {
        let mut seen = self.exporter.health.seen();
        seen.shard_lags.insert(self.shard.clone(), lag.as_secs_f64());
    }

    /// Counts a record and notes its place, in one step.
    fn count_record(
        &mut self,
        data: &[u8],
        place: ShardPlace,
        subnets: &Subnets,
    ) -> Result<(), Error> {
        let exporter = Arc::clone(&self.exporter);
        let payload = Payload::count(data, self, subnets, None);
        let mut state = exporter.state();
        let problem = match payload {
            Ok(payload) => {
                let payload = self.without_duplicates(payload, data, subnets, &mut state);
                if let Some(denials) = &exporter.denials {
                    // They are written before the place is noted, so that none is lost.
                    denials.write(&payload.denied)?;
                }
                state.add(&payload.counted, exporter.settings.most_subnets);
                payload.counted.first_bad.map(|bad| format!("a bad line: {bad}"))
            }
            Err(reason) => {
                state.totals.bad_payloads += 1;
                Some(format!("a record is left out: {reason}"))
            }
        };
        state.set_shard(&self.shard, place);
        drop(state);
        if let Some(problem) = problem
            && exporter.health.names_another()
        {
            exporter.note(&format!("{}: {problem}", self.shard));
        }
        Ok(())
    }

    /// What is left of a payload without the events that were counted before: as a rule, all.
    fn without_duplicates<'s>(
        &mut self,
        payload: Payload<'s>,
        data: &[u8],
        subnets: &'s Subnets,
        state: &mut State,
    ) -> Payload<'s> {
        let digests = payload.digests.iter();
        let is_new: Vec<bool> = digests.map(|digest| state.window.remember(*digest)).collect();
        let duplicates = is_new.iter().filter(|is_new| !**is_new).count();
        if duplicates == 0 {
            return payload;
        }
        state.totals.duplicates += u64::try_from(duplicates).unwrap_or_default();
        // It could be counted before.
        Payload::count(data, self, subnets, Some(&is_new)).unwrap_or(payload)
    }
}

/// What is asked for next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// An iterator at the shard's place.
    Place,
    /// Records, by this iterator.
    Records(String),
    /// Nothing: the shard was read to its end, or is no more.
    End,
}

/// What a record of the stream adds up to.
struct Payload<'s> {
    counted: Counted<'s>,
    /// What stands for each of its events; nothing stands for lines.
    digests: Vec<u64>,
    /// Its denials, as lines.
    denied: Vec<u8>,
}

impl<'s> Payload<'s> {
    /// Counts a record, or those of its events that are wanted.
    fn count(
        data: &[u8],
        reader: &mut ShardReader,
        subnets: &'s Subnets,
        wanted: Option<&[bool]>,
    ) -> Result<Self, String> {
        let ends = reader.exporter.settings.ends;
        let logs_denied = reader.exporter.denials.is_some();
        let mut denied = vec![];
        let append = |record: &flowlog::Record<'_>, tally: &export::prometheus::Tally<'s>| {
            if logs_denied {
                denials::append(record, tally, &mut denied);
            }
        };
        if !data.starts_with(&GZIP) {
            if std::str::from_utf8(data).is_err() {
                return Err("it is neither gzip nor text".to_owned());
            }
            let counted = reader.counter.count(data, subnets, ends, append);
            return Ok(Self { counted, digests: vec![], denied });
        }
        let content = reader.unpacker.open_record(data).map_err(|error| error.to_string())?;
        let events = match &content {
            Content::Events(events) => events.log_events.as_slice(),
            Content::Control => &[],
        };
        let is_wanted = |place: usize| wanted.is_none_or(|wanted| wanted.get(place) == Some(&true));
        let messages = events.iter().enumerate().filter(|(place, _)| is_wanted(*place));
        let messages = messages.map(|(_, event)| event.message.trim_end_matches('\n'));
        let counted = reader.counter.count_messages(messages, subnets, ends, append);
        let digests = events.iter().map(|event| Window::digest(&event.id)).collect();
        Ok(Self { counted, digests, denied })
    }
}
