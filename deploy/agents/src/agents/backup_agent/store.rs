//! The archives: one tar.gz each, with its checksum beside it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use chrono::Utc;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::reading::sandbox::{Sandbox, SandboxError};
use crate::reading::words::counted;

/// Backups kept; beyond it making one is refused, so that nothing is thrown away unasked.
const MOST_BACKUPS: usize = 50;
/// Bytes unpacked at most from one backup.
const MOST_UNPACKED: u64 = 256 * 1024 * 1024;

/// What is backed up, and where to.
pub(super) struct Store {
    pub(super) source: Sandbox,
    pub(super) backups: Sandbox,
}

impl Store {
    pub(super) fn make(&self) -> Result<String, SandboxError> {
        if self.names()?.len() >= MOST_BACKUPS {
            return Ok(format!(
                "There are {MOST_BACKUPS} backups already, which is all I keep; I made none.\n"
            ));
        }
        let name = format!("backup-{}", Utc::now().format("%Y%m%d-%H%M%S-%3f"));
        let path = self.backups.path(&format!("{name}.tar.gz"))?;
        let mut archive = tar::Builder::new(GzEncoder::new(File::create_new(&path)?, Compression::default()));
        archive.follow_symlinks(false);
        let entries = self.source.entries()?;
        let kept: Vec<_> = entries.iter().filter(|entry| !entry.path.starts_with("restored-")).collect();
        for entry in &kept {
            archive.append_path_with_name(self.source.path(&entry.path)?, &entry.path)?;
        }
        archive.into_inner()?.finish()?.sync_all()?;
        let checksum = checksum(&path)?;
        fs::write(self.backups.path(&format!("{name}.sha256"))?, format!("{checksum}  {name}.tar.gz\n"))?;
        let bytes = fs::metadata(&path)?.len();
        Ok(format!(
            "Made {name}: {}, {bytes} bytes.\n\n- SHA-256: {checksum}\n- kept on this machine only\n",
            counted(kept.len(), "file")
        ))
    }

    pub(super) fn list(&self) -> Result<String, SandboxError> {
        let names = self.names()?;
        if names.is_empty() {
            return Ok("There are no backups yet.\n".to_owned());
        }
        let mut text = format!("I keep {}, oldest first:\n\n", counted(names.len(), "backup"));
        for name in &names {
            let bytes = fs::metadata(self.backups.path(&format!("{name}.tar.gz"))?)?.len();
            writeln!(text, "- {name} ({bytes} bytes)").ok();
        }
        Ok(text)
    }

    pub(super) fn verify(&self, named: Option<String>) -> Result<String, SandboxError> {
        let names = match named {
            Some(name) => vec![name],
            None => self.names()?,
        };
        let mut text = String::from("Checksums:\n\n");
        for name in &names {
            let verdict = if self.holds(name)? { "intact" } else { "DAMAGED: the SHA-256 checksum differs" };
            writeln!(text, "- {name}: {verdict}").ok();
        }
        Ok(if names.is_empty() { "There are no backups yet.\n".to_owned() } else { text })
    }

    /// Unpacks beside the originals: nothing is overwritten.
    pub(super) fn restore(&self, named: Option<String>) -> Result<String, SandboxError> {
        let Some(name) = named.or(self.names()?.pop()) else {
            return Ok("There are no backups yet, so there is nothing to restore.\n".to_owned());
        };
        if !self.holds(&name)? {
            return Ok(format!("{name} is damaged (its checksum differs), so I did not restore it.\n"));
        }
        let folder = format!("restored-{}", name.trim_start_matches("backup-"));
        let target = self.source.path(&folder)?;
        fs::create_dir_all(&target)?;
        let packed = File::open(self.backups.path(&format!("{name}.tar.gz"))?)?;
        let mut archive = tar::Archive::new(GzDecoder::new(packed).take(MOST_UNPACKED));
        let mut files = 0;
        for entry in archive.entries()? {
            // `unpack_in` refuses paths that lead out of the target.
            files += usize::from(entry?.unpack_in(&target)?);
        }
        Ok(format!(
            "Restored {} of {name} (checksum intact) into {folder}/ of the file-manager's folder; the originals are as they were.\n",
            counted(files, "file")
        ))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = self.backups.entries()?;
        Ok(entries.iter().filter_map(|entry| entry.path.strip_suffix(".tar.gz")).map(str::to_owned).collect())
    }

    fn holds(&self, name: &str) -> Result<bool, SandboxError> {
        let noted = fs::read_to_string(self.backups.path(&format!("{name}.sha256"))?)?;
        let actual = checksum(&self.backups.path(&format!("{name}.tar.gz"))?)?;
        Ok(noted.split_whitespace().next() == Some(&actual))
    }
}

fn checksum(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
