//! How objects and log groups are called on the command line.

use std::str::FromStr;

/// What an argument names in an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `s3://bucket/path`: an object, or all objects below a path.
    Objects {
        /// The bucket's name.
        bucket: String,
        /// The key, or how keys begin.
        path: String,
    },
    /// `logs://name`, or a log group's ARN.
    LogGroup {
        /// The log group's name.
        name: String,
        /// The region and the account that an ARN says.
        place: Option<Place>,
    },
}

/// Where an ARN says that something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// As `eu-west-1`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

/// An argument that names nothing that can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a file, a directory, -, s3://bucket/path, logs://log-group or \
     arn:aws:logs:region:account:log-group:name"
)]
pub(crate) struct NoName;

impl Name {
    /// Whether an argument is meant to name something in an account, and no file.
    pub(crate) fn is_meant_by(argument: &str) -> bool {
        let is_arn = argument.starts_with("arn:") && !std::path::Path::new(argument).exists();
        argument.contains("://") || is_arn
    }
}

impl FromStr for Name {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
            (!bucket.is_empty())
                .then(|| Self::Objects { bucket: bucket.to_owned(), path: path.to_owned() })
        } else if let Some(name) = text.strip_prefix("logs://") {
            (!name.is_empty()).then(|| Self::LogGroup { name: name.to_owned(), place: None })
        } else {
            log_group_arn(text)
        };
        name.ok_or(NoName)
    }
}

/// `arn:PARTITION:logs:REGION:ACCOUNT:log-group:NAME`, with or without `:*`.
fn log_group_arn(text: &str) -> Option<Name> {
    let text = text.strip_suffix(":*").unwrap_or(text);
    let parts: Vec<_> = text.splitn(7, ':').collect();
    let &["arn", _, "logs", region, account, "log-group", name] = parts.as_slice() else {
        return None;
    };
    // Behind another colon comes a log stream.
    if region.is_empty() || account.is_empty() || name.is_empty() || name.contains(':') {
        return None;
    }
    let place = Place { region: region.to_owned(), account: account.to_owned() };
    Some(Name::LogGroup { name: name.to_owned(), place: Some(place) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_objects_are_a_bucket_and_a_path() {
        for (text, bucket, path) in [
            ("s3://logs", "logs", ""),
            ("s3://logs/", "logs", ""),
            ("s3://logs/AWSLogs/1/a b.gz", "logs", "AWSLogs/1/a b.gz"),
            ("s3://logs//odd/", "logs", "/odd/"),
        ] {
            let expected = Name::Objects { bucket: bucket.to_owned(), path: path.to_owned() };
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn log_groups_are_named_or_have_an_arn() {
        let name = "/aws/vpc/flow".to_owned();
        let named = Name::LogGroup { name: name.clone(), place: None };
        assert_eq!("logs:///aws/vpc/flow".parse(), Ok(named));
        let place = Place { region: "eu-west-1".to_owned(), account: "123456789012".to_owned() };
        let in_place = Name::LogGroup { name, place: Some(place) };
        for end in ["", ":*"] {
            let arn =
                format!("arn:aws-cn:logs:eu-west-1:123456789012:log-group:/aws/vpc/flow{end}");
            assert_eq!(arn.parse(), Ok(in_place.clone()), "{arn}");
        }
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "s3://",
            "s3:///key",
            "logs://",
            "https://example.com/a.log",
            "arn:aws:s3:::logs/a",
            "arn:aws:logs:eu-west-1:1:log-group:a:log-stream:b",
            "arn:aws:logs::1:log-group:a",
        ] {
            assert_eq!(text.parse::<Name>(), Err(NoName), "{text}");
        }
    }
}
