//! What is asked of AWS.

use aws_adapters::{Ec2NetworkInterfaces, ObjectStream, ReadError, ReplacedTexts, SdkConfig};
use datadog::{Account, Interfaces, Pieces};
use recording::Error;

/// The account in which the function runs.
#[derive(Debug)]
pub(crate) struct AwsAccount {
    interfaces: Ec2NetworkInterfaces,
    claims: ReplacedTexts,
}

impl AwsAccount {
    pub(crate) fn new(config: &SdkConfig, table: String) -> Self {
        Self {
            interfaces: Ec2NetworkInterfaces::new(config),
            claims: ReplacedTexts::new(config, table),
        }
    }
}

impl Account for AwsAccount {
    type Error = Error;

    async fn addresses(&self, ids: &[String]) -> Result<Interfaces, Error> {
        let found = self.interfaces.with_ids(ids).await?;
        Ok(found.into_iter().map(|interface| (interface.id, interface.addresses)).collect())
    }

    async fn claims(&self, writer: &str) -> Result<Option<String>, Error> {
        self.claims.read(writer).await
    }

    async fn replace_claims(
        &self,
        writer: &str,
        read: Option<&str>,
        new: &str,
        until: i64,
    ) -> Result<bool, Error> {
        self.claims.replace(writer, read, new, until).await
    }
}

/// An object that is downloaded.
pub(crate) struct Download(pub(crate) ObjectStream);

impl Pieces for Download {
    type Error = ReadError;

    async fn next(&mut self) -> Result<Option<Vec<u8>>, ReadError> {
        self.0.next().await
    }
}
