//! From the objects of an event to the collectors.

use std::time::{Duration, Instant};

use export::netflow::{Protocol, WANTED_FIELDS};
use flowlog::{Field, Format, FormatField, LogStatus, Record};
use notifications::{Object, PartialFailures, Told};
use objects::ObjectRecords;
use tracing::{error, warn};

use crate::stream::{Deadline, Stream};
use crate::{Buckets, Error, Sequences, Settings, Summary};

/// How many bad lines of an object are repeated in the log.
const MOST_BAD_LINES: u32 = 5;

/// Sends the objects of invocations.
#[derive(Debug)]
pub struct Forwarder<'f, B, S> {
    settings: &'f Settings,
    buckets: &'f B,
    sequences: &'f S,
}

/// What became of an event.
#[derive(Debug)]
pub struct Forwarded {
    /// The messages of SQS that must come again; none if the event did not come from there.
    pub answer: Option<PartialFailures>,
    /// What became of the records.
    pub summary: Summary,
}

/// An object that was sent.
struct Sent<'o, F> {
    object: &'o Object,
    found: F,
}

impl<'f, B: Buckets, S: Sequences> Forwarder<'f, B, S> {
    /// A forwarder that reads and counts through these.
    #[must_use]
    pub const fn new(settings: &'f Settings, buckets: &'f B, sequences: &'f S) -> Self {
        Self { settings, buckets, sequences }
    }

    /// Sends every object that an event tells of. Messages of SQS that fail are in the answer; the
    /// failure of anything else is an error, once the other objects have been sent.
    ///
    /// `token` must be another one for each invocation, that of an event that Lambda tries again
    /// included.
    pub async fn forward(
        &self,
        told: &[Told],
        token: &str,
        time_left: Duration,
    ) -> Result<Forwarded, Error> {
        let started = Instant::now();
        let deadline = Deadline::after(time_left);
        let stream = Stream::open(self.settings, self.sequences, token)?;
        let mut sender = Sender { forwarder: self, stream, deadline, summary: Summary::default() };
        let done = sender.send_all(told).await;
        sender.summary.sent = sender.stream.counts();
        sender.summary.log(started.elapsed().as_secs_f64());
        Ok(Forwarded { answer: done?, summary: sender.summary })
    }
}

/// One invocation.
struct Sender<'s, 'f, B, S> {
    forwarder: &'s Forwarder<'f, B, S>,
    stream: Stream<'f, S>,
    deadline: Deadline,
    summary: Summary,
}

impl<B: Buckets, S: Sequences> Sender<'_, '_, B, S> {
    async fn send_all(&mut self, told: &[Told]) -> Result<Option<PartialFailures>, Error> {
        let mut failures = PartialFailures::default();
        let mut sent = vec![];
        let mut first_error = None;
        for group in told {
            match self.send_group(group).await {
                Ok(objects) => sent.extend(objects),
                Err(error) => {
                    error!(error = error.name(), message = group.message_id, "{error}");
                    match &group.message_id {
                        Some(id) => failures.add(id),
                        None => first_error = first_error.or(Some(error)),
                    }
                }
            }
        }
        if self.summary.objects > 0 {
            self.stream.report().await?;
        }
        self.stream.check()?;
        self.delete(sent).await?;
        let is_of_sqs = told.iter().any(|group| group.message_id.is_some());
        first_error.map_or(Ok(is_of_sqs.then_some(failures)), Err)
    }

    /// Sends the objects of what succeeds or fails together; of several that fail, the first one's
    /// error is told.
    async fn send_group<'o>(&mut self, group: &'o Told) -> Result<Vec<Sent<'o, B::Found>>, Error> {
        if let Some(error) = &group.error {
            return Err(error.clone().into());
        }
        let mut sent = vec![];
        let mut first_error = None;
        for object in &group.objects {
            match self.send_object(object).await {
                Ok(found) => sent.extend(found.map(|found| Sent { object, found })),
                Err(error) => {
                    self.summary.failed_objects += 1;
                    self.stream.abandon();
                    first_error = first_error.or(Some(error));
                }
            }
        }
        first_error.map_or(Ok(sent), Err)
    }

    /// Sends an object to its last record. None if it was sent and deleted before.
    async fn send_object(&mut self, object: &Object) -> Result<Option<B::Found>, Error> {
        let url = url(object);
        let not_read = |source| Error::ObjectNotRead { object: url.clone(), source };
        let buckets = self.forwarder.buckets;
        let Some(found) = buckets.find(object).await.map_err(not_read)? else {
            if self.forwarder.settings.delete_objects {
                warn!("{url} is gone: an earlier invocation has sent and deleted it");
                return Ok(None);
            }
            return Err(Error::ObjectGone { object: url });
        };
        let mut download = buckets.open(&found);
        let mut reading = Reading::new(self.forwarder.settings, &url);
        self.check_time(&reading)?;
        while !reading.records.is_read() {
            match buckets.next(&mut download).await.map_err(not_read)? {
                Some(piece) => reading.records.push(piece),
                None => reading.records.end(),
            }
            self.send_read(&mut reading).await?;
        }
        self.stream.finish().await?;
        self.summary.add_read(reading.records.counts());
        self.summary.objects += 1;
        Ok(Some(found))
    }

    /// Sends the records that have come so far.
    async fn send_read(&mut self, reading: &mut Reading<'_>) -> Result<(), Error> {
        while reading.encode_block(&mut self.stream, &mut self.summary)? {
            self.check_time(reading)?;
            if self.stream.is_due() {
                self.stream.send().await?;
            }
        }
        Ok(())
    }

    fn check_time(&self, reading: &Reading<'_>) -> Result<(), Error> {
        if self.deadline.leaves(self.stream.sending_time()) {
            return Ok(());
        }
        let records = reading.records.counts().read;
        Err(Error::OutOfTime { object: reading.url.to_owned(), records })
    }

    async fn delete(&mut self, sent: Vec<Sent<'_, B::Found>>) -> Result<(), Error> {
        if !self.forwarder.settings.delete_objects {
            return Ok(());
        }
        for Sent { object, found } in sent {
            let deleted = self.forwarder.buckets.delete(&found).await;
            let failed = |source| Error::ObjectNotDeleted { object: url(object), source };
            deleted.map_err(failed)?;
            self.summary.deleted_objects += 1;
        }
        Ok(())
    }
}

fn url(object: &Object) -> String {
    format!("s3://{}/{}", object.bucket, object.key)
}

/// An object that is being read.
struct Reading<'r> {
    settings: &'r Settings,
    url: &'r str,
    records: ObjectRecords,
    /// The last format that has every field that is needed.
    format: Option<Format>,
    bad_lines_told: u32,
}

impl<'r> Reading<'r> {
    fn new(settings: &'r Settings, url: &'r str) -> Self {
        let fields: Vec<_> = WANTED_FIELDS.into_iter().chain([Field::ResourceId]).collect();
        let records = ObjectRecords::checking(settings.format.clone(), &fields);
        Self { settings, url, records, format: None, bad_lines_told: 0 }
    }

    /// Encodes the next block of records. False until more of the object has come.
    fn encode_block<S: Sequences>(
        &mut self,
        stream: &mut Stream<'_, S>,
        summary: &mut Summary,
    ) -> Result<bool, Error> {
        let (settings, url) = (self.settings, self.url);
        let refused = |source| Error::ObjectRefused { object: url.to_owned(), source };
        let Some(mut records) = self.records.next().map_err(refused)? else { return Ok(false) };
        while let Some(record) = records.next() {
            match record {
                Ok(record) => add(settings, &record, stream, summary),
                Err(bad) if self.bad_lines_told < MOST_BAD_LINES => {
                    self.bad_lines_told += 1;
                    warn!("{url}: {bad}");
                }
                Err(_) => {}
            }
        }
        let format = records.format();
        if self.format.as_ref() != Some(format) {
            check_fields(settings, url, format)?;
            self.format = Some(format.clone());
        }
        Ok(true)
    }
}

#[inline]
fn add<S: Sequences>(
    settings: &Settings,
    record: &Record<'_>,
    stream: &mut Stream<'_, S>,
    summary: &mut Summary,
) {
    let leg = settings.gateways.as_ref().and_then(|gateways| gateways.leg(record));
    if settings.only_ends && record.status() == LogStatus::Ok {
        match leg {
            Some(leg) if leg.names_both_ends() => {}
            Some(_) => return summary.other_legs += 1,
            None => return summary.no_connection += 1,
        }
    }
    stream.add(record, leg);
}

/// Refuses records of which none could be sent: silence would look like no traffic.
fn check_fields(settings: &Settings, url: &str, format: &Format) -> Result<(), Error> {
    const LEGS: [Field; 4] = [Field::SrcAddr, Field::DstAddr, Field::PktSrcAddr, Field::PktDstAddr];
    const V5: [Field; 4] = [Field::Bytes, Field::Packets, Field::Start, Field::End];
    let has = |field: &Field| format.position(*field).is_some();
    let lacks = |fields: &[Field]| -> Vec<_> {
        fields.iter().filter(|field| !has(field)).map(|field| field.token()).collect()
    };
    let refuse = |missing: Vec<&str>, what| Error::FieldsMissing {
        object: url.to_owned(),
        missing: missing.join(", "),
        what,
        fields: format.fields().iter().map(FormatField::name).collect::<Vec<_>>().join(", "),
    };
    let ends = [[Field::SrcAddr, Field::PktSrcAddr], [Field::DstAddr, Field::PktDstAddr]];
    if let Some(end) = ends.iter().find(|end| !end.iter().any(has)) {
        return Err(refuse(lacks(end), "no flow has two ends"));
    }
    let missing = lacks(&LEGS);
    if settings.only_ends && !missing.is_empty() {
        return Err(refuse(missing, "the legs of a connection cannot be told apart"));
    }
    let missing = lacks(&V5);
    if settings.datagrams.protocol == Protocol::V5 && !missing.is_empty() {
        return Err(refuse(missing, "there is no NetFlow v5"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    use std::net::UdpSocket;

    use super::*;
    use crate::PortError;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Objects by their keys, of a bucket that counts what is deleted.
    #[derive(Default)]
    struct Memory {
        objects: BTreeMap<&'static str, &'static [u8]>,
        deleted: RefCell<Vec<String>>,
    }

    impl Buckets for Memory {
        type Found = String;
        type Stream = std::vec::IntoIter<Vec<u8>>;

        async fn find(&self, object: &Object) -> Result<Option<String>, PortError> {
            if object.key == "forbidden" {
                return Err(PortError("s3:HeadObject was refused: AccessDenied".to_owned()));
            }
            Ok(self.objects.get(&*object.key).map(|_| object.key.clone()))
        }

        fn open(&self, found: &String) -> Self::Stream {
            let pieces = self.objects[&**found].chunks(16).map(<[u8]>::to_vec);
            pieces.collect::<Vec<_>>().into_iter()
        }

        async fn next(&self, stream: &mut Self::Stream) -> Result<Option<Vec<u8>>, PortError> {
            Ok(stream.next())
        }

        async fn delete(&self, found: &String) -> Result<(), PortError> {
            self.deleted.borrow_mut().push(found.clone());
            Ok(())
        }
    }

    /// A sequence that is short of wrapping, and the tokens that it has seen.
    struct Counter(Cell<u64>, RefCell<Vec<String>>);

    impl Counter {
        const FIRST: u64 = u32::MAX as u64;

        fn new() -> Self {
            Self(Cell::new(Self::FIRST), RefCell::default())
        }
    }

    /// The same, but the first call fails.
    struct AtSecondTry(Counter);

    impl Sequences for AtSecondTry {
        async fn reserve(&self, domain: &str, units: u64, token: &str) -> Result<u64, PortError> {
            if self.0.1.borrow().is_empty() {
                self.0.1.borrow_mut().push(token.to_owned());
                return Err(PortError("dynamodb:UpdateItem was refused".to_owned()));
            }
            self.0.reserve(domain, units, token).await
        }
    }

    impl Sequences for Counter {
        async fn reserve(&self, domain: &str, units: u64, token: &str) -> Result<u64, PortError> {
            assert_eq!(domain, "ipfix/1");
            self.1.borrow_mut().push(token.to_owned());
            Ok(self.0.replace(self.0.get() + units))
        }
    }

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    struct Collector(UdpSocket);

    impl Collector {
        fn new() -> Self {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            Self(socket)
        }

        /// Every datagram so far: what is sent on one machine is there at once.
        fn datagrams(&self) -> Vec<Vec<u8>> {
            let mut buffer = [0; 2000];
            std::iter::from_fn(|| {
                self.0.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec())
            })
            .collect()
        }

        /// Domain and sequence number of each of them.
        fn heard(&self) -> Vec<(u32, u32)> {
            let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
            let datagrams = self.datagrams().into_iter();
            datagrams.map(|bytes| (number(&bytes[12..16]), number(&bytes[8..12]))).collect()
        }

        fn settings(&self, more: &[(&str, &str)]) -> Settings {
            let address = self.0.local_addr().unwrap().to_string();
            let settings = Settings::read(|name| match name {
                "COLLECTORS" => Some(address.clone()),
                "TABLE_NAME" => Some("sequences".to_owned()),
                name => more.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()),
            });
            settings.unwrap()
        }
    }

    fn memory() -> Memory {
        let objects: [(_, &[u8]); 5] = [
            ("one", b"srcaddr dstaddr bytes\n10.0.0.1 10.0.0.2 5\n10.0.0.1 10.0.0.2 many\n"),
            ("two", b"srcaddr dstaddr bytes\n10.0.0.1 10.0.0.3 6\n10.0.0.1 10.0.0.4 7\n"),
            ("binary", b"PAR1"),
            ("lacking", b"srcaddr bytes\n10.0.0.1 6\n"),
            ("empty", b""),
        ];
        Memory { objects: objects.into(), deleted: RefCell::default() }
    }

    fn told(message: Option<&str>, keys: &[&str]) -> Told {
        let objects =
            keys.iter().map(|key| Object { bucket: "logs".to_owned(), key: (*key).to_owned() });
        Told { message_id: message.map(str::to_owned), objects: objects.collect(), error: None }
    }

    fn forward(
        settings: &Settings,
        memory: &Memory,
        counter: &Counter,
        told: &[Told],
        time: Duration,
    ) -> Result<Forwarded, Error> {
        block_on(Forwarder::new(settings, memory, counter).forward(told, "request", time))
    }

    #[test]
    fn every_object_is_sent_under_numbers_that_go_on_and_wrap() {
        let (collector, memory, counter) = (Collector::new(), memory(), Counter::new());
        let settings = collector.settings(&[]);
        let told = [told(None, &["one", "empty", "two"])];
        for _ in 0..2 {
            let done = forward(&settings, &memory, &counter, &told, MINUTE).unwrap();
            assert_eq!(done.answer, None);
            assert_eq!((done.summary.objects, done.summary.sent.records), (3, 3));
            assert_eq!(done.summary.read.bad, 1);
        }
        // Domain 0 says what was exported.
        let expected = [(1, u32::MAX), (1, 0), (0, 0), (1, 2), (1, 3), (0, 0)];
        assert_eq!(collector.heard(), expected);
        assert!(memory.deleted.borrow().is_empty());
        let tokens = counter.1.borrow();
        assert_eq!(tokens[..2], ["request/0", "request/1"]);
    }

    #[test]
    fn only_messages_that_failed_come_again_and_only_what_was_sent_is_deleted() {
        let (collector, memory, counter) = (Collector::new(), memory(), Counter::new());
        let settings = collector.settings(&[("DELETE_OBJECTS", "true")]);
        let unreadable = notifications::read(&"nonsense".into()).unwrap_err();
        let groups = [
            told(Some("m1"), &["binary", "one"]),
            told(Some("m2"), &["two", "deleted before"]),
            told(Some("m3"), &["lacking"]),
            told(Some("m4"), &["forbidden"]),
            Told { error: Some(unreadable), ..told(Some("m5"), &[]) },
        ];
        let done = forward(&settings, &memory, &counter, &groups, MINUTE).unwrap();
        let mut failures = PartialFailures::default();
        for id in ["m1", "m3", "m4", "m5"] {
            failures.add(id);
        }
        assert_eq!(done.answer, Some(failures));
        assert_eq!(*memory.deleted.borrow(), ["two"]);
        assert_eq!((done.summary.objects, done.summary.failed_objects), (2, 3));
    }

    /// The records of what failed are not sent with those of the next object, and the templates
    /// that were to go out with them are.
    #[test]
    fn what_failed_is_abandoned_but_for_its_templates() {
        const TEMPLATES: [u8; 2] = [0, 2];
        let (collector, memory) = (Collector::new(), memory());
        let sequences = AtSecondTry(Counter::new());
        let settings = collector.settings(&[]);
        let told = [told(Some("m1"), &["one"]), told(Some("m2"), &["two"])];
        let forwarder = Forwarder::new(&settings, &memory, &sequences);
        let done = block_on(forwarder.forward(&told, "request", MINUTE)).unwrap();
        let mut failures = PartialFailures::default();
        failures.add("m1");
        assert_eq!(done.answer, Some(failures));
        assert_eq!((done.summary.sent.records, done.summary.sent.flow_records), (2, 2));
        assert_eq!(sequences.0.0.get(), Counter::FIRST + 2);
        let [flows, report] = &*collector.datagrams() else { panic!("two datagrams") };
        assert_eq!(flows[16..18], TEMPLATES);
        assert_eq!(report[12..16], [0; 4]);
    }

    #[test]
    fn what_is_wrong_has_a_name() {
        for (keys, name) in [
            (["binary"], "ObjectRefused"),
            (["lacking"], "FieldsMissing"),
            (["forbidden"], "ObjectNotRead"),
            (["deleted before"], "ObjectGone"),
        ] {
            let (collector, memory, counter) = (Collector::new(), memory(), Counter::new());
            let settings = collector.settings(&[]);
            let error = forward(&settings, &memory, &counter, &[told(None, &keys)], MINUTE);
            assert_eq!(error.unwrap_err().name(), name);
        }
    }

    #[test]
    fn without_time_nothing_is_sent() {
        let (collector, memory, counter) = (Collector::new(), memory(), Counter::new());
        let settings = collector.settings(&[("DELETE_OBJECTS", "true")]);
        let told = [told(None, &["one"])];
        let error = forward(&settings, &memory, &counter, &told, Duration::from_secs(1));
        assert_eq!(error.unwrap_err().name(), "OutOfTime");
        assert!(collector.heard().is_empty());
        assert!(memory.deleted.borrow().is_empty());
    }

    #[test]
    fn nobody_listening_is_an_error_and_nothing_is_deleted() {
        let (memory, counter) = (memory(), Counter::new());
        let settings = Collector::new().settings(&[("DELETE_OBJECTS", "true")]);
        let told = [told(Some("m1"), &["one"])];
        let error = forward(&settings, &memory, &counter, &told, MINUTE).unwrap_err();
        assert_eq!(error.name(), "CollectorRefused");
        assert!(memory.deleted.borrow().is_empty());
    }
}
