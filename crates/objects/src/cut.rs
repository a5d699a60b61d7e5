//! Where a text can be cut without cutting a record.

/// How many bytes the records take that are complete, with the ends of their lines; none if none
/// is. `has_objects` says that the text began with a JSON object: objects may span several lines.
#[must_use]
pub fn complete_length(bytes: &[u8], has_objects: bool) -> Option<usize> {
    if has_objects {
        complete_objects(bytes)
    } else {
        memchr::memrchr(b'\n', bytes).map(|at| at + 1)
    }
}

/// How many bytes the JSON objects take that are complete, with the lines between them.
fn complete_objects(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_u32;
    let mut is_in_string = false;
    let mut is_escaped = false;
    let mut complete = None;
    for (after, byte) in (1..).zip(bytes) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            _ if is_in_string => {}
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && !is_in_string && matches!(byte, b'}' | b'\n') {
            complete = Some(after);
        }
    }
    complete
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_line_feeds() {
        assert_eq!(complete_length(b"a b\nc", false), Some(4));
        assert_eq!(complete_length(b"a b", false), None);
    }

    #[test]
    fn objects_end_with_their_braces() {
        let object = b"{\"message\":\n\"a } \\\" b\"}";
        let text = [object.as_slice(), object, b"\n{\"mess"].concat();
        assert_eq!(complete_length(&text, true), Some(2 * object.len() + 1));
        assert_eq!(complete_length(b"{\"message\":\n", true), None);
    }
}
