//! JSON texts, written quickly.

/// Appends a text in quotes.
pub(crate) fn push_text(to: &mut Vec<u8>, text: &str) {
    // All of them are looked at, many at a time.
    if text.bytes().fold(true, |is_all, byte| is_all & is_plain(byte)) {
        to.push(b'"');
        to.extend_from_slice(text.as_bytes());
        to.push(b'"');
    } else {
        push(to, text);
    }
}

/// Appends any value. Writing to memory does not fail, nor does any value here.
pub(crate) fn push(to: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    let _ = serde_json::to_writer(to, value);
}

/// Whether a byte stands for itself in a text.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_as_they_were() {
        for text in ["", "vpc-0a1b", "a \"quoted\" text", "back\\slash", "line\nfeed", "Zürich"] {
            let mut json = vec![];
            push_text(&mut json, text);
            assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
        }
    }
}
