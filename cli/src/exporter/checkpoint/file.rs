//! A checkpoint in a file: what was there before, or all of what is written.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::WriteError;
use crate::error::Error;

/// A checkpoint in a file. Another file, which ends with `.lock`, keeps others from it.
pub(super) struct CheckpointFile {
    path: PathBuf,
    _lock: File,
}

impl CheckpointFile {
    /// Reads the file, if it is there, and keeps others from using it.
    pub(super) fn open(path: &Path) -> Result<(Self, Option<Vec<u8>>), Error> {
        let beside = beside(path, "lock");
        let name = beside.display().to_string();
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).open(&beside);
        let lock = lock.map_err(Error::output(&name))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let reason = "another exporter is using the checkpoint: give each its own";
                return Err(Error::Unreadable { name, reason: reason.to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(Error::input(&name)(error)),
        }
        let text = match fs::read(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::input(&path.display().to_string())(error)),
        };
        Ok((Self { path: path.to_owned(), _lock: lock }, text))
    }

    /// Replaces the file. It is on the disk before it gets its name.
    pub(super) fn write(&self, text: &[u8]) -> Result<(), WriteError> {
        self.try_write(text).map_err(|error| WriteError::ForTheMoment(error.to_string()))
    }

    fn try_write(&self, text: &[u8]) -> io::Result<()> {
        let new = beside(&self.path, "new");
        let mut file = File::create(&new)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_what_was_written_last_and_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        let (file, text) = CheckpointFile::open(&path).unwrap();
        assert_eq!(text, None);
        for text in ["one", "two"] {
            assert!(file.write(text.as_bytes()).is_ok());
        }
        let refused = CheckpointFile::open(&path).err().unwrap().to_string();
        assert!(refused.contains("another exporter is using the checkpoint"), "{refused}");
        drop(file);
        let (_file, text) = CheckpointFile::open(&path).unwrap();
        assert_eq!(text.as_deref(), Some(b"two".as_slice()));
    }
}
