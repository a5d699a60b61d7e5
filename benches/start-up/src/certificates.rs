//! The certificates of the local HTTPS server, made for each benchmark.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::TempDir;

/// Where Linux distributions keep the roots that they trust, in one file.
const SYSTEM_ROOTS: [&str; 2] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

pub(crate) struct Certificates {
    pub(crate) server: Arc<ServerConfig>,
    folder: TempDir,
}

/// The roots that a function is given to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    /// The system's and the local server's, as many as a Lambda environment has.
    System,
    /// The local server's alone.
    One,
}

impl Certificates {
    pub(crate) fn make() -> Result<Self> {
        let authority = authority()?;
        let folder = tempfile::tempdir()?;
        let system = system_roots()?;
        fs::write(folder.path().join(file_name(Roots::One)), authority.pem())?;
        fs::write(folder.path().join(file_name(Roots::System)), system + "\n" + &authority.pem())?;
        Ok(Self { server: Arc::new(server(&authority)?), folder })
    }

    /// For `SSL_CERT_FILE`.
    pub(crate) fn bundle(&self, roots: Roots) -> PathBuf {
        self.folder.path().join(file_name(roots))
    }

    /// Number of roots in the bundle.
    pub(crate) fn count(&self, roots: Roots) -> Result<usize> {
        let bundle = fs::read_to_string(self.bundle(roots))?;
        Ok(bundle.matches("-----BEGIN CERTIFICATE-----").count())
    }
}

fn file_name(roots: Roots) -> &'static str {
    match roots {
        Roots::System => "all.pem",
        Roots::One => "one.pem",
    }
}

fn system_roots() -> Result<String> {
    let found = SYSTEM_ROOTS.iter().find(|path| Path::new(path).exists());
    let path = found.context("this system has no bundle of root certificates")?;
    fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn server(authority: &CertifiedIssuer<'_, KeyPair>) -> Result<ServerConfig> {
    let key = KeyPair::generate()?;
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, authority)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    Ok(ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?)
}
