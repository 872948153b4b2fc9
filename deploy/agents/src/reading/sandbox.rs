//! A folder nothing leaves: every path is checked part by part before it is used.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Entries listed at most.
const MOST_LISTED: usize = 200;

/// A folder of one agent.
#[derive(Debug, Clone)]
pub(crate) struct Sandbox {
    root: PathBuf,
}

/// Why a path was not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SandboxError {
    /// It would lead out of the folder.
    #[error("{0} leads outside of my folder, and I work only inside it")]
    Escape(String),
    /// The operating system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A file or folder that is there.
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) bytes: u64,
}

impl Sandbox {
    /// Opens a folder, making it when it is missing.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        Ok(Self { root: root.canonicalize()? })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The path below the folder; refuses absolute paths, `..` and symbolic links on the way.
    pub(crate) fn path(&self, relative: &str) -> Result<PathBuf, SandboxError> {
        let escape = || SandboxError::Escape(relative.to_owned());
        let mut path = self.root.clone();
        for part in Path::new(relative).components() {
            match part {
                Component::Normal(name) => path.push(name),
                Component::CurDir => continue,
                Component::Prefix(_) | Component::RootDir | Component::ParentDir => return Err(escape()),
            }
            if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
                return Err(escape());
            }
        }
        if relative.contains(['\0', '\\']) || path == self.root { Err(escape()) } else { Ok(path) }
    }

    /// All files, by path; symbolic links are passed over.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path());
                } else if kind.is_file() && found.len() < MOST_LISTED {
                    let path = entry.path();
                    let path = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
                    found.push(Entry { path, bytes: entry.metadata()?.len() });
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::Sandbox;

    #[test]
    fn nothing_leaves_the_folder() {
        let root = std::env::temp_dir().join(format!("sandbox-{}", uuid::Uuid::now_v7()));
        let sandbox = Sandbox::open(&root).unwrap();
        std::os::unix::fs::symlink("/etc", root.join("link")).unwrap();
        for path in ["../x", "/etc/passwd", "a/../../x", "link/passwd", "", ".", "a\\..\\b"] {
            assert!(sandbox.path(path).is_err(), "{path:?}");
        }
        assert!(sandbox.path("a/b.txt").is_ok());
        assert!(sandbox.entries().unwrap().is_empty());
        std::fs::remove_dir_all(root).unwrap();
    }
}
