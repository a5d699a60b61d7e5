//! The building blocks of the page.

use std::fmt::Write as _;

/// Text that a browser shows as it is, whoever wrote it.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other if other.is_control() && other != '\n' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A table: the first column's cells are the rows' headings, the others are numbers if they are
/// said to be.
pub(super) struct Table<'a> {
    pub(super) caption: &'a str,
    pub(super) columns: &'a [&'a str],
    /// Plain text, which is escaped here.
    pub(super) rows: Vec<Vec<String>>,
}

impl Table<'_> {
    /// The table in a region that can be scrolled with the keyboard where it is too wide.
    pub(super) fn html(&self) -> String {
        let head = self.columns.iter().fold(String::new(), |mut head, column| {
            let _ = write!(head, "<th scope=\"col\">{}</th>", escaped(column));
            head
        });
        let rows = self.rows.iter().fold(String::new(), |mut rows, cells| {
            rows.push_str("<tr>");
            for (number, cell) in cells.iter().enumerate() {
                let cell = escaped(cell);
                let _ = match number {
                    0 => write!(rows, "<th scope=\"row\"><bdi>{cell}</bdi></th>"),
                    _ => write!(rows, "<td>{cell}</td>"),
                };
            }
            rows.push_str("</tr>\n");
            rows
        });
        let caption = escaped(self.caption);
        format!(
            "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n\
             <caption>{caption}</caption>\n<thead><tr>{head}</tr></thead>\n\
             <tbody>\n{rows}</tbody>\n</table>\n</div>\n"
        )
    }
}

/// Terms and what is said of them.
pub(super) fn facts(facts: &[(&str, String)]) -> String {
    let items = facts.iter().fold(String::new(), |mut items, (term, fact)| {
        let _ = writeln!(items, "<dt>{}</dt><dd><bdi>{}</bdi></dd>", escaped(term), escaped(fact));
        items
    });
    format!("<dl>\n{items}</dl>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_become_markup() {
        assert_eq!(escaped("<b title='x' \"&\u{7}"), "&lt;b title=&#39;x&#39; &quot;&amp; ");
        let table = Table {
            caption: "<script>",
            columns: &["\"><script>"],
            rows: vec![vec!["<script>alert(1)</script>".to_owned(), "</td>".to_owned()]],
        };
        assert!(!table.html().contains("<script>"));
        assert!(!facts(&[("<script>", "<script>".to_owned())]).contains("<script>"));
    }
}
