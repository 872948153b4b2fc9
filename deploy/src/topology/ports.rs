//! Free ports, and who holds a taken one.

use crate::error::{Error, Result};
use std::{
    collections::HashMap,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    sync::{LazyLock, Mutex, PoisonError},
};
use switchboard_shared::cause::Cause;

/// Below the range that outgoing connections take their ports from, so that a restarted child finds its port free.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// The ports of this process, each held by a bound socket of UDP for as long as the process lives: a part that is
/// down for a moment leaves its port of TCP free, and another house on the machine must not draw it then.
static HELD: LazyLock<Mutex<HashMap<u16, UdpSocket>>> = LazyLock::new(Mutex::default);

/// Finds a loopback port that is free and nobody's, and holds it.
///
/// # Errors
/// When a hundred in a row are taken.
pub fn free() -> Result<u16> {
    for _ in 0..100 {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        let port =
            RANGE.start + u16::try_from((high ^ low) % u64::from(RANGE.end - RANGE.start)).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && held(port) {
            return Ok(port);
        }
    }
    Err(Error::Failed(format!("no free port was found in {RANGE:?}")))
}

/// Holds a loopback port that an earlier house drew, in this process or another one.
///
/// # Errors
/// When something listens on it, or another process holds it.
pub fn hold(port: u16) -> Result<()> {
    require_free((Ipv4Addr::LOCALHOST, port).into())?;
    let is_ours = HELD.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&port);
    if is_ours || held(port) { Ok(()) } else { Err(Error::PortInUse { port, holder: None }) }
}

fn held(port: u16) -> bool {
    let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) else { return false };
    HELD.lock().unwrap_or_else(PoisonError::into_inner).insert(port, socket).is_none()
}

/// Makes sure that nothing listens on `address`.
///
/// # Errors
/// When something does; with its name if it can be seen.
pub fn require_free(address: SocketAddr) -> Result<()> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Err(Error::PortInUse { port: address.port(), holder: holder(address.port()) })
        }
        Err(error) => Err(Error::Unreachable(format!("cannot listen on {address}: {}", Cause::of(&error)))),
    }
}

/// Names the process that listens on `port`, from /proc; `None` where that cannot be read.
#[must_use]
pub fn holder(port: u16) -> Option<String> {
    let inode = listening_inode(port)?;
    let socket = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        if files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == socket.as_str()))
        {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{}, process {pid}", name.trim()));
        }
    }
    None
}

fn listening_inode(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    tables.iter().find_map(|table| inode_in(table, port))
}

/// Reads a table as in proc(5): `sl local_address rem_address st … inode`, where state 0A is LISTEN.
fn inode_in(table: &str, port: u16) -> Option<String> {
    let local = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&local) && *fields.get(3)? == "0A";
        listens.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_port_is_given_twice() {
        let ports: Vec<u16> = (0..200).map(|_| free().unwrap()).collect();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
    }

    #[test]
    fn the_port_of_another_house_whose_part_is_down_is_not_taken() {
        let port = 19_000 + u16::try_from(std::process::id() % 1_000).unwrap();
        let other = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(matches!(hold(port), Err(Error::PortInUse { .. })));
        drop(other);
        hold(port).unwrap();
        hold(port).unwrap();
    }

    #[test]
    fn a_taken_port_names_who_has_it() {
        let port = free().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        require_free(address).unwrap();
        let _listener = TcpListener::bind(address).unwrap();
        let error = require_free(address).unwrap_err();
        assert_eq!(error.exit_code(), 4);
        let text = error.to_string();
        assert!(text.contains(&format!("port {port} is in use (by ")), "{text}");
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    }
}
