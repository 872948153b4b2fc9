//! `--save FOLDER`: the files of our answers, under their own names where these can be had. Nothing is written over, and
//! nothing outside of the folder: a name is only ever that of a file in it.

use crate::{
    client::Client,
    error::{Error, Result},
};
use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};
use switchboard_shared::{api::FileView, ids::ConversationId};

/// The longest name that file systems have, in bytes, with room for a number.
const MAX_NAME_BYTES: usize = 240;
/// Files of one name; one more is not saved.
const MAX_OF_A_NAME: usize = 1_000;

/// Fetches a file and saves it; where.
pub(super) async fn save(
    client: &Client,
    conversation: ConversationId,
    file: &FileView,
    folder: &Path,
) -> Result<PathBuf> {
    let id = file.id.as_ref().ok_or_else(|| Error::Failed(format!("{} has no id", file.name)))?;
    let answer = client.open(&format!("/v1/conversations/{conversation}/files/{id}")).await?;
    let bytes = answer.bytes().await.map_err(|error| Error::Failed(format!("{}: {error}", file.name)))?;
    let write = {
        let (folder, name) = (folder.to_owned(), file.name.clone());
        move || written(&folder, &name, &bytes)
    };
    tokio::task::spawn_blocking(write).await.map_err(|error| Error::Failed(error.to_string()))?
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    fs::create_dir_all(folder).map_err(Error::named(folder))?;
    let name = safe(name);
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    for number in 1..=MAX_OF_A_NAME {
        let path = folder.join(match (number, ending) {
            (1, _) => name.clone(),
            (_, "") => format!("{stem} ({number})"),
            _ => format!("{stem} ({number}).{ending}"),
        });
        // Only one that is not there, not even as a link to elsewhere (O_EXCL).
        match File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(bytes).map_err(Error::named(&path))?;
                return Ok(path);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::named(&path)(error)),
        }
    }
    Err(Error::Failed(format!("{} has {MAX_OF_A_NAME} files of the name {name} already", folder.display())))
}

/// A name that is a file's in any folder: no path, nothing that steers a terminal, not hidden, and not too long.
fn safe(name: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
            || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let plain: String = name.chars().map(|c| if is_odd(c) { '_' } else { c }).collect();
    let plain = plain.trim().trim_start_matches('.').trim_end_matches(['.', ' ']);
    let (stem, ending) = match plain.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 20 && !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (plain, String::new()),
    };
    let stem = &stem[..stem.floor_char_boundary(MAX_NAME_BYTES - ending.len())];
    if stem.is_empty() { format!("file{ending}") } else { format!("{stem}{ending}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_folder() {
        for (name, expected) in [
            ("report.csv", "report.csv"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("/etc/passwd", "_etc_passwd"),
            ("..", "file"),
            (".bashrc", "bashrc"),
            ("", "file"),
            ("a\u{202E}gnp.exe", "a_gnp.exe"),
            ("a\u{1b}[2J\n.txt", "a_[2J_.txt"),
            ("räge 1.png", "räge 1.png"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
        let long = safe(&format!("{}.png", "雨".repeat(300)));
        assert!(long.len() <= 255 && long.ends_with(".png"), "{long}");
    }

    #[test]
    fn nothing_is_written_over_and_no_link_is_followed() {
        let folder = std::env::temp_dir().join(format!("switchboard-save-{}", uuid::Uuid::now_v7()));
        let outside = folder.with_extension("outside");
        let made = [(); 2].map(|()| written(&folder, "a.txt", b"new").unwrap());
        assert_eq!(made, [folder.join("a.txt"), folder.join("a (2).txt")]);
        std::os::unix::fs::symlink(&outside, folder.join("a (3).txt")).unwrap();
        assert_eq!(written(&folder, "a.txt", b"new").unwrap(), folder.join("a (4).txt"));
        assert!(!outside.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
