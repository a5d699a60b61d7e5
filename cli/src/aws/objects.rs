//! Objects in a bucket. While one is read, the next ones are on their way.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, PoisonError};

use aws_adapters::{Bucket, Object, ObjectStream};
use bytes::Bytes;

use super::ranges::{self, RangedObject};
use super::{Pieces, Sender, Session, Span, failed, unreadable};
use crate::error::Error;
use crate::inputs::PARQUET;

/// How many objects are fetched beyond the one that is read: most are short, and take longer to
/// begin than to come.
const OBJECTS_AHEAD: usize = 8;

/// Objects that are read one after another.
#[derive(Debug)]
struct Objects {
    session: Arc<Session>,
    bucket: Bucket,
    found: Vec<Object>,
    /// What is on its way, by place.
    fetched: Mutex<BTreeMap<usize, Pieces>>,
}

/// One of several objects.
#[derive(Clone, Debug)]
pub(crate) struct ObjectInput {
    objects: Arc<Objects>,
    place: usize,
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub length: u64,
}

/// An object, opened.
pub(crate) enum OpenedObject {
    /// All of its bytes, in order.
    Whole(Box<dyn Read + Send>),
    /// A Parquet file, of which parts are read.
    Parquet(RangedObject),
}

impl ObjectInput {
    /// Finds the objects that a path stands for; `argument` is what the command line calls it.
    /// None if there are none.
    ///
    /// What was written before the first record that counts began has none that counts.
    pub(crate) fn find(
        session: &Arc<Session>,
        argument: &str,
        bucket: &str,
        path: &str,
        span: Span,
    ) -> Result<Option<Vec<Self>>, Error> {
        let mut bucket = Bucket::new(&session.config, bucket);
        let found = session.wait(bucket.find(path)).map_err(Error::input(argument))?;
        let mut found = found.map_err(unreadable(argument))?;
        if found.is_empty() {
            return Ok(None);
        }
        if let Some(since) = span.since.and_then(|since| i64::try_from(since).ok()) {
            found.retain(|object| object.modified.is_none_or(|written| written >= since));
        }
        let fetched = Mutex::default();
        let objects = Arc::new(Objects { session: Arc::clone(session), bucket, found, fetched });
        let inputs = (0..).zip(&objects.found).map(|(place, object)| Self {
            objects: Arc::clone(&objects),
            place,
            key: object.key.clone(),
            length: object.size,
        });
        Ok(Some(inputs.collect()))
    }

    /// Opens the object, and lets those that follow it come.
    pub(crate) fn open(&self) -> io::Result<OpenedObject> {
        let mut pieces = self.objects.take(self.place)?;
        let object = self.objects.object(self.place)?;
        if !is_called_parquet(object) {
            return self.opened(pieces, object);
        }
        let mut beginning = vec![];
        pieces.read_to_end(&mut beginning)?;
        if beginning.starts_with(PARQUET) {
            return Ok(OpenedObject::Parquet(self.ranged(object, beginning.into())));
        }
        let rest = self.objects.part(object, beginning.len() as u64);
        Ok(OpenedObject::Whole(Box::new(Cursor::new(beginning).chain(rest))))
    }

    fn opened(&self, mut pieces: Pieces, object: &Object) -> io::Result<OpenedObject> {
        let mut signature = vec![];
        pieces.by_ref().take(PARQUET.len() as u64).read_to_end(&mut signature)?;
        if signature == PARQUET {
            return Ok(OpenedObject::Parquet(self.ranged(object, Bytes::new())));
        }
        Ok(OpenedObject::Whole(Box::new(Cursor::new(signature).chain(pieces))))
    }

    fn ranged(&self, object: &Object, beginning: Bytes) -> RangedObject {
        let objects = Arc::clone(&self.objects);
        let wanted = object.clone();
        let read = move |range| {
            let read = objects.bucket.read(&wanted, range);
            objects.session.wait(read)?.map_err(failed)
        };
        RangedObject::new(object.size, beginning, Box::new(read))
    }
}

impl Objects {
    fn object(&self, place: usize) -> io::Result<&Object> {
        self.found.get(place).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The object's pieces, if need be from anew. Others that come before it are not wanted any
    /// more; those behind it will be.
    fn take(&self, place: usize) -> io::Result<Pieces> {
        let mut fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        *fetched = fetched.split_off(&place);
        let wanted = fetched.remove(&place);
        let pieces = wanted.map_or_else(|| Ok(self.fetch(self.object(place)?)), io::Result::Ok)?;
        let following = self.found.iter().enumerate().skip(place + 1).take(OBJECTS_AHEAD);
        for (place, object) in following {
            fetched.entry(place).or_insert_with(|| self.fetch(object));
        }
        Ok(pieces)
    }

    /// Of a Parquet file, the beginning will do.
    fn fetch(&self, object: &Object) -> Pieces {
        let length = if is_called_parquet(object) { ranges::LEAST_BYTES } else { object.size };
        let stream = self.bucket.part(object, 0..length.min(object.size));
        self.session.fetch(|sender| send(stream, sender))
    }

    fn part(&self, object: &Object, start: u64) -> Pieces {
        let stream = self.bucket.part(object, start..object.size);
        self.session.fetch(|sender| send(stream, sender))
    }
}

async fn send(mut stream: ObjectStream, pieces: Sender) {
    while let Some(piece) = stream.next().await.transpose() {
        let is_over = piece.is_err();
        if pieces.send(piece).await.is_err() || is_over {
            return;
        }
    }
}

/// A guess that saves fetching too much; the content decides.
fn is_called_parquet(object: &Object) -> bool {
    object.key.ends_with(".parquet")
}
