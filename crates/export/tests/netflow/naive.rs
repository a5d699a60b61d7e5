//! A decoder that knows the RFCs and nothing of the encoder: slow, and easy to read.

use std::collections::BTreeMap;

/// A record's values by enterprise (0 is IANA) and element.
pub(crate) type Values = BTreeMap<(u32, u16), Vec<u8>>;

/// What a template says of a value.
#[derive(Clone, Debug)]
struct Specifier {
    key: (u32, u16),
    length: usize,
}

/// A datagram, decoded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) version: u16,
    pub(crate) sequence: u32,
    pub(crate) domain: u32,
    pub(crate) unix_seconds: u32,
    pub(crate) uptime: u32,
    /// NetFlow v9's and v5's count.
    pub(crate) count: u16,
    pub(crate) templates: u16,
    pub(crate) records: Vec<Values>,
    pub(crate) options: Vec<Values>,
}

/// Remembers templates, as collectors do.
#[derive(Default)]
pub(crate) struct Decoder {
    templates: BTreeMap<u16, (Vec<Specifier>, bool)>,
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> &'b [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }
}

impl Decoder {
    pub(crate) fn decode(&mut self, datagram: &[u8]) -> Decoded {
        let mut reader = Reader(datagram);
        match reader.u16() {
            5 => v5(reader),
            9 => {
                let mut decoded = Decoded { version: 9, ..Decoded::default() };
                decoded.count = reader.u16();
                decoded.uptime = reader.u32();
                decoded.unix_seconds = reader.u32();
                decoded.sequence = reader.u32();
                decoded.domain = reader.u32();
                self.sets(reader, &mut decoded);
                let records = decoded.records.len() + decoded.options.len();
                assert_eq!(usize::from(decoded.count), records + usize::from(decoded.templates));
                decoded
            }
            10 => {
                let mut decoded = Decoded { version: 10, ..Decoded::default() };
                assert_eq!(usize::from(reader.u16()), datagram.len());
                decoded.unix_seconds = reader.u32();
                decoded.sequence = reader.u32();
                decoded.domain = reader.u32();
                self.sets(reader, &mut decoded);
                decoded
            }
            version => panic!("version {version}"),
        }
    }

    fn sets(&mut self, mut reader: Reader<'_>, decoded: &mut Decoded) {
        while !reader.0.is_empty() {
            let number = reader.u16();
            let length = usize::from(reader.u16());
            assert!(length > 4, "an empty set");
            if decoded.version == 9 {
                assert_eq!(length % 4, 0, "a set of NetFlow v9 must end at a whole word");
            }
            let mut set = Reader(reader.take(length - 4));
            match (decoded.version, number) {
                (9, 0) | (10, 2) => self.template_set(&mut set, decoded),
                (9, 1) => self.v9_options_template(&mut set, decoded),
                (10, 3) => self.ipfix_options_template(&mut set, decoded),
                _ => self.data_set(number, &mut set, decoded),
            }
        }
    }

    fn template_set(&mut self, set: &mut Reader<'_>, decoded: &mut Decoded) {
        while !set.0.is_empty() {
            let number = set.u16();
            assert!(number >= 256);
            let count = set.u16();
            let specifiers = (0..count).map(|_| specifier(set, decoded.version)).collect();
            self.templates.insert(number, (specifiers, false));
            decoded.templates += 1;
        }
    }

    fn v9_options_template(&mut self, set: &mut Reader<'_>, decoded: &mut Decoded) {
        let number = set.u16();
        let [scopes, options] = [set.u16(), set.u16()].map(|bytes| bytes / 4);
        let mut specifiers: Vec<_> = (0..scopes + options).map(|_| specifier(set, 9)).collect();
        // Scopes have numbers of their own.
        specifiers[0].key = (u32::MAX, specifiers[0].key.1);
        self.templates.insert(number, (specifiers, true));
        decoded.templates += 1;
    }

    fn ipfix_options_template(&mut self, set: &mut Reader<'_>, decoded: &mut Decoded) {
        let number = set.u16();
        let count = set.u16();
        assert_eq!(set.u16(), 1, "scopes");
        let specifiers = (0..count).map(|_| specifier(set, 10)).collect();
        self.templates.insert(number, (specifiers, true));
        decoded.templates += 1;
    }

    fn data_set(&self, number: u16, set: &mut Reader<'_>, decoded: &mut Decoded) {
        let (specifiers, is_options) = &self.templates[&number];
        let length: usize = specifiers.iter().map(|specifier| specifier.length).sum();
        while set.0.len() >= length {
            let values: Values = specifiers
                .iter()
                .map(|specifier| (specifier.key, set.take(specifier.length).to_vec()))
                .collect();
            assert_eq!(values.len(), specifiers.len(), "an element stands there twice");
            if *is_options { decoded.options.push(values) } else { decoded.records.push(values) }
        }
        assert!(set.0.len() < 4 && set.0.iter().all(|byte| *byte == 0), "padding {:?}", set.0);
    }
}

fn specifier(set: &mut Reader<'_>, version: u16) -> Specifier {
    let number = set.u16();
    let length = usize::from(set.u16());
    if version == 10 && number & 0x8000 != 0 {
        return Specifier { key: (set.u32(), number & 0x7fff), length };
    }
    Specifier { key: (0, number), length }
}

/// The values of NetFlow v5 by the numbers that NetFlow v9 gave them.
fn v5(mut reader: Reader<'_>) -> Decoded {
    let mut decoded = Decoded { version: 5, count: reader.u16(), ..Decoded::default() };
    decoded.uptime = reader.u32();
    decoded.unix_seconds = reader.u32();
    assert_eq!(reader.u32(), 0, "nanoseconds");
    decoded.sequence = reader.u32();
    decoded.domain = u32::from(reader.u16());
    assert_eq!(reader.u16(), 0, "sampling");
    let places = [
        (8, 4),
        (12, 4),
        (15, 4),
        (10, 2),
        (14, 2),
        (2, 4),
        (1, 4),
        (22, 4),
        (21, 4),
        (7, 2),
        (11, 2),
        (0, 1),
        (6, 1),
        (4, 1),
        (5, 1),
        (16, 2),
        (17, 2),
        (9, 1),
        (13, 1),
        (0, 2),
    ];
    while !reader.0.is_empty() {
        let values = places.map(|(number, length)| ((0, number), reader.take(length).to_vec()));
        decoded.records.push(values.into_iter().collect());
    }
    assert_eq!(decoded.records.len(), usize::from(decoded.count));
    decoded
}

/// A number of any length.
pub(crate) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
