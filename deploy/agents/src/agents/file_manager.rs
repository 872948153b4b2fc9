//! file-manager: small text files in a folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::sync::LazyLock;

use async_trait::async_trait;
use flate2::Compression;
use flate2::write::GzEncoder;
use regex::Regex;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::house::HouseError;
use crate::reading::quotes::{every_quoted, fenced};
use crate::reading::sandbox::{Sandbox, SandboxError};
use crate::reading::subject::split;
use crate::reading::words::{counted, has_any};
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "file-manager",
    name: "File Manager",
    description: "Keeps small text files in one shared folder of its own: lists them, reads them, writes them and compresses them with gzip. It sees nothing outside that folder, deletes nothing and has no cloud storage.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "file_ops",
            name: "List, read and write files",
            description: "Lists the folder, shows a text file, writes a small text file.",
            tags: &["effect", "files", "folder", "read", "write", "save", "list"],
            examples: &[
                "Which files do you have?",
                "Save a file notes.txt with the text: call Maria on Monday",
                "Open notes.txt and show me what it says",
                "Zeig mir alle Dateien im Ordner",
                "Enregistre un fichier courses.txt : lait, pain, œufs",
                "Lee el archivo notas.txt",
                "列出所有文件",
                "اعرض الملفات الموجودة في المجلد",
            ],
        },
        Skill {
            id: "compression",
            name: "Compress a file",
            description: "Compresses one file with gzip and says how much smaller it became.",
            tags: &["effect", "gzip", "zip", "compress", "smaller"],
            examples: &[
                "Compress notes.txt for me",
                "Can you gzip the report.csv I saved?",
                "Komprimiere die Datei bericht.txt",
                "memo.txt を圧縮してください",
            ],
        },
    ],
};

const MOST_WRITTEN: usize = 64 * 1024;
const MOST_SHOWN: u64 = 64 * 1024;
/// Files kept; beyond it writing is refused.
const MOST_FILES: usize = 150;

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?:[\w.\-\\/~]*[/\\][\w.\-]+|[\p{L}\p{N}_\-]+(?:\.[\p{L}\p{N}_\-]+)*\.[A-Za-z][A-Za-z0-9]{0,7})",
    )
    .expect("a constant pattern")
});

/// The agent.
pub(super) struct FileManager {
    sandbox: Sandbox,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
enum Wish<'a> {
    List,
    Read(&'a str),
    Write(&'a str, &'a str),
    Compress(&'a str),
    Delete,
    Incomplete(&'static str),
}

impl FileManager {
    pub(super) fn new(sandbox: Sandbox) -> Result<Self, HouseError> {
        let welcome = sandbox.root().join("welcome.txt");
        if !welcome.exists() {
            fs::write(&welcome, "Hello! These are the files of the file-manager agent.\nAsk it to save a file, or to read this one.\n")
                .map_err(|source| HouseError::Data { path: welcome, source })?;
        }
        Ok(Self { sandbox })
    }
}

#[async_trait]
impl Agent for FileManager {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let wish = wish(&request.text);
        reporter.progress("Looking into my folder.");
        let done = match wish {
            Wish::List => self.list(),
            Wish::Read(name) => self.read(name),
            Wish::Write(name, text) => self.write(name, text),
            Wish::Compress(name) => self.compress(name),
            Wish::Delete => {
                return Outcome::Refused(
                    "I do not delete files; I only list, read, write and compress them.".to_owned(),
                );
            }
            Wish::Incomplete(question) => return Outcome::AskedBack(question.to_owned()),
        };
        match done {
            Ok(text) => Outcome::Answered(text),
            Err(error @ SandboxError::Escape(_)) => Outcome::Refused(format!("Refused: {error}.")),
            Err(SandboxError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                let files = self.list().unwrap_or_default();
                Outcome::Answered(format!("There is no such file in my folder.\n\n{files}"))
            }
            Err(SandboxError::Io(error)) => Outcome::Failed(format!("That did not work: {error}.")),
        }
    }
}

fn wish(text: &str) -> Wish<'_> {
    let name = NAME.find(text).map(|found| found.as_str().trim_end_matches('.'));
    let compress =
        has_any(text, &["compress*", "gzip", "zip", "komprimier*", "comprim*", "压缩", "圧縮", "اضغط"]);
    let write = has_any(
        text,
        &[
            "write",
            "save",
            "create",
            "store",
            "schreib*",
            "speicher*",
            "erstell*",
            "écri*",
            "enregistr*",
            "crée*",
            "escrib*",
            "guarda*",
            "crea",
            "保存",
            "写",
            "書",
            "创建",
            "作成",
            "احفظ",
            "اكتب",
            "أنشئ",
        ],
    );
    let delete = has_any(
        text,
        &["delete", "remove", "erase", "lösch*", "supprim*", "borra*", "elimina*", "删除", "削除", "احذف"],
    );
    match (name, content(text)) {
        _ if delete && !write => Wish::Delete,
        (Some(name), _) if compress => Wish::Compress(name),
        (None, _) if compress => {
            Wish::Incomplete("Which file shall I compress? Please give its name, for example notes.txt.")
        }
        (Some(name), Some(content)) if write => Wish::Write(name, content),
        (Some(_), None) if write => {
            Wish::Incomplete("What shall stand in the file? Please write it after a colon or in quotes.")
        }
        (None, _) if write => Wish::Incomplete(
            "Under which name, and with which text? For example: save notes.txt with the text: call Maria.",
        ),
        (Some(name), _) => Wish::Read(name),
        (None, _) => Wish::List,
    }
}

/// The text to be written: fenced, quoted (unless it is just the name) or after a colon.
fn content(text: &str) -> Option<&str> {
    let is_name = |part: &&str| NAME.find(part).is_some_and(|found| found.as_str() == *part);
    fenced(text)
        .or_else(|| every_quoted(text).find(|part| !is_name(part)))
        .or_else(|| split(text).map(|(_, content)| content))
}

impl FileManager {
    fn list(&self) -> Result<String, SandboxError> {
        let entries = self.sandbox.entries()?;
        let mut text = format!("My folder holds {}:\n\n", counted(entries.len(), "file"));
        for entry in &entries {
            writeln!(text, "- {} ({} bytes)", entry.path, entry.bytes).ok();
        }
        text.push_str("\nThe folder is shared by everyone who asks me.\n");
        Ok(text)
    }

    fn read(&self, name: &str) -> Result<String, SandboxError> {
        let path = self.sandbox.path(name)?;
        let size = fs::metadata(&path)?.len();
        if size > MOST_SHOWN {
            return Ok(format!("{name} has {size} bytes; I show files of up to {MOST_SHOWN} bytes.\n"));
        }
        match String::from_utf8(fs::read(&path)?) {
            Ok(text) => Ok(format!("{name} ({size} bytes):\n\n```\n{}\n```\n", text.trim_end())),
            Err(_) => Ok(format!("{name} ({size} bytes) is not text, so I do not show it.\n")),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<String, SandboxError> {
        let path = self.sandbox.path(name)?;
        if text.len() > MOST_WRITTEN {
            return Ok(format!(
                "I write files of up to {MOST_WRITTEN} bytes; this would be {}.\n",
                text.len()
            ));
        }
        if self.sandbox.entries()?.len() >= MOST_FILES && !path.exists() {
            return Ok(format!("My folder is full: {MOST_FILES} files.\n"));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let replaced = if path.exists() { " (it replaced an older one)" } else { "" };
        fs::write(&path, format!("{}\n", text.trim_end()))?;
        Ok(format!("Saved {name}, {} bytes{replaced}.\n", text.trim_end().len() + 1))
    }

    fn compress(&self, name: &str) -> Result<String, SandboxError> {
        let packed = format!("{name}.gz");
        let (from, to) = (self.sandbox.path(name)?, self.sandbox.path(&packed)?);
        let bytes = fs::read(from)?;
        let mut encoder = GzEncoder::new(fs::File::create(to)?, Compression::default());
        encoder.write_all(&bytes)?;
        let after = encoder.finish()?.metadata()?.len();
        Ok(format!(
            "Compressed {name} ({} bytes) to {packed} ({after} bytes). The original is still there.\n",
            bytes.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Wish, wish};

    #[test]
    fn wishes_are_understood() {
        assert_eq!(wish("Which files do you have?"), Wish::List);
        assert_eq!(
            wish("Save a file notes.txt with the text: call Maria"),
            Wish::Write("notes.txt", "call Maria")
        );
        assert_eq!(
            wish("Enregistre un fichier courses.txt : lait, pain"),
            Wish::Write("courses.txt", "lait, pain")
        );
        assert_eq!(wish("Save `a.txt` with the text “hi”"), Wish::Write("a.txt", "hi"));
        assert_eq!(wish("Lee el archivo notas.txt"), Wish::Read("notas.txt"));
        assert_eq!(wish("read ../../etc/passwd"), Wish::Read("../../etc/passwd"));
        assert_eq!(wish("memo.txt を圧縮してください"), Wish::Compress("memo.txt"));
    }
}
