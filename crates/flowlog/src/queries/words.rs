//! The words of coded values, and the expression that puts them in.

use crate::{Field, FlowDirection, TcpFlags, TrafficPath, protocol_keyword};

/// The protocols that a query names; others stay numbers, so that the text stays readable. A
/// NAT gateway passes on ICMP, TCP and UDP.
const NAMED_PROTOCOLS: [u8; 8] = [1, 6, 17, 47, 50, 51, 58, 132];

pub(super) fn directions() -> Vec<(String, &'static str)> {
    vec![
        (FlowDirection::Ingress.to_string(), "into the gateway"),
        (FlowDirection::Egress.to_string(), "out of the gateway"),
    ]
}

pub(super) fn traffic_paths() -> Vec<(String, &'static str)> {
    TrafficPath::ALL.iter().map(|path| (path.number().to_string(), path.words())).collect()
}

pub(super) fn protocols() -> Vec<(String, &'static str)> {
    let named = NAMED_PROTOCOLS.into_iter();
    named.filter_map(|number| Some((number.to_string(), protocol_keyword(number)?))).collect()
}

pub(super) fn tcp_flags() -> Vec<(String, &'static str)> {
    TcpFlags::DOCUMENTED.iter().map(|flags| (flags.0.to_string(), flags.words())).collect()
}

/// An expression that turns the values of a field into words and leaves others as they are.
///
/// Slashes on both sides keep `replace` from finding one number inside another; no word has a
/// slash.
pub(super) fn words_of(field: Field, words: &[(String, &str)]) -> String {
    let delimited = format!("concat(\"/\", {}, \"/\")", field.insights_name());
    let replaced = words.iter().fold(delimited, |inner, (value, word)| {
        format!("replace({inner}, \"/{value}/\", \"{word}\")")
    });
    format!("trim({replaced}, \"/\")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_words_cannot_be_replaced_again() {
        let words = [directions(), traffic_paths(), protocols(), tcp_flags()].concat();
        assert!(words.iter().all(|(_, word)| !word.contains(['/', '"', '\\'])));
        assert_eq!(protocols().len(), NAMED_PROTOCOLS.len());
    }
}
