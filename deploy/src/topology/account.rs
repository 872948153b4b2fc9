//! The user that Postgres runs as: the caller, or, since it refuses root, another one when the caller is root.

use crate::error::{Error, Result};
use nix::unistd::{Gid, Uid, User, chown, getegid, geteuid};
use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its id.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    other: bool,
}

impl Account {
    /// Chooses the user: `postgres`, else `nobody`, when the caller is root; else the caller.
    ///
    /// # Errors
    /// When the caller is root and the machine has neither.
    pub fn for_servers() -> Result<Self> {
        if !geteuid().is_root() {
            return Ok(Self::own_user());
        }
        let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
        let user = found.ok_or_else(|| Error::Missing {
            program: "a user for Postgres".to_owned(),
            hint: "it refuses root; make a user `postgres`".to_owned(),
        })?;
        Ok(Self { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw(), other: true })
    }

    /// The caller's own.
    #[must_use]
    pub fn own_user() -> Self {
        let uid = geteuid();
        let name = User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
        Self { name, uid: uid.as_raw(), gid: getegid().as_raw(), other: false }
    }

    /// What a child needs to become this user; `None` when it is already.
    #[must_use]
    pub fn switch(&self) -> Option<(u32, u32)> {
        self.other.then_some((self.uid, self.gid))
    }

    /// The same user in another group, where the caller may choose that.
    #[must_use]
    pub fn in_group(&self, gid: u32) -> Self {
        Self { gid: if self.other { gid } else { self.gid }, ..self.clone() }
    }

    /// Gives a file or folder to this user.
    ///
    /// # Errors
    /// When the caller may not.
    pub fn own(&self, path: &Path) -> Result<()> {
        if !self.other {
            return Ok(());
        }
        chown(path, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
            .map_err(|error| Error::file(path)(error.into()))
    }

    /// Whether this user may go through every folder down to `path`, by their modes.
    #[must_use]
    pub fn can_traverse(&self, path: &Path) -> bool {
        !self.other
            || path.ancestors().all(|folder| {
                fs::metadata(folder).is_ok_and(|meta| self.may_enter(meta.uid(), meta.gid(), meta.mode()))
            })
    }

    fn may_enter(&self, uid: u32, gid: u32, mode: u32) -> bool {
        let shift = match (uid == self.uid, gid == self.gid) {
            (true, _) => 6,
            (false, true) => 3,
            (false, false) => 0,
        };
        mode >> shift & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_decides_who_may_enter() {
        let account = Account { name: "postgres".into(), uid: 101, gid: 104, other: true };
        assert!(account.may_enter(101, 0, 0o700));
        assert!(account.may_enter(0, 0, 0o711));
        assert!(account.may_enter(0, 104, 0o710));
        assert!(!account.may_enter(0, 0, 0o700));
        assert!(!account.may_enter(101, 0, 0o077), "the owner's bits alone hold for the owner");
    }
}
