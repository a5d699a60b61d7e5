//! A file's bytes, mapped into memory: what is never looked at is never read, and the kernel may
//! take the pages back.
//!
//! The one crate with unsafe code, since a mapping can be no other way: whoever changes the file
//! changes memory that a reference promises to be constant.

use std::{fs::File, io, path::Path};

use memmap2::Mmap;

/// The bytes of a file that nobody changes.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file that nobody writes to as long as this process runs: one of a Lambda layer, which
    /// is mounted for reading only, or one that this function has fetched for itself and given its
    /// name when it was complete. A file that is replaced by renaming another one stays mapped as
    /// it was.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        #[expect(unsafe_code, reason = "there is no other way to map a file")]
        // SAFETY: the mapping is for reading only, and by this function's contract nobody writes
        // to the file or truncates it while it is mapped.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self(map))
    }
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_bytes() {
        let path = std::env::temp_dir().join(format!("mapped-file-{}", std::process::id()));
        std::fs::write(&path, b"the bytes").unwrap();
        let mapped = MappedFile::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mapped.as_ref(), b"the bytes");
        assert_eq!(MappedFile::open(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
