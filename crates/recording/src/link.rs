//! Links into the AWS console.

use std::fmt::Write as _;

use jiff::Timestamp;

/// The console of the partition, region and account that an ARN names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    host: String,
    region: String,
}

impl Console {
    /// The console for `arn:partition:service:region:account:…`. Anything else
    /// gets the console of the standard partition without a region.
    #[must_use]
    pub fn of_arn(arn: &str) -> Self {
        let mut parts = arn.split(':').skip(1);
        let partition = parts.next().unwrap_or("aws");
        let region = parts.nth(1).unwrap_or_default().to_owned();
        let domain = match partition {
            "aws-cn" => "console.amazonaws.cn",
            "aws-us-gov" => "console.amazonaws-us-gov.com",
            "aws-eusc" => "console.amazonaws-eusc.eu",
            _ => "console.aws.amazon.com",
        };
        let host = match region.as_str() {
            "" => domain.to_owned(),
            region => format!("{region}.{domain}"),
        };
        Self { host, region }
    }

    /// An execution of a state machine, with every step it took.
    #[must_use]
    pub fn execution(&self, arn: &str) -> String {
        let Self { host, region } = self;
        format!("https://{host}/states/home?region={region}#/v2/executions/details/{arn}")
    }

    /// The saved queries of Athena. There is no address of one of them, nor of a work group.
    #[must_use]
    pub fn athena_saved_queries(&self) -> String {
        let Self { host, region } = self;
        format!("https://{host}/athena/home?region={region}#/query-editor/saved-queries")
    }

    /// Logs Insights with the log group, the window and the query filled in.
    ///
    /// The console keeps them in its fragment: an object in its own notation,
    /// percent-encoded twice with `$` for the second `%`, and in its strings `*`
    /// before two hexadecimal digits for all but letters, digits, `.`, `-` and
    /// `_`.
    #[must_use]
    pub fn logs_insights(
        &self,
        log_group: &str,
        from: Timestamp,
        to: Timestamp,
        query: &str,
    ) -> String {
        let Self { host, region } = self;
        let detail = format!(
            "~(end~'{}~start~'{}~timeType~'ABSOLUTE~tz~'UTC~editorString~'{}~source~(~'{}))",
            escaped(&format!("{to:.3}")),
            escaped(&format!("{from:.3}")),
            escaped(query),
            escaped(log_group),
        );
        let detail = ["~", "(", ")", "'"].iter().fold(detail, |detail, &mark| {
            let byte = mark.as_bytes().first().copied().unwrap_or_default();
            detail.replace(mark, &format!("$25{byte:02X}"))
        });
        format!(
            "https://{host}/cloudwatch/home?region={region}#logsV2:logs-insights\
             $3FqueryDetail$3D{detail}"
        )
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len() * 2), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "*{byte:02x}");
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_console() {
        let host = |arn| Console::of_arn(arn).host;
        assert_eq!(host("arn:aws:states:eu-west-1:1:x"), "eu-west-1.console.aws.amazon.com");
        assert_eq!(host("arn:aws-cn:states:cn-north-1:1:x"), "cn-north-1.console.amazonaws.cn");
        assert_eq!(
            host("arn:aws-us-gov:states:us-gov-west-1:1:x"),
            "us-gov-west-1.console.amazonaws-us-gov.com"
        );
        assert_eq!(host("nonsense"), "console.aws.amazon.com");
    }

    #[test]
    fn a_query_is_filled_in_and_every_mark_of_it_encoded() {
        let at = |text: &str| text.parse().unwrap();
        let link = Console::of_arn("arn:aws:states:eu-west-1:1:execution:a:b").logs_insights(
            "recorder-FlowLogGroup-1",
            at("2026-11-21T04:00:00Z"),
            at("2026-11-21T04:10:00.5Z"),
            "fields @message\n| limit 5",
        );
        assert_eq!(
            link,
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1\
             #logsV2:logs-insights$3FqueryDetail$3D$257E$2528end$257E$25272026-11-21T04*3a10*3a00.500Z\
             $257Estart$257E$25272026-11-21T04*3a00*3a00.000Z$257EtimeType$257E$2527ABSOLUTE\
             $257Etz$257E$2527UTC$257EeditorString$257E$2527fields*20*40message*0a*7c*20limit*205\
             $257Esource$257E$2528$257E$2527recorder-FlowLogGroup-1$2529$2529"
        );
    }
}
