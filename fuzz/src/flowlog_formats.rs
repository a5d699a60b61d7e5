//! Formats, as `CreateFlowLogs` takes them and as header lines name them.

use std::str;

use flowlog::{Field, Format};

use crate::naive::is_header;
use crate::names;

/// What a format is written as is read as the same format; the twin agrees on header lines.
pub fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    if let Ok(format) = Format::parse(text) {
        a_format_comes_back(text, &format);
    }
    let line = text.split('\n').next().unwrap_or_default();
    a_header_is_what_the_twin_takes_for_one(line);
}

fn a_format_comes_back(text: &str, format: &Format) {
    assert_eq!(Format::parse(&format.to_string()).as_ref(), Ok(format));
    assert_eq!(Format::parse_known(text).is_ok(), format.unknown_names().next().is_none());
    assert!((2..=11).contains(&format.version()));
    for field in Field::ALL {
        let place = names(format).iter().position(|name| name == field.token());
        assert_eq!(format.position(field), place);
    }
}

fn a_header_is_what_the_twin_takes_for_one(line: &str) {
    let words: Vec<_> = line.split(|c| c <= ' ').filter(|word| !word.is_empty()).collect();
    let format = Format::from_header(line);
    assert_eq!(format.is_some(), is_header(&words), "{words:?}");
    let Some(format) = format else { return };
    assert_eq!(names(&format), words);
    assert_eq!(Format::detect(line.as_bytes()), Ok(format));
}
