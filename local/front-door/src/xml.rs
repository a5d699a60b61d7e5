//! Reading moto's XML answers.

use roxmltree::{Document, Node};

use crate::aws::AwsError;

/// Reads an answer, with the namespace that the services give it.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, AwsError> {
    Document::parse(text).map_err(|error| AwsError::Answer(format!("no XML ({error}): {text}")))
}

/// The child element called `name`, whatever its namespace.
pub(crate) fn child<'a, 'input>(node: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The text of the child element called `name`.
pub(crate) fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text()
}

/// The items of every list called `name`, at any depth.
pub(crate) fn items<'a, 'input>(
    document: &'a Document<'input>,
    name: &'a str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    document
        .descendants()
        .filter(move |node| node.tag_name().name() == name)
        .flat_map(|list| list.children().filter(|item| item.tag_name().name() == "item"))
}

/// `text` with the characters that XML reserves written as entities.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_items_whatever_the_namespace() {
        let text = "<R xmlns=\"http://ec2\"><set><item><id>a</id></item><item/></set></R>";
        let document = parse(text).unwrap();
        let ids: Vec<_> = items(&document, "set").map(|item| super::text(item, "id")).collect();
        assert_eq!(ids, [Some("a"), None]);
    }

    #[test]
    fn escapes_what_xml_reserves() {
        assert_eq!(escape("a<b>&\"c\""), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
