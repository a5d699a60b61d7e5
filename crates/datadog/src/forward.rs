//! From deliveries to the intake.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use deliveries::{LogEvent, LogEvents};
use flowlog::{Field, Format, Parser, UnknownFormat};
use objects::{ObjectError, ObjectRecords};

use crate::claims::payload_id;
use crate::object_name::ObjectName;
use crate::points::{FIELDS, Log, Points, Seen};
use crate::{Claims, Intake, IntakeError, Interfaces, Retries, deliver, writer};

/// How long it is remembered which addresses an interface has.
const INTERFACE_AGE: Duration = Duration::from_mins(5);

/// How often claims are made anew that somebody else has overtaken.
const MOST_CLAIMS: u32 = 20;

/// So many records of an object are sent as one delivery. docs/performance.md has the memory that
/// their points and requests take.
const RECORDS_OF_A_PART: u64 = 200_000;

/// What a forwarder asks of AWS.
pub trait Account {
    /// Why AWS did not do it.
    type Error: std::error::Error;

    /// The private addresses of these network interfaces, of those that exist.
    fn addresses(&self, ids: &[String]) -> impl Future<Output = Result<Interfaces, Self::Error>>;

    /// The claims of a writer as they were written last.
    fn claims(&self, writer: &str) -> impl Future<Output = Result<Option<String>, Self::Error>>;

    /// Writes claims in place of those that were read; false if somebody else has written since.
    /// `until` is when they no longer matter, in seconds since 1970.
    fn replace_claims(
        &self,
        writer: &str,
        read: Option<&str>,
        new: &str,
        until: i64,
    ) -> impl Future<Output = Result<bool, Self::Error>>;
}

/// An object, piece by piece.
pub trait Pieces {
    /// Why there is no next piece.
    type Error: std::error::Error;

    /// The next piece; none at the object's end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>>;
}

/// How records become points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The format of the records. None: it is told by their content.
    pub format: Option<Format>,
    /// The region of the log groups and buckets, for records without a region.
    pub region: String,
    /// Whether values are sent as distributions, too.
    pub distributions: bool,
}

/// Sends deliveries to the intake.
#[derive(Debug)]
pub struct Forwarder<A, I> {
    account: A,
    intake: I,
    settings: Settings,
    /// The addresses of interfaces, and when EC2 was asked.
    interfaces: Interfaces,
    asked: HashMap<String, Instant>,
}

/// When a delivery is forwarded, and how long that may take.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Seconds since 1970.
    pub now: i64,
    /// How requests are sent again.
    pub retries: Retries,
}

/// What was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// What the records were.
    pub seen: Seen,
    /// How many points were sent.
    pub points: u64,
    /// In how many requests.
    pub requests: usize,
    /// Records and lines that are too old for the intake.
    pub too_old: u64,
    /// Records and lines that are too far ahead for it.
    pub too_new: u64,
    /// Fields that the format lacks, without which metrics or tags are missing.
    pub missing: BTreeSet<&'static str>,
}

/// Why a delivery was not sent, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError<E> {
    /// The format cannot be told.
    #[error("{0} (in a function's settings: FORMAT)")]
    Format(#[from] UnknownFormat),
    /// The object cannot be read.
    #[error("{0}")]
    Object(#[from] ObjectError),
    /// AWS did not do what was asked of it.
    #[error("{0}")]
    Account(E),
    /// The intake did not take the points.
    #[error("{0}")]
    Intake(#[from] IntakeError),
    /// What the table says of a writer is not what a forwarder has written.
    #[error("the claims of the writer {writer} cannot be read: {error}; delete its item")]
    Claims {
        /// The writer.
        writer: String,
        /// What is wrong.
        error: String,
    },
    /// Others were always faster.
    #[error("no claim of the writer {0} in {MOST_CLAIMS} attempts; too many write at once")]
    Overtaken(String),
    /// A request could not be written.
    #[error("the points cannot be packed: {0}")]
    NotPacked(#[from] std::io::Error),
}

impl<A: Account, I: Intake> Forwarder<A, I> {
    /// A forwarder that has asked nothing yet.
    pub fn new(account: A, intake: I, settings: Settings) -> Self {
        Self { account, intake, settings, interfaces: Interfaces::new(), asked: HashMap::new() }
    }

    /// Sends the points of log events, all or an error.
    pub async fn forward_log_events(
        &mut self,
        delivered: &LogEvents<'_>,
        moment: Moment,
    ) -> Result<Sent, ForwardError<A::Error>> {
        let (Some(first), Some(last)) = (delivered.log_events.first(), delivered.log_events.last())
        else {
            return Ok(Sent::default());
        };
        let format = self.format_of(&delivered.log_events)?;
        let lacks_direction = format.position(Field::FlowDirection).is_none();
        if lacks_direction {
            self.learn(interface_ids(&format, &delivered.log_events)).await?;
        }
        let log = Log { account: &delivered.owner, region: &self.settings.region };
        let mut points = Points::new(log, &self.interfaces);
        add_log_events(&mut points, &format, &delivered.log_events);

        let writer = writer(&[&delivered.owner, &delivered.log_group, &delivered.log_stream]);
        let count = delivered.log_events.len().to_string();
        let payload = payload_id(&[&first.id, &last.id, &count]);
        let mut sent = self.send(points, &writer, &payload, moment).await?;
        sent.missing = missing(&format);
        Ok(sent)
    }

    /// Sends the points of an object's records, part by part, so that it can have any size.
    ///
    /// EC2 is not asked for directions: an object holds the records of all interfaces of a flow
    /// log, which may be thousands.
    pub async fn forward_object<P: Pieces>(
        &mut self,
        name: ObjectName<'_>,
        pieces: &mut P,
        moment: Moment,
    ) -> Result<Sent, ForwardObjectError<A::Error, P::Error>> {
        let interfaces = Interfaces::new();
        let log = name.log(&self.settings.region);
        let writer = writer(&[name.bucket, name.flow_log()]);
        let mut object = ObjectRecords::checking(self.settings.format.clone(), &FIELDS);
        let mut sent = Sent::default();
        for part in 0_u32.. {
            let mut points = Points::new(log, &interfaces);
            let is_last = fill(&mut object, &mut points, pieces).await?;
            let payload = payload_id(&[name.bucket, name.key, name.version, &part.to_string()]);
            let of_part = self.send(points, &writer, &payload, moment).await;
            sent.add(&of_part.map_err(ForwardObjectError::Forward)?);
            if is_last {
                break;
            }
        }
        sent.seen.bad_lines = object.counts().bad;
        sent.missing = object.format().map(missing).unwrap_or_default();
        Ok(sent)
    }

    fn format_of(&self, events: &[LogEvent<'_>]) -> Result<Format, UnknownFormat> {
        if let Some(format) = &self.settings.format {
            return Ok(format.clone());
        }
        // One odd line, or a thousand, must not hide what the others are.
        let mut first = None;
        for event in events {
            match Format::detect(event.message.as_bytes()) {
                Ok(format) => return Ok(format),
                Err(unknown) => {
                    first.get_or_insert(unknown);
                }
            }
        }
        first.map_or_else(|| Ok(Format::aws_default()), Err)
    }

    /// Asks EC2 about interfaces that nothing is known of, or not lately.
    async fn learn(&mut self, ids: BTreeSet<String>) -> Result<(), ForwardError<A::Error>> {
        let now = Instant::now();
        self.asked.retain(|_, asked| now.duration_since(*asked) < INTERFACE_AGE);
        self.interfaces.retain(|id, _| self.asked.contains_key(id));
        let unknown: Vec<_> = ids.into_iter().filter(|id| !self.asked.contains_key(id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let found = self.account.addresses(&unknown).await.map_err(ForwardError::Account)?;
        self.interfaces.extend(found);
        self.asked.extend(unknown.into_iter().map(|id| (id, now)));
        Ok(())
    }

    async fn send(
        &self,
        points: Points<'_>,
        writer: &str,
        payload: &str,
        moment: Moment,
    ) -> Result<Sent, ForwardError<A::Error>> {
        let seen = points.seen();
        let number = match points.seconds(moment.now) {
            Some(seconds) => {
                let claims = Claimant { account: &self.account, writer, payload };
                claims.claim(&seconds, moment.now).await?
            }
            // Nothing will be sent.
            None => 0,
        };
        let shard = format!("{writer}-{number}");
        let requests = points.requests(&shard, moment.now, self.settings.distributions)?;
        deliver(&self.intake, &requests.requests, moment.retries).await?;
        Ok(Sent {
            seen,
            points: requests.points,
            requests: requests.requests.len(),
            too_old: requests.too_old,
            too_new: requests.too_new,
            missing: BTreeSet::new(),
        })
    }
}

/// Why an object was not sent, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum ForwardObjectError<E, P> {
    /// Its points were not.
    #[error("{0}")]
    Forward(#[from] ForwardError<E>),
    /// It could not be downloaded.
    #[error("{0}")]
    Pieces(P),
}

impl Sent {
    /// Adds what else was sent.
    pub fn add(&mut self, other: &Self) {
        self.seen.add(other.seen);
        self.points += other.points;
        self.requests += other.requests;
        self.too_old += other.too_old;
        self.too_new += other.too_new;
        self.missing.extend(&other.missing);
    }
}

/// Who claims a number for a payload.
struct Claimant<'c, A> {
    account: &'c A,
    writer: &'c str,
    payload: &'c str,
}

impl<A: Account> Claimant<'_, A> {
    async fn claim(
        &self,
        seconds: &std::ops::RangeInclusive<i64>,
        now: i64,
    ) -> Result<u32, ForwardError<A::Error>> {
        let unreadable = |error: serde_json::Error| ForwardError::Claims {
            writer: self.writer.to_owned(),
            error: error.to_string(),
        };
        for _ in 0..MOST_CLAIMS {
            let read = self.account.claims(self.writer).await.map_err(ForwardError::Account)?;
            let claims = read.as_deref().map(Claims::from_text).transpose();
            let mut claims = claims.map_err(unreadable)?.unwrap_or_default();
            let claim = claims.claim(self.payload, seconds, now);
            if !claim.is_new {
                return Ok(claim.number);
            }
            let new = claims.to_text().map_err(unreadable)?;
            let until = claims.matter_until().unwrap_or(now);
            let written = self.account.replace_claims(self.writer, read.as_deref(), &new, until);
            if written.await.map_err(ForwardError::Account)? {
                return Ok(claim.number);
            }
        }
        Err(ForwardError::Overtaken(self.writer.to_owned()))
    }
}

fn add_log_events(points: &mut Points<'_>, format: &Format, events: &[LogEvent<'_>]) {
    let mut parser = Parser::checking(format.clone(), &FIELDS);
    for event in events {
        let mut records = parser.records(event.message.as_bytes());
        while let Some(record) = records.next() {
            match record {
                Ok(record) => points.add(&record, event.timestamp),
                Err(_) => points.add_bad_line(event.timestamp),
            }
        }
    }
}

fn interface_ids(format: &Format, events: &[LogEvent<'_>]) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let mut parser = Parser::checking(format.clone(), &[Field::InterfaceId]);
    for event in events {
        let mut records = parser.records(event.message.as_bytes());
        while let Some(record) = records.next() {
            let id = record.ok().and_then(|record| record.text(Field::InterfaceId));
            let id = id.filter(|id| id.starts_with("eni-"));
            if let Some(id) = id.filter(|id| !ids.contains(*id)) {
                ids.insert(id.to_owned());
            }
        }
    }
    ids
}

/// Adds the next records of an object, as many as make a part; true at the object's end.
async fn fill<P: Pieces, E>(
    object: &mut ObjectRecords,
    points: &mut Points<'_>,
    pieces: &mut P,
) -> Result<bool, ForwardObjectError<E, P::Error>> {
    loop {
        while let Some(mut records) = object.next().map_err(ForwardError::Object)? {
            while let Some(record) = records.next() {
                if let Ok(record) = record {
                    points.add(&record, 0);
                }
            }
            // Blocks end at the same records however the object comes, and so do parts.
            if points.seen().records >= RECORDS_OF_A_PART {
                return Ok(false);
            }
        }
        if object.is_read() {
            return Ok(true);
        }
        match pieces.next().await.map_err(ForwardObjectError::Pieces)? {
            Some(piece) => object.push(piece),
            None => object.end(),
        }
    }
}

/// The fields that a format lacks and that points are made of.
fn missing(format: &Format) -> BTreeSet<&'static str> {
    const NEEDED: [Field; 7] = [
        Field::InterfaceId,
        Field::Protocol,
        Field::Packets,
        Field::Bytes,
        Field::Start,
        Field::End,
        Field::Action,
    ];
    let lacking = NEEDED.into_iter().filter(|field| format.position(*field).is_none());
    lacking.map(Field::token).collect()
}
