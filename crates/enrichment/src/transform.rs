//! From an event of Firehose to its answer.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    time::{Duration, Instant},
};

use flowlog::{Field, Format, Record};
use report::interface::{NetworkInterface, Tags};

use crate::{
    answer::{Answer, MOST_ANSWER_BYTES, Place},
    document::{self, Layout},
    event::{Event, EventRecord},
    geolocation::{DatabaseError, Geolocation},
    interfaces::{Found, Interfaces},
    reader::{NoRecord, RecordReader},
    timestamps::Timestamps,
};

/// How many addresses are remembered, 24 bytes each.
pub const MOST_ADDRESSES: NonZeroUsize = NonZeroUsize::new(1 << 16).unwrap();

/// How many formats are prepared for writing at a time.
const MOST_LAYOUTS: usize = 16;

/// How many records that are none are told of, each with its reason.
const MOST_REASONS: usize = 5;

/// Makes documents of records. What it has learnt it keeps from one event to the next.
pub struct Enricher<S: AsRef<[u8]>> {
    reader: RecordReader,
    interfaces: Interfaces,
    writer: Writer<S>,
    most_answer_bytes: usize,
}

/// Interfaces that EC2 has to be asked about before an event can be answered; see
/// [`Enricher::learn`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownInterfaces(pub Vec<String>);

/// Why an event is not answered.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// EC2 has to be asked first.
    #[error("the interfaces {} are not known yet", .0.0.join(", "))]
    Unknown(UnknownInterfaces),
    /// A database is not what it should be.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// What became of an event's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many are documents now.
    pub documents: usize,
    /// How many held no record: header lines, messages that ask whether somebody listens.
    pub without_record: usize,
    /// How many are no records.
    pub failed: usize,
    /// The IDs of the first of them, and what is wrong.
    pub reasons: Vec<(String, NoRecord)>,
}

/// An event's answer, but for what has to be put back.
#[derive(Debug)]
pub struct Transformed {
    /// What became of the records.
    pub outcome: Outcome,
    json: String,
    overflow: Vec<(usize, Place)>,
}

impl Transformed {
    /// The places, in the event, of the records that found no room in the answer, in rising
    /// order. They are to be put into the stream again.
    pub fn overflow(&self) -> impl Iterator<Item = usize> {
        self.overflow.iter().map(|(record, _)| *record)
    }

    /// The answer's JSON. `not_put_back` are those of [`Transformed::overflow`] that the stream
    /// did not take, in rising order: Firehose keeps them in the bucket.
    #[must_use]
    pub fn into_json(mut self, not_put_back: &[usize]) -> String {
        // From the end, so that the places before it stay.
        for (record, place) in self.overflow.into_iter().rev() {
            if not_put_back.binary_search(&record).is_ok() {
                Answer::fail(&mut self.json, place);
            }
        }
        self.json
    }
}

impl<S: AsRef<[u8]>> Enricher<S> {
    /// Without a `format`, each record's is told from its content or from its header line. What
    /// EC2 says of an interface is believed for as long as `most_age`.
    #[must_use]
    pub fn new(format: Option<Format>, geolocation: Geolocation<S>, most_age: Duration) -> Self {
        Self {
            reader: RecordReader::new(format),
            interfaces: Interfaces::new(most_age),
            writer: Writer::new(geolocation),
            most_answer_bytes: MOST_ANSWER_BYTES,
        }
    }

    /// The same with answers of at most so many bytes.
    #[must_use]
    pub fn answering_at_most(mut self, bytes: usize) -> Self {
        self.most_answer_bytes = bytes;
        self
    }

    /// Remembers what EC2 has answered about interfaces: those that it does not mention do not
    /// exist. `instance_tags` are those of their instances.
    pub fn learn(
        &mut self,
        asked: &UnknownInterfaces,
        interfaces: &[NetworkInterface],
        instance_tags: &BTreeMap<String, Tags>,
        now: Instant,
    ) {
        self.interfaces.learn(&asked.0, interfaces, instance_tags, now);
    }

    /// Answers an event, unless EC2 has to be asked first: then all of it is to be transformed
    /// again. `now` is the same both times.
    pub fn transform(&mut self, event: &Event<'_>, now: Instant) -> Result<Transformed, NoAnswer> {
        let mut batch = Batch::new(event, self.most_answer_bytes);
        let mut unknown = BTreeSet::new();
        let mut data = vec![];
        for (index, record) in event.records.iter().enumerate() {
            data.clear();
            let document = match record.decode(&mut data) {
                Some(()) => self.document(&data, &mut unknown, now)?,
                None => Err(NoRecord::NotBase64),
            };
            if unknown.is_empty() {
                batch.answer(index, record, document);
            }
        }
        if unknown.is_empty() {
            Ok(batch.finish())
        } else {
            Err(NoAnswer::Unknown(UnknownInterfaces(unknown.into_iter().collect())))
        }
    }

    /// The document of a record's bytes, if they hold a record.
    fn document(
        &mut self,
        data: &[u8],
        unknown: &mut BTreeSet<String>,
        now: Instant,
    ) -> Result<Result<Option<&[u8]>, NoRecord>, DatabaseError> {
        let (interfaces, writer) = (&self.interfaces, &mut self.writer);
        let written = self.reader.read(data, |record| {
            let id = record.text(Field::InterfaceId).filter(|id| *id != "-");
            let found = id.map_or(Found::Absent, |id| interfaces.get(id, now));
            if let (Found::Unknown, Some(id)) = (&found, id) {
                unknown.insert(id.to_owned());
            }
            // With something unknown, everything is written again.
            if unknown.is_empty() { writer.write(record, &found) } else { Ok(()) }
        });
        Ok(match written {
            Ok(Some(written)) => {
                written?;
                Ok(Some(self.writer.document.as_slice()))
            }
            Ok(None) => Ok(None),
            Err(no_record) => Err(no_record),
        })
    }
}

/// Writes documents.
struct Writer<S: AsRef<[u8]>> {
    geolocation: Geolocation<S>,
    times: Timestamps,
    layouts: Vec<Layout>,
    document: Vec<u8>,
}

impl<S: AsRef<[u8]>> Writer<S> {
    fn new(geolocation: Geolocation<S>) -> Self {
        Self { geolocation, times: Timestamps::default(), layouts: vec![], document: vec![] }
    }

    fn write(&mut self, record: &Record<'_>, found: &Found<'_>) -> Result<(), DatabaseError> {
        let place = self.layout(record.format());
        let Some(layout) = self.layouts.get(place) else { return Ok(()) };
        let said = layout.write(record, &mut self.times, &mut self.document);
        if let Found::Known(interface) = found {
            document::push_interface(interface, said, record, &mut self.document);
        }
        document::push_places(&mut self.geolocation, record, &mut self.document)?;
        document::finish(&mut self.document);
        Ok(())
    }

    /// Where the format's layout is.
    fn layout(&mut self, format: &Format) -> usize {
        if let Some(place) = self.layouts.iter().position(|layout| layout.is_of(format)) {
            return place;
        }
        self.layouts.truncate(MOST_LAYOUTS - 1);
        self.layouts.push(Layout::new(format));
        self.layouts.len() - 1
    }
}

/// An event on its way to its answer.
struct Batch {
    answer: Answer,
    outcome: Outcome,
    overflow: Vec<(usize, Place)>,
    can_put_back: bool,
}

impl Batch {
    fn new(event: &Event<'_>, most_answer_bytes: usize) -> Self {
        Self {
            answer: Answer::new(&event.records, most_answer_bytes),
            outcome: Outcome::default(),
            overflow: vec![],
            can_put_back: event.delivery_stream_name().is_some(),
        }
    }

    fn answer(
        &mut self,
        index: usize,
        record: &EventRecord<'_>,
        document: Result<Option<&[u8]>, NoRecord>,
    ) {
        match document {
            Ok(Some(document)) if self.answer.ok(record, document) => self.outcome.documents += 1,
            // Each time round, something was delivered: no record goes round for ever.
            Ok(Some(_)) if self.can_put_back && self.outcome.documents > 0 => {
                self.overflow.push((index, self.answer.put_back(record)));
            }
            Ok(Some(_)) => self.fail(record, NoRecord::TooLarge),
            Ok(None) => {
                self.answer.dropped(record);
                self.outcome.without_record += 1;
            }
            Err(reason) => self.fail(record, reason),
        }
    }

    fn fail(&mut self, record: &EventRecord<'_>, reason: NoRecord) {
        self.answer.failed(record);
        self.outcome.failed += 1;
        if self.outcome.reasons.len() < MOST_REASONS {
            self.outcome.reasons.push((record.record_id.to_string(), reason));
        }
    }

    fn finish(self) -> Transformed {
        Transformed { outcome: self.outcome, json: self.answer.finish(), overflow: self.overflow }
    }
}
