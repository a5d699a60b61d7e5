//! Generated regions of files that are otherwise written by hand.
//!
//! A region stands between two comment lines, in YAML
//!
//! ```yaml
//! # generated: NAME (cargo run -p xtask -- generate)
//! # end of generated: NAME
//! ```
//!
//! and in Markdown the same inside `<!-- … -->`. It is indented like its first line.

use std::collections::BTreeSet;

const BEGIN: &str = "generated: ";
const END: &str = "end of generated: ";

/// The text with the bodies of all its regions replaced.
///
/// `body` gives the body of the region with a name. `required` are the names that must be
/// there. Errors are sentences without the file's name.
pub(crate) fn replace(
    text: &str,
    required: &[&str],
    body: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut found = BTreeSet::new();
    let mut output = String::with_capacity(text.len());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        push_line(&mut output, "", line);
        let Some(name) = marked_name(line, BEGIN) else { continue };
        let body = body(name).ok_or_else(|| format!("nothing generates the region {name}"))?;
        let end = lines
            .by_ref()
            .find(|line| marked_name(line, END) == Some(name))
            .ok_or_else(|| format!("the region {name} has no line \"{END}{name}\""))?;
        body.lines().for_each(|line| push_line(&mut output, indentation(end), line));
        push_line(&mut output, "", end);
        found.insert(name);
    }
    match required.iter().find(|name| !found.contains(**name)) {
        Some(name) => Err(format!("there is no region {name}")),
        None => Ok(output),
    }
}

fn push_line(output: &mut String, indentation: &str, line: &str) {
    if !line.is_empty() {
        output.push_str(indentation);
        output.push_str(line);
    }
    output.push('\n');
}

fn indentation(line: &str) -> &str {
    line.split_once(|c: char| c != ' ').map_or("", |_| {
        let length = line.len() - line.trim_start_matches(' ').len();
        line.get(..length).unwrap_or_default()
    })
}

/// The name after the marker in a comment line, without the command in parentheses.
fn marked_name<'a>(line: &'a str, marker: &str) -> Option<&'a str> {
    let line = line.trim();
    let comment = match line.strip_prefix("<!-- ") {
        Some(rest) => rest.strip_suffix("-->")?,
        None => line.strip_prefix("# ")?,
    };
    let name = comment.strip_prefix(marker)?;
    Some(name.split_once(" (").map_or(name, |(name, _)| name).trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(name: &str) -> Option<String> {
        (name == "Hello").then(|| "Text: |\n  hello\n\n  world\n".to_owned())
    }

    #[test]
    fn a_region_is_replaced_with_its_indentation() {
        let text =
            "a: 1\n  # generated: Hello (run me)\n  old\n  # end of generated: Hello\nb: 2\n";
        let expected = "a: 1\n  # generated: Hello (run me)\n  Text: |\n    hello\n\n    world\n  \
                        # end of generated: Hello\nb: 2\n";
        let replaced = replace(text, &["Hello"], hello).unwrap();
        assert_eq!(replaced, expected);
        assert_eq!(replace(&replaced, &["Hello"], hello).unwrap(), expected);
    }

    #[test]
    fn markdown_comments_mark_regions_too() {
        let text = "<!-- generated: Hello -->\n<!-- end of generated: Hello -->\n";
        assert!(replace(text, &[], hello).unwrap().contains("-->\nText: |\n"));
    }

    #[test]
    fn what_is_wrong_with_a_region_is_said() {
        let refusal = |text| replace(text, &["Hello"], hello).unwrap_err();
        assert_eq!(refusal("a: 1\n"), "there is no region Hello");
        assert_eq!(refusal("# generated: Bye\n"), "nothing generates the region Bye");
        assert_eq!(
            refusal("# generated: Hello\n# end of generated: Bye\n"),
            "the region Hello has no line \"end of generated: Hello\""
        );
    }
}
