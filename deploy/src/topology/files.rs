//! Folders and files that only their owner may read.

use crate::error::{Error, Result};
use std::{
    fs::{self, OpenOptions, Permissions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Makes a folder (and those above it) with this mode, or gives an existing one this mode.
///
/// # Errors
/// When it cannot be made, or is not ours.
pub fn folder(path: &Path, mode: u32) -> Result<()> {
    if !path.is_dir() {
        fs::DirBuilder::new().recursive(true).mode(mode).create(path).map_err(Error::file(path))?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(Error::file(path))
}

/// Makes a new folder for a house that is soon gone. Its database may run as another user, who must get through to its own
/// folder.
///
/// # Errors
/// When it cannot be made.
pub fn temporary(name: &str) -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("switchboard-{name}-{}", uuid::Uuid::new_v4().simple()));
    folder(&path, 0o711)?;
    Ok(path)
}

/// Writes a file that only its owner may read, all of it or nothing.
///
/// # Errors
/// When it cannot be written.
pub fn secret(path: &Path, content: &str) -> Result<()> {
    write(path, content, 0o600)
}

/// Writes a file that everybody may read, all of it or nothing.
///
/// # Errors
/// When it cannot be written.
pub fn public(path: &Path, content: &str) -> Result<()> {
    write(path, content, 0o644)
}

fn write(path: &Path, content: &str, mode: u32) -> Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&new)
        .and_then(|mut file| file.write_all(content.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    written.map_err(Error::file(path))
}

/// Reads the key in `path`; makes one of 32 random bytes, in hex, when there is none.
///
/// # Errors
/// When it can be neither read nor made.
pub fn random_key(path: &Path) -> Result<String> {
    if let Ok(key) = fs::read_to_string(path)
        && key.trim().len() >= 64
    {
        return Ok(key.trim().to_owned());
    }
    let mut bytes = [0_u8; 32];
    let source = Path::new("/dev/urandom");
    fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).map_err(Error::file(source))?;
    let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    secret(path, &key)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_private() {
        let folder_path = std::env::temp_dir().join(format!("switchboard-files-{}", std::process::id()));
        folder(&folder_path, 0o700).unwrap();
        let path = folder_path.join("key");
        let key = random_key(&path).unwrap();
        assert_eq!((key.len(), random_key(&path).unwrap()), (64, key));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(folder_path).unwrap();
    }
}
