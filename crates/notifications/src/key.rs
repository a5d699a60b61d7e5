//! Keys as S3's events have them.

/// A key out of one of S3's own events, where it stands as a form's value would: `+` for a blank,
/// `%` and two hexadecimal digits for any other byte. What is no such code stays as it is.
#[must_use]
pub fn decoded(key: &str) -> String {
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match (first, code(behind)) {
            (b'%', Some((byte, behind))) => {
                bytes.push(byte);
                rest = behind;
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The byte that two hexadecimal digits stand for, and what follows them.
fn code(text: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, behind) = text.split_first_chunk::<2>()?;
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    Some((u8::try_from(high? << 4 | low?).ok()?, behind))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    /// As S3 encodes: letters, digits and a few signs stay.
    fn encoded(key: &str) -> String {
        let mut text = String::new();
        for byte in key.bytes() {
            match byte {
                b' ' => text.push('+'),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                    text.push(char::from(byte));
                }
                byte => write!(text, "%{byte:02X}").unwrap(),
            }
        }
        text
    }

    proptest! {
        #[test]
        fn every_key_is_found_again(key in any::<String>()) {
            prop_assert_eq!(decoded(&encoded(&key)), key);
        }
    }

    #[test]
    fn what_is_no_code_stays() {
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%4"), "%zz%4");
        assert_eq!(decoded("%2f%2B"), "/+");
    }
}
