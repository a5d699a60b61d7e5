//! Templates, and how a record of theirs is cut out of its image.

use super::element::{self, Element, MOST_ELEMENTS};
use super::encoder::Protocol;
use super::shape::Shape;

/// The bit that marks an enterprise's elements.
/// <https://www.rfc-editor.org/rfc/rfc7011#section-3.2>
const ENTERPRISE_BIT: u16 = 0x8000;

/// Parts of an image that follow each other in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) start: usize,
    pub(crate) length: usize,
}

/// Every second element missing makes the most runs.
const MOST_RUNS: usize = MOST_ELEMENTS / 2;

/// How a record is cut out of its image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    runs: [Run; MOST_RUNS],
    run_count: usize,
    /// Bytes of a record.
    pub(crate) length: usize,
}

impl Layout {
    fn of(elements: &[(Element, bool); MOST_ELEMENTS]) -> Self {
        let mut layout = Self::default();
        let mut place = 0;
        let mut goes_on = false;
        for (element, is_present) in elements {
            let length = usize::from(element.length);
            if *is_present {
                layout.append(place, length, goes_on);
            }
            goes_on = *is_present;
            place += length;
        }
        layout
    }

    fn append(&mut self, start: usize, length: usize, goes_on: bool) {
        if !goes_on {
            self.run_count += 1;
        }
        if let Some(run) = self.runs.get_mut(self.run_count - 1) {
            if !goes_on {
                run.start = start;
            }
            run.length += length;
        }
        self.length += length;
    }

    #[inline]
    pub(crate) fn runs(&self) -> &[Run] {
        self.runs.get(..self.run_count).unwrap_or_default()
    }
}

/// What is announced of the records of a shape.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) shape: Shape,
    pub(crate) layout: Layout,
    /// The template record.
    pub(crate) bytes: Vec<u8>,
    /// Whether it was sent since it was last due.
    pub(crate) is_announced: bool,
    /// How many records of the shape there were.
    pub(crate) records: u64,
}

impl Template {
    pub(crate) fn new(protocol: Protocol, shape: Shape, enterprise: Option<u32>) -> Self {
        let elements = element::elements(protocol, shape);
        let present: Vec<_> =
            elements.iter().filter(|(_, is_present)| *is_present).map(|(e, _)| *e).collect();
        let mut bytes = vec![];
        put(&mut bytes, shape.template_number());
        put(&mut bytes, u16::try_from(present.len()).unwrap_or_default());
        for element in present {
            put_element(&mut bytes, element, enterprise);
        }
        let layout = Layout::of(&elements);
        Self { shape, layout, bytes, is_announced: false, records: 0 }
    }
}

pub(crate) fn put(bytes: &mut Vec<u8>, number: u16) {
    bytes.extend(number.to_be_bytes());
}

/// Writes a field specifier.
pub(crate) fn put_element(bytes: &mut Vec<u8>, element: Element, enterprise: Option<u32>) {
    if let Some(enterprise) = enterprise.filter(|_| element.is_enterprise) {
        put(bytes, element.number | ENTERPRISE_BIT);
        put(bytes, element.length);
        bytes.extend(enterprise.to_be_bytes());
    } else {
        put(bytes, element.number);
        put(bytes, element.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(shape: Shape) -> Vec<(usize, usize)> {
        let layout = Template::new(Protocol::Ipfix, shape, None).layout;
        layout.runs().iter().map(|run| (run.start, run.length)).collect()
    }

    #[test]
    fn a_record_that_lacks_nothing_is_the_beginning_of_its_image() {
        assert_eq!(runs(Shape::NOTHING_SPECIAL), [(0, 48)]);
        assert_eq!(runs(Shape::NEW_SOURCE), [(0, 56)]);
        assert_eq!(runs(Shape::IPV6.with(Shape::NEW_DESTINATION)), [(0, 92)]);
    }

    #[test]
    fn what_is_missing_is_passed_over() {
        let lacks = Shape::LACKS_TCP_FLAGS.with(Shape::LACKS_DIRECTION);
        assert_eq!(runs(lacks), [(0, 45), (47, 1)]);
        assert_eq!(runs(lacks.with(Shape::REJECTED)), [(0, 45), (47, 1), (56, 1)]);
    }

    #[test]
    fn a_template_lists_its_elements() {
        let template = Template::new(Protocol::V9, Shape::NOTHING_SPECIAL, None);
        let numbers: Vec<_> =
            template.bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
        let expected =
            [256, 12, 1, 8, 2, 8, 22, 4, 21, 4, 8, 4, 12, 4, 7, 2, 11, 2, 4, 1, 6, 1, 61, 1, 89, 1];
        assert_eq!(numbers, expected);
    }
}
