//! Functions' zip files, unpacked once each.

use std::collections::HashMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use hyper::Method;
use parking_lot::Mutex;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use zip::ZipArchive;

use super::settings::FunctionSettings;
use crate::aws::{AwsClient, AwsError};
use crate::xml;

/// What a key may not have unescaped in a path; slashes stay.
const KEY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'?').add(b'+');

/// Why a function's code cannot be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    #[error("no bucket has {key:?} with the SHA-256 {sha256} of function {function}")]
    NotFound { function: String, key: String, sha256: String },
    #[error("the code of {function} cannot be read: {source}")]
    Aws { function: String, source: AwsError },
    #[error("the zip file of {function} cannot be unpacked: {source}")]
    Zip { function: String, source: zip::result::ZipError },
    #[error("the bootstrap of {function} cannot be started: {source}")]
    Start { function: String, source: std::io::Error },
    #[error("unpacking failed: {0}")]
    Inside(#[from] tokio::task::JoinError),
}

/// The unpacked code, in a folder that goes with it.
pub(super) struct CodeStore {
    folder: TempDir,
    /// Code given in the call itself, by its hash.
    inline: Mutex<HashMap<String, Bytes>>,
    unpacked: Mutex<HashMap<String, Arc<OnceCell<PathBuf>>>>,
}

impl CodeStore {
    pub(super) fn new() -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("front-door-").tempdir()?;
        Ok(Self { folder, inline: Mutex::default(), unpacked: Mutex::default() })
    }

    /// Removes what was unpacked: at the end nobody else does, since tasks that still run share
    /// this store.
    pub(super) fn remove(&self) -> std::io::Result<()> {
        std::fs::remove_dir_all(self.folder.path())
    }

    /// Keeps a zip file that moto keeps to itself: the base64 of `ZipFile`.
    pub(super) fn remember(&self, zip_file: &str) {
        if let Ok(zip_file) = STANDARD.decode(zip_file) {
            self.inline.lock().insert(sha256(&zip_file), zip_file.into());
        }
    }

    /// The folder with the function's code.
    pub(super) async fn folder_of(
        &self,
        moto: &AwsClient,
        function: &FunctionSettings,
    ) -> Result<PathBuf, CodeError> {
        let cell =
            Arc::clone(self.unpacked.lock().entry(function.code_sha256.clone()).or_default());
        let folder = cell.get_or_try_init(|| self.unpack(moto, function)).await?;
        Ok(folder.clone())
    }

    async fn unpack(
        &self,
        moto: &AwsClient,
        function: &FunctionSettings,
    ) -> Result<PathBuf, CodeError> {
        let inline = self.inline.lock().get(&function.code_sha256).cloned();
        let zip_file = match inline {
            Some(zip_file) => zip_file,
            None => find(moto, function).await?,
        };
        let folder = self.folder.path().join(URL_SAFE_NO_PAD.encode(&function.code_sha256));
        let target = folder.clone();
        tokio::task::spawn_blocking(move || unzip(&zip_file, &target))
            .await?
            .map_err(|source| CodeError::Zip { function: function.name.clone(), source })?;
        Ok(folder)
    }
}

fn unzip(zip_file: &[u8], folder: &Path) -> zip::result::ZipResult<()> {
    ZipArchive::new(Cursor::new(zip_file))?.extract(folder)
}

/// The zip file from the bucket that has it: moto tells the key alone.
async fn find(moto: &AwsClient, function: &FunctionSettings) -> Result<Bytes, CodeError> {
    let failed = |source| CodeError::Aws { function: function.name.clone(), source };
    let key = utf8_percent_encode(&function.code_key, KEY);
    for bucket in buckets(moto, &function.region).await.map_err(failed)? {
        let get = (Method::GET, &*format!("/{bucket}/{key}"));
        match moto.rest(&function.region, "s3", get, &[], Bytes::new()).await {
            Ok(zip_file) if sha256(&zip_file) == function.code_sha256 => return Ok(zip_file),
            Ok(_) | Err(AwsError::Service { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(CodeError::NotFound {
        function: function.name.clone(),
        key: function.code_key.clone(),
        sha256: function.code_sha256.clone(),
    })
}

async fn buckets(moto: &AwsClient, region: &str) -> Result<Vec<String>, AwsError> {
    let list = (Method::GET, "/");
    let answer = moto.rest(region, "s3", list, &[], Bytes::new()).await?;
    let answer = String::from_utf8_lossy(&answer);
    let document = xml::parse(&answer)?;
    let buckets = document.descendants().filter(|node| node.tag_name().name() == "Bucket");
    Ok(buckets.filter_map(|bucket| xml::text(bucket, "Name")).map(str::to_owned).collect())
}

/// As Lambda's `CodeSha256`.
fn sha256(zip_file: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(zip_file))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn unpacked_programs_can_be_run() {
        let mut zip_file = Cursor::new(Vec::new());
        let mut writer = zip::ZipWriter::new(&mut zip_file);
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(0o755);
        writer.start_file("bootstrap", options).unwrap();
        writer.write_all(b"#!/bin/sh\n").unwrap();
        writer.finish().unwrap();
        let folder = tempfile::tempdir().unwrap();
        unzip(zip_file.get_ref(), folder.path()).unwrap();
        let metadata = folder.path().join("bootstrap").metadata().unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o755);
    }
}
