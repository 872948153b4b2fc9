//! backup-agent: archives the file-manager's folder, with checksums, and restores it.

mod store;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use regex::Regex;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::reading::sandbox::Sandbox;
use crate::reading::words::has_any;
use crate::server::Reporter;
use store::Store;

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
            tags: &["effect", "backup", "archive", "snapshot", "checksum"],
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
            tags: &["effect", "restore", "recovery", "undo"],
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

static NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"backup-\d{8}-\d{6}-\d{3}").expect("a constant pattern"));

/// The agent.
pub(super) struct BackupAgent {
    store: Arc<Store>,
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
