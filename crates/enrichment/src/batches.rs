//! What one `PutRecordBatch` takes.

/// How many records a call takes.
/// <https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html>
const MOST_RECORDS: usize = 500;

/// How many bytes a record may have.
pub const MOST_RECORD_BYTES: usize = 1_000 * 1_024;

/// How many bytes a call takes. AWS does not say whether it counts what is in base64 on its way or
/// what was before; counted in base64, a call is within either.
const MOST_BATCH_BYTES: usize = 4 * 1_024 * 1_024;

/// What JSON puts around a record: `{"Data":""},`.
const AROUND: usize = 12;

/// A call's records.
pub type Batch = Vec<Vec<u8>>;

/// Puts records together into batches.
#[derive(Debug, Default)]
pub struct Batches {
    batch: Batch,
    bytes: usize,
}

impl Batches {
    /// Adds a record of at most [`MOST_RECORD_BYTES`]. Returns the batch before it when there was
    /// no room in it.
    pub fn add(&mut self, record: Vec<u8>) -> Option<Batch> {
        let bytes = record.len().div_ceil(3) * 4 + AROUND;
        let is_full = self.batch.len() == MOST_RECORDS || self.bytes + bytes > MOST_BATCH_BYTES;
        let full = if is_full { self.take() } else { None };
        self.batch.push(record);
        self.bytes += bytes;
        full
    }

    /// The batch so far, if there is something in it.
    pub fn take(&mut self) -> Option<Batch> {
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        (!batch.is_empty()).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(records: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut batches = Batches::default();
        let added = records.into_iter().filter_map(|bytes| batches.add(vec![b'x'; bytes]));
        let mut sizes: Vec<_> = added.map(|batch| batch.len()).collect();
        sizes.extend(batches.take().map(|batch| batch.len()));
        sizes
    }

    #[test]
    fn a_call_takes_500_records() {
        assert_eq!(sizes(vec![100; 1_001]), [500, 500, 1]);
        assert_eq!(sizes(vec![100; 500]), [500]);
        assert_eq!(sizes([]), [0; 0]);
    }

    #[test]
    fn a_call_takes_4_mebibytes_as_they_travel() {
        assert_eq!(sizes(vec![MOST_RECORD_BYTES; 7]), [3, 3, 1]);
        // 300,000 bytes are 400,012 on their way; ten of them are 4,000,120.
        assert_eq!(sizes(vec![300_000; 11]), [10, 1]);
    }
}
