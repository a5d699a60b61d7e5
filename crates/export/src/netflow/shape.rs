//! Which values a record has.

use flowlog::Field;

/// What is special about a record: the values that it lacks, and those that few have. Records of
/// one shape have one template.
///
/// It has 15 bits, so that the shape is the template's number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape(u16);

/// Templates have the numbers from 256 on.
/// <https://www.rfc-editor.org/rfc/rfc7011#section-3.4.1>
const FIRST_TEMPLATE: u16 = 256;

/// The template of what is said about the export itself: the first number that is no shape's.
pub(crate) const OPTIONS_TEMPLATE: u16 = FIRST_TEMPLATE + (1 << 15);

impl Shape {
    pub(crate) const NOTHING_SPECIAL: Self = Self(0);
    pub(crate) const IPV6: Self = Self(1);
    pub(crate) const LACKS_SOURCE_PORT: Self = Self(1 << 1);
    pub(crate) const LACKS_DESTINATION_PORT: Self = Self(1 << 2);
    pub(crate) const LACKS_PROTOCOL: Self = Self(1 << 3);
    pub(crate) const LACKS_TCP_FLAGS: Self = Self(1 << 4);
    pub(crate) const LACKS_DIRECTION: Self = Self(1 << 5);
    pub(crate) const LACKS_ACTION: Self = Self(1 << 6);
    pub(crate) const REJECTED: Self = Self(1 << 7);
    pub(crate) const LACKS_BYTES: Self = Self(1 << 8);
    pub(crate) const LACKS_PACKETS: Self = Self(1 << 9);
    pub(crate) const LACKS_START: Self = Self(1 << 10);
    pub(crate) const LACKS_END: Self = Self(1 << 11);
    /// The record says on which side of a gateway it was observed.
    pub(crate) const AT_GATEWAY: Self = Self(1 << 12);
    /// Beside [`Shape::AT_GATEWAY`]: the source's address after the translation; alone, the
    /// destination's.
    pub(crate) const NEW_SOURCE: Self = Self(3 << 12);
    pub(crate) const NEW_DESTINATION: Self = Self(1 << 13);
    pub(crate) const HAS_TRAFFIC_PATH: Self = Self(1 << 14);

    const TRANSLATION: u16 = 3 << 12;

    /// The fields whose lack a shape tells, each with the shape that has nothing else.
    pub(crate) const LACKS: [(Self, Field); 10] = [
        (Self::LACKS_SOURCE_PORT, Field::SrcPort),
        (Self::LACKS_DESTINATION_PORT, Field::DstPort),
        (Self::LACKS_PROTOCOL, Field::Protocol),
        (Self::LACKS_TCP_FLAGS, Field::TcpFlags),
        (Self::LACKS_DIRECTION, Field::FlowDirection),
        (Self::LACKS_ACTION, Field::Action),
        (Self::LACKS_BYTES, Field::Bytes),
        (Self::LACKS_PACKETS, Field::Packets),
        (Self::LACKS_START, Field::Start),
        (Self::LACKS_END, Field::End),
    ];

    /// Both shapes' special things.
    #[must_use]
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub(crate) const fn with_if(self, other: Self, is_so: bool) -> Self {
        if is_so { self.with(other) } else { self }
    }

    #[must_use]
    pub(crate) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What both shapes have.
    #[must_use]
    pub(crate) const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the shape has everything that the other has.
    #[must_use]
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The part that says what is known of the translation: one of [`Shape::AT_GATEWAY`],
    /// [`Shape::NEW_SOURCE`], [`Shape::NEW_DESTINATION`], or nothing.
    #[must_use]
    pub(crate) const fn translation(self) -> Self {
        Self(self.0 & Self::TRANSLATION)
    }

    /// The number of the shape's template.
    #[must_use]
    pub(crate) const fn template_number(self) -> u16 {
        FIRST_TEMPLATE + self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_a_template_number_of_its_own() {
        let everything = Shape(u16::MAX >> 1);
        assert_eq!(everything.template_number() + 1, OPTIONS_TEMPLATE);
        let all = Shape::LACKS.iter().fold(Shape::default(), |all, (lack, _)| all.with(*lack));
        assert_eq!(all.0.count_ones(), 10);
        let others = [Shape::IPV6, Shape::REJECTED, Shape::NEW_SOURCE, Shape::HAS_TRAFFIC_PATH];
        assert_eq!(others.into_iter().fold(all, Shape::with), everything);
    }
}
