//! The AWS side of what forwarding needs.

use aws_adapters::{Bucket, ObjectStream, ReadError, SdkConfig, SequenceTable};
use netflow_forwarding::{Buckets, PortError, Sequences};
use notifications::Object;

/// S3.
pub(crate) struct S3<'c>(&'c SdkConfig);

impl<'c> S3<'c> {
    pub(crate) const fn new(config: &'c SdkConfig) -> Self {
        Self(config)
    }
}

impl Buckets for S3<'_> {
    type Found = (Bucket, aws_adapters::Object);
    type Stream = ObjectStream;

    async fn find(&self, object: &Object) -> Result<Option<Self::Found>, PortError> {
        let mut bucket = Bucket::new(self.0, &object.bucket);
        match bucket.describe(&object.key).await {
            Ok(found) => Ok(Some((bucket, found))),
            Err(error) if matches!(error.code(), Some("NotFound" | "NoSuchKey")) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn open(&self, (bucket, object): &Self::Found) -> ObjectStream {
        bucket.part(object, 0..object.size)
    }

    async fn next(&self, stream: &mut ObjectStream) -> Result<Option<Vec<u8>>, PortError> {
        stream.next().await.map_err(|error| failed(&error))
    }

    async fn delete(&self, (bucket, object): &Self::Found) -> Result<(), PortError> {
        bucket.delete(object).await.map_err(|error| failed(&error))
    }
}

/// The table of sequence numbers.
pub(crate) struct Table(SequenceTable);

impl Table {
    pub(crate) fn new(config: &SdkConfig, name: &str) -> Self {
        Self(SequenceTable::new(config, name))
    }
}

impl Sequences for Table {
    async fn reserve(&self, domain: &str, units: u64, token: &str) -> Result<u64, PortError> {
        self.0.reserve(domain, units, token).await.map_err(|error| failed(&error))
    }
}

fn failed(error: &ReadError) -> PortError {
    PortError(error.to_string())
}
