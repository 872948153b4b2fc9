//! Files that an agent sends in one call, in bounded memory: so many, so large, and of all calls together no more than a
//! core has room for. What does not fit is left out and named; the call goes on without it.

use super::draft::MAX_ARTIFACTS;
use crate::{config::AgentsConfig, media, outside};
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The least that room is counted in.
const ROOM_UNIT: usize = 1_024;
/// Files that are left out are counted; of so many it is said which.
const MAX_TOLD: usize = 3;
/// Of a name that is told.
const MAX_TOLD_CHARS: usize = 60;

/// A file as an agent sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SentFile {
    pub(crate) name: String,
    pub(crate) media_type: String,
    /// Nothing where they cannot be read.
    pub(crate) bytes: Option<Bytes>,
}

/// What a call may bring.
#[derive(Clone, Debug)]
pub(super) struct FileBounds {
    file_bytes: usize,
    files: usize,
    all_bytes: usize,
    /// Of the whole core.
    room: Arc<Semaphore>,
}

/// The files of one call, by the artifact that they came in.
#[derive(Debug)]
pub(super) struct Gathered {
    bounds: FileBounds,
    artifacts: Vec<Artifact>,
}

#[derive(Debug, Default)]
struct Artifact {
    id: String,
    files: Vec<SentFile>,
    left_out: LeftOut,
}

#[derive(Debug, Default)]
struct LeftOut {
    count: usize,
    told: Vec<String>,
}

impl FileBounds {
    pub(super) fn new(config: &AgentsConfig) -> Self {
        let room = Arc::new(Semaphore::new(config.files_in_hand_bytes / ROOM_UNIT));
        let AgentsConfig { max_file_bytes, max_files, max_files_bytes, .. } = *config;
        Self { file_bytes: max_file_bytes, files: max_files, all_bytes: max_files_bytes, room }
    }
}

impl SentFile {
    /// A file as it is said to be, with a name that is no path and turns nothing around.
    pub(super) fn new(name: &str, media_type: &str, bytes: Option<Vec<u8>>) -> Self {
        let media_type = media::honest(media_type, bytes.as_deref().unwrap_or_default());
        Self { name: safe_name(name, &media_type), media_type, bytes: bytes.map(Bytes::from) }
    }
}

/// The last part of what may be a path, on one line.
fn safe_name(name: &str, media_type: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let line = outside::line(last, outside::MAX_FILE_NAME_CHARS);
    match line.as_str() {
        "" | "." | ".." => format!("file{}", media::ending(media_type)),
        _ => line,
    }
}

impl Gathered {
    pub(super) fn new(bounds: FileBounds) -> Self {
        Self { bounds, artifacts: Vec::new() }
    }

    /// Adds to an artifact, or replaces it.
    pub(super) fn add(&mut self, artifact: &str, append: bool, files: Vec<SentFile>) {
        let at = self.artifacts.iter().position(|known| known.id == artifact);
        if let Some(at) = at.filter(|_| !append) {
            self.artifacts[at] = Artifact { id: artifact.to_owned(), ..Artifact::default() };
        }
        if files.is_empty() {
            return;
        }
        let at = at.unwrap_or_else(|| {
            // The call ends at so many of them.
            if self.artifacts.len() < MAX_ARTIFACTS {
                self.artifacts.push(Artifact { id: artifact.to_owned(), ..Artifact::default() });
            }
            self.artifacts.len() - 1
        });
        for file in files {
            self.take(at, file);
        }
    }

    /// Forgets what came before, as when a task shows all of its artifacts.
    pub(super) fn clear(&mut self) {
        self.artifacts.clear();
    }

    /// All of them with those of its last word, but for what is there already; and what was left out.
    pub(super) fn end(mut self, last: Vec<SentFile>) -> (Vec<SentFile>, Option<String>) {
        let new = last.into_iter().filter(|file| !self.files().any(|known| known == file)).collect();
        self.add("", true, new);
        let left_out = self.left_out();
        (self.artifacts.into_iter().flat_map(|artifact| artifact.files).collect(), left_out)
    }

    fn files(&self) -> impl Iterator<Item = &SentFile> {
        self.artifacts.iter().flat_map(|artifact| &artifact.files)
    }

    fn take(&mut self, at: usize, file: SentFile) {
        match self.fitting(&file) {
            Ok(bytes) => self.artifacts[at].files.push(SentFile { bytes: Some(bytes), ..file }),
            Err(why) => {
                let left_out = &mut self.artifacts[at].left_out;
                left_out.count += 1;
                if left_out.told.len() < MAX_TOLD {
                    left_out.told.push(format!("{} ({why})", outside::line(&file.name, MAX_TOLD_CHARS)));
                }
            }
        }
    }

    /// The bytes, which keep their room as long as anybody has them; or why the file is left out.
    fn fitting(&self, file: &SentFile) -> Result<Bytes, String> {
        let FileBounds { file_bytes, files, all_bytes, room } = &self.bounds;
        let bytes = file.bytes.clone().ok_or("its bytes cannot be read")?;
        if bytes.len() > *file_bytes {
            return Err(format!("more than {file_bytes} bytes"));
        }
        if self.files().count() >= *files {
            return Err(format!("more than {files} files"));
        }
        let all: usize = self.files().filter_map(|file| file.bytes.as_ref()).map(Bytes::len).sum();
        if all + bytes.len() > *all_bytes {
            return Err(format!("more than {all_bytes} bytes of files"));
        }
        let units = u32::try_from(bytes.len().div_ceil(ROOM_UNIT)).unwrap_or(u32::MAX);
        match Arc::clone(room).try_acquire_many_owned(units) {
            Ok(room) => Ok(Bytes::from_owner(Held { bytes, _room: room })),
            Err(_) => Err("the house has too many files in hand just now".to_owned()),
        }
    }

    fn left_out(&self) -> Option<String> {
        let all = || self.artifacts.iter().map(|artifact| &artifact.left_out);
        let count: usize = all().map(|left_out| left_out.count).sum();
        let told: Vec<_> = all().flat_map(|left_out| &left_out.told).take(MAX_TOLD).cloned().collect();
        let were = if count == 1 { "was" } else { "were" };
        let more = match count.saturating_sub(told.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (count > 0).then(|| format!("{count} of its files {were} left out: {}{more}", told.join(", ")))
    }
}

/// Bytes with their room.
struct Held {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(room: usize) -> Gathered {
        let room = Arc::new(Semaphore::new(room));
        Gathered::new(FileBounds { file_bytes: 4_000, files: 3, all_bytes: 9_000, room })
    }

    fn file(name: &str, bytes: usize) -> SentFile {
        SentFile::new(name, "text/plain", Some(vec![b'x'; bytes]))
    }

    fn names(files: &[SentFile]) -> Vec<&str> {
        files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn what_is_too_large_or_too_much_is_left_out_and_named() {
        let mut gathered = gathered(100);
        gathered.add("a", false, vec![file("large", 4_001), file("one", 4_000), file("two", 4_000)]);
        gathered.add("b", true, vec![file("much", 1_001), file("three", 10), file("four", 10)]);
        let unreadable = SentFile::new("odd", "text/plain", None);
        let (files, left_out) = gathered.end(vec![unreadable, file("one", 4_000)]);
        assert_eq!(names(&files), ["one", "two", "three"]);
        assert_eq!(
            left_out.as_deref(),
            Some(
                "4 of its files were left out: large (more than 4000 bytes), much (more than 9000 bytes of \
                 files), four (more than 3 files) and 1 more"
            )
        );
    }

    #[test]
    fn an_artifact_that_comes_anew_replaces_its_files() {
        let mut gathered = gathered(100);
        gathered.add("a", false, vec![file("old", 10), file("large", 5_000)]);
        gathered.add("a", false, vec![file("new", 10)]);
        gathered.add("a", true, vec![]);
        let (files, left_out) = gathered.end(vec![]);
        assert_eq!((names(&files), left_out), (vec!["new"], None));
    }

    #[test]
    fn room_is_taken_as_long_as_somebody_has_the_bytes() {
        let mut one = gathered(4);
        let bounds = one.bounds.clone();
        one.add("a", false, vec![file("one", 3_000)]);
        let mut other = Gathered::new(bounds.clone());
        other.add("a", false, vec![file("two", 3_000)]);
        let (files, left_out) = other.end(vec![]);
        assert!(files.is_empty() && left_out.is_some_and(|why| why.contains("in hand")));
        drop(one.end(vec![]));
        assert_eq!(bounds.room.available_permits(), 4);
    }

    #[test]
    fn a_name_is_no_path_and_turns_nothing_around() {
        for (given, media_type, kept) in [
            ("../../etc/passwd", "text/plain", "passwd"),
            ("C:\\temp\\a.txt", "text/plain", "a.txt"),
            ("a\u{202E}gnp.exe\u{7}", "text/plain", "agnp.exe"),
            ("", "text/csv", "file.csv"),
            ("..", "application/zip", "file"),
            ("räge 1.png", "text/plain", "räge 1.png"),
        ] {
            assert_eq!(SentFile::new(given, media_type, Some(vec![b'x'])).name, kept, "{given}");
        }
        assert!(SentFile::new(&"x".repeat(900), "a/b", None).name.chars().count() <= 255);
    }
}
