//! Where the databases come from.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use aws_adapters::{Bucket, ReadError, SdkConfig};
use lambda_kit::Failure;
use mapped_file::MappedFile;
use recording::ErrorName;

/// Why a database is not there.
#[derive(Debug, thiserror::Error)]
enum Missing {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error("{0}")]
    Object(#[from] ReadError),
    #[error("expected a path or s3://BUCKET/KEY")]
    NoPlace,
}

/// The database at a path, or at `s3://BUCKET/KEY`, which is fetched once for as long as this
/// execution environment lives.
pub(crate) async fn open(config: &SdkConfig, place: &str) -> Result<MappedFile, Failure> {
    let opened = match place.strip_prefix("s3://") {
        Some(rest) => fetched(config, rest).await,
        None => MappedFile::open(Path::new(place)).map_err(Missing::from),
    };
    opened.map_err(|missing| {
        let name = match &missing {
            Missing::Object(ReadError::NoAnswer { .. }) => ErrorName::Transient.as_str(),
            _ => "DatabaseMissing",
        };
        Failure::new(name, format!("the database {place}, named in DATABASE: {missing}"))
    })
}

async fn fetched(config: &SdkConfig, bucket_and_key: &str) -> Result<MappedFile, Missing> {
    let (name, key) = bucket_and_key.split_once('/').ok_or(Missing::NoPlace)?;
    let mut bucket = Bucket::new(config, name);
    let object = bucket.describe(key).await?;
    let path = path(bucket_and_key, object.size, object.modified);
    if !path.exists() {
        let mut stream = bucket.part(&object, 0..object.size);
        let partial = path.with_extension(format!("partial-{}", std::process::id()));
        let mut file = fs::File::create(&partial)?;
        while let Some(piece) = stream.next().await? {
            io::Write::write_all(&mut file, &piece)?;
        }
        fs::rename(&partial, &path)?;
    }
    Ok(MappedFile::open(&path)?)
}

/// Where a version of an object is kept: `/tmp` is the one place that a function may write to.
fn path(bucket_and_key: &str, size: u64, modified: Option<i64>) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = bucket_and_key.chars().map(safe).collect();
    env::temp_dir().join(format!("{name}-{size}-{}.mmdb", modified.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_an_object_are_told_apart() {
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(name(path("b/c/../City.mmdb", 5, Some(7))), "b-c-..-City.mmdb-5-7.mmdb");
        assert_ne!(path("b/k", 5, Some(7)), path("b/k", 5, Some(8)));
    }
}
