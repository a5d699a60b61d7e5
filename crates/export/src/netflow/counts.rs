//! What became of the records.

use flowlog::Field;

use super::shape::Shape;

/// Why a record cannot be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unexportable {
    /// It has neither `srcaddr` nor `pkt-srcaddr`.
    #[error("no srcaddr")]
    NoSource,
    /// It has neither `dstaddr` nor `pkt-dstaddr`.
    #[error("no dstaddr")]
    NoDestination,
    /// One address is of IPv4 and the other of IPv6.
    #[error("addresses of two families")]
    TwoFamilies,
    /// NetFlow v5 has no room for IPv6.
    #[error("IPv6, for which NetFlow v5 has no room")]
    Ipv6,
    /// NetFlow v5 cannot leave out bytes.
    #[error("no bytes, which NetFlow v5 cannot leave out")]
    NoBytes,
    /// NetFlow v5 cannot leave out packets.
    #[error("no packets, which NetFlow v5 cannot leave out")]
    NoPackets,
    /// NetFlow v5 cannot leave out the start.
    #[error("no start, which NetFlow v5 cannot leave out")]
    NoStart,
    /// NetFlow v5 cannot leave out the end.
    #[error("no end, which NetFlow v5 cannot leave out")]
    NoEnd,
    /// Start and end are further apart than NetFlow v5 can say.
    #[error("start and end more than 49 days apart")]
    TooLong,
    /// More bytes or packets than [`super::Encoder`] splits into records of NetFlow v5.
    #[error("more than 281 TB or 281 trillion packets in one record")]
    TooLarge,
}

impl Unexportable {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::NoSource,
        Self::NoDestination,
        Self::TwoFamilies,
        Self::Ipv6,
        Self::NoBytes,
        Self::NoPackets,
        Self::NoStart,
        Self::NoEnd,
        Self::TooLong,
        Self::TooLarge,
    ];
}

/// What became of the records that an encoder was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were encoded.
    pub records: u64,
    /// Flow records that they became: more, if NetFlow v5 had to split some.
    pub flow_records: u64,
    /// Datagrams, those with templates alone included.
    pub datagrams: u64,
    /// Bytes of all datagrams.
    pub bytes: u64,
    /// NODATA records, which are no flows.
    pub empty: u64,
    /// SKIPDATA records, which are no flows.
    pub skipped: u64,
    /// Records of a gateway that do not have its address, so that the translation is left out.
    pub unknown_gateway: u64,
    /// Rejected traffic that went out as records of NetFlow v5, which cannot say so.
    pub unmarked_rejects: u64,
    unexportable: [u64; Unexportable::ALL.len()],
    lacking: [u64; Shape::LACKS.len()],
}

impl Counts {
    pub(super) fn refuse(&mut self, reason: Unexportable) {
        if let Some(count) = self.unexportable.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// Counts records of one shape.
    pub(super) fn add_shape(&mut self, shape: Shape, records: u64) {
        let lacks = self.lacking.iter_mut().zip(Shape::LACKS);
        for (count, _) in lacks.filter(|(_, (lack, _))| shape.has(*lack)) {
            *count += records;
        }
    }

    /// How many records were not exported, for each reason that there was.
    pub fn unexportable(&self) -> impl Iterator<Item = (Unexportable, u64)> {
        Unexportable::ALL.into_iter().zip(self.unexportable).filter(|(_, count)| *count > 0)
    }

    /// How many exported records lack each field. A field whose value is too large for its place
    /// in the protocol counts as lacking.
    pub fn lacking(&self) -> impl Iterator<Item = (Field, u64)> {
        let fields = Shape::LACKS.into_iter().map(|(_, field)| field);
        fields.zip(self.lacking).filter(|(_, count)| *count > 0)
    }

    /// Adds another encoder's counts.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.flow_records += other.flow_records;
        self.datagrams += other.datagrams;
        self.bytes += other.bytes;
        self.empty += other.empty;
        self.skipped += other.skipped;
        self.unknown_gateway += other.unknown_gateway;
        self.unmarked_rejects += other.unmarked_rejects;
        let unexportable = self.unexportable.iter_mut().zip(other.unexportable);
        unexportable.for_each(|(sum, count)| *sum += count);
        let lacking = self.lacking.iter_mut().zip(other.lacking);
        lacking.for_each(|(sum, count)| *sum += count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_its_own_place() {
        let mut counts = Counts::default();
        for (times, reason) in (1..).zip(Unexportable::ALL) {
            (0..times).for_each(|_| counts.refuse(reason));
        }
        let expected: Vec<_> = Unexportable::ALL.into_iter().zip(1..).collect();
        assert_eq!(counts.unexportable().collect::<Vec<_>>(), expected);
    }
}
