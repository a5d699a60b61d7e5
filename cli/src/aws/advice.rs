//! What to do when AWS says no.

use std::fmt;

use aws_adapters::ReadError;

/// An error of AWS with what to do about it.
#[derive(Debug)]
pub(crate) struct Advised(pub ReadError);

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match advice(&self.0) {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Advised {}

fn advice(error: &ReadError) -> Option<String> {
    match error {
        ReadError::NoCredentials { .. } => Some(
            "sign in (`aws sso login`, `aws configure`), or choose another profile with --profile"
                .to_owned(),
        ),
        ReadError::NoRegion => {
            Some("name it with --region, in AWS_REGION or in the profile".to_owned())
        }
        ReadError::Refused { operation, code, .. } => refusal(operation, code),
        _ => None,
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/CommonErrors.html>
fn refusal(operation: &str, code: &str) -> Option<String> {
    let advice = match code {
        "AccessDenied" | "AccessDeniedException" => {
            let permission = permission(operation);
            return Some(format!(
                "the credentials need the permission {permission}; --profile chooses others"
            ));
        }
        "NoSuchBucket" => "check the bucket's name",
        "NoSuchKey" | "NotFound" => "it was there when it was listed: try again",
        "PreconditionFailed" => "it was replaced while it was read: try again",
        "InvalidObjectState" => "it is archived: restore it first",
        "ExpiredToken" | "ExpiredTokenException" | "InvalidToken" | "RequestExpired" => {
            "sign in again, for example with `aws sso login`"
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException"
        | "InvalidSignatureException" => {
            "check the credentials, or choose another profile with --profile"
        }
        _ => return None,
    };
    Some(advice.to_owned())
}

/// The permission that a call needs.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>
fn permission(operation: &str) -> &str {
    match operation {
        "s3:ListObjectsV2" => "s3:ListBucket",
        "s3:HeadObject" => "s3:GetObject (and s3:ListBucket, to look for objects below it)",
        others => others,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(operation: &'static str, code: &str) -> String {
        let (code, message) = (code.to_owned(), "Denied.".to_owned());
        Advised(ReadError::Refused { operation, code, message }).to_string()
    }

    #[test]
    fn a_missing_permission_is_named() {
        assert_eq!(
            refused("s3:ListObjectsV2", "AccessDenied"),
            "s3:ListObjectsV2 was refused: AccessDenied, Denied.; the credentials need the \
             permission s3:ListBucket; --profile chooses others"
        );
        let of_logs = refused("logs:StartQuery", "AccessDeniedException");
        assert!(of_logs.contains("the permission logs:StartQuery;"), "{of_logs}");
    }

    #[test]
    fn an_unknown_refusal_is_passed_on_as_it_is() {
        assert_eq!(refused("s3:GetObject", "Teapot"), "s3:GetObject was refused: Teapot, Denied.");
    }
}
