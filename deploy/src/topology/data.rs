//! The data folder: any name that the file system takes, made when it is not there, held by one house at a time.

use super::files;
use crate::{
    error::{Error, Result},
    house::House,
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Postgres keeps paths in 1024 bytes with their end mark (its `MAXPGPATH`), and writes names of its own behind this one.
const MAX_BYTES: usize = 900;

/// Makes the data folder and those that only its owner may enter.
///
/// # Errors
/// When it cannot be made, or what the house writes down cannot hold its name.
pub fn prepare(data: &Path) -> Result<PathBuf> {
    let unusable = |why: &str| Err(Error::Invalid(format!("--data {}: {why}", data.display())));
    if data.as_os_str().is_empty() {
        return unusable("it names no folder");
    }
    if data.exists() && !data.is_dir() {
        return unusable("it is no folder; --data names one, and makes it when it is not there");
    }
    if data.to_str().is_none() {
        return unusable("its name is not UTF-8, and configuration files are; choose another name");
    }
    if !data.exists() {
        // As root, Postgres runs as another user, who must get through to its own folder.
        let mode = if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 };
        files::folder(data, mode)?;
    }
    let whole = fs::canonicalize(data).map_err(Error::file(data))?;
    match whole.to_str() {
        None => return unusable("a folder above it has a name that is not UTF-8; choose another place"),
        Some(path) if path.len() > MAX_BYTES => {
            return unusable(&format!(
                "its whole path has {} bytes and Postgres takes {MAX_BYTES}; choose a shorter one",
                path.len()
            ));
        }
        Some(_) => {}
    }
    for name in ["run", "logs"] {
        files::folder(&whole.join(name), 0o700)?;
    }
    Ok(whole)
}

/// Holds the folder for this process; the kernel lets go of it when the process ends, however it ends.
///
/// # Errors
/// When another house holds it.
pub fn lock(data: &Path) -> Result<File> {
    let path = data.join("run").join("lock");
    let file = File::create(&path).map_err(Error::file(&path))?;
    file.try_lock().map_err(|_| Error::Occupied {
        data: data.display().to_string(),
        holder: House::find(Some(data)).ok().map(|house| format!("process {}", house.pid)),
    })?;
    Ok(file)
}
