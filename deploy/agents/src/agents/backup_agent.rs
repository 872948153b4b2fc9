//! backup-agent: archives the file-manager's folder, with checksums, and restores it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use chrono::Utc;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use regex::Regex;
use sha2::{Digest, Sha256};

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::reading::sandbox::{Sandbox, SandboxError};
use crate::reading::words::has_any;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "backup-agent",
    name: "Backup Agent",
    description: "Backs up the folder of the file-manager agent into a compressed archive with a SHA-256 checksum, lists the backups, verifies one and restores one beside the originals. It backs up nothing else and copies nothing to other machines.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "backup",
            name: "Make a backup",
            description: "Archives the folder (tar, gzip) and records its SHA-256 checksum.",
            tags: &["backup", "archive", "snapshot", "checksum"],
            examples: &[
                "Back up my files now",
                "Make a backup of the folder before I change anything",
                "Bitte eine Sicherung der Dateien anlegen",
                "Fais une sauvegarde de mes fichiers",
                "Haz una copia de seguridad de los archivos",
                "现在备份我的文件",
            ],
        },
        Skill {
            id: "recovery",
            name: "Restore a backup",
            description: "Unpacks a backup into a new folder beside the originals.",
            tags: &["restore", "recovery", "undo"],
            examples: &[
                "Restore the latest backup",
                "I lost a file, bring back yesterday's backup",
                "Stelle die letzte Sicherung wieder her",
                "最新のバックアップを復元して",
                "استعد آخر نسخة احتياطية",
            ],
        },
        Skill {
            id: "archiving",
            name: "List and verify backups",
            description: "Shows which backups there are and whether their checksums still hold.",
            tags: &["list backups", "verify", "integrity", "checksum"],
            examples: &[
                "Which backups do we have?",
                "Verify the checksum of the last backup",
                "Prüfe, ob die Sicherungen noch unbeschädigt sind",
                "¿Qué copias de seguridad existen?",
            ],
        },
    ],
};

/// Backups kept; beyond it making one is refused, so that nothing is thrown away unasked.
const MOST_BACKUPS: usize = 50;
/// Bytes unpacked at most from one backup.
const MOST_UNPACKED: u64 = 256 * 1024 * 1024;

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"backup-\d{8}-\d{6}-\d{3}").expect("a constant pattern"));

/// The agent.
pub(super) struct BackupAgent {
    store: Arc<Store>,
}

struct Store {
    source: Sandbox,
    backups: Sandbox,
}

#[derive(Clone, Copy)]
enum Wish {
    Make,
    Restore,
    Verify,
    List,
}

impl BackupAgent {
    /// Backs up `source` into `backups`.
    pub(super) fn new(source: Sandbox, backups: Sandbox) -> Self {
        Self { store: Arc::new(Store { source, backups }) }
    }
}

#[async_trait]
impl Agent for BackupAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let Some(wish) = wish(&request.text) else {
            return match colleagues::referral(PROFILE.id, &request.text) {
                Some(referral) => Outcome::Refused(referral),
                None => Outcome::AskedBack(
                    "Shall I make a backup, list the backups, verify one or restore one?".to_owned(),
                ),
            };
        };
        reporter.progress(match wish {
            Wish::Make => "Archiving the file-manager's folder.",
            Wish::Restore => "Verifying and unpacking the backup.",
            Wish::Verify => "Calculating checksums.",
            Wish::List => "Looking at the backups.",
        });
        let (store, named) =
            (Arc::clone(&self.store), NAME.find(&request.text).map(|name| name.as_str().to_owned()));
        let work = tokio::task::spawn_blocking(move || match wish {
            Wish::Make => store.make(),
            Wish::Restore => store.restore(named),
            Wish::Verify => store.verify(named),
            Wish::List => store.list(),
        });
        match work.await {
            Ok(Ok(text)) => Outcome::Answered(text),
            Ok(Err(error)) => Outcome::Failed(format!("That did not work: {error}.")),
            Err(_) => Outcome::Failed("Something went wrong while archiving.".to_owned()),
        }
    }
}

fn wish(text: &str) -> Option<Wish> {
    let says = |words: &[&str]| has_any(text, words);
    if says(&[
        "restore",
        "recover",
        "bring back",
        "wiederher*",
        "wieder her",
        "zurück*",
        "restaur*",
        "récup*",
        "recuper*",
        "恢复",
        "復元",
        "استعد",
        "استعادة",
    ]) {
        Some(Wish::Restore)
    } else if says(&[
        "verif*",
        "check",
        "intact",
        "prüf*",
        "unbeschädigt",
        "vérif*",
        "comprueba",
        "验证",
        "校验",
        "検証",
        "تحقق",
    ]) {
        Some(Wish::Verify)
    } else if says(&[
        "list",
        "which",
        "what backups",
        "show",
        "how many",
        "welche",
        "zeig*",
        "quelles",
        "liste",
        "qué",
        "列出",
        "哪些",
        "一覧",
        "ما هي",
    ]) {
        Some(Wish::List)
    } else if says(&[
        "back*",
        "archive*",
        "snapshot",
        "sicher*",
        "sauvegard*",
        "copia*",
        "respald*",
        "备份",
        "バックアップ",
        "نسخ",
        "نسخة",
    ]) {
        Some(Wish::Make)
    } else {
        None
    }
}

impl Store {
    fn make(&self) -> Result<String, SandboxError> {
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
            "Made {name}: {} files, {bytes} bytes.\n\n- SHA-256: {checksum}\n- kept on this machine only\n",
            kept.len()
        ))
    }

    fn list(&self) -> Result<String, SandboxError> {
        let names = self.names()?;
        if names.is_empty() {
            return Ok("There are no backups yet.\n".to_owned());
        }
        let mut text = format!("There are {} backups, oldest first:\n\n", names.len());
        for name in &names {
            let bytes = fs::metadata(self.backups.path(&format!("{name}.tar.gz"))?)?.len();
            writeln!(text, "- {name} ({bytes} bytes)").ok();
        }
        Ok(text)
    }

    fn verify(&self, named: Option<String>) -> Result<String, SandboxError> {
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
    fn restore(&self, named: Option<String>) -> Result<String, SandboxError> {
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
            "Restored {files} files of {name} (checksum intact) into {folder}/ of the file-manager's folder; the originals are as they were.\n"
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
