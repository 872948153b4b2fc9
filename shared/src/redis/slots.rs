//! What a node says about the cluster: who has which slots (`CLUSTER SLOTS`), and where a key has gone (`MOVED`, `ASK`).

use fred::types::{Value, config::Server};
use std::{collections::HashMap, net::IpAddr};

/// The slots of a cluster: 0 to this, without it.
pub(super) const SLOTS: u16 = 16_384;

/// The cluster as one node sees it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Slots {
    /// First slot, last slot and their primary, in order.
    pub(super) ranges: Vec<(u16, u16, Place)>,
    pub(super) replicas: Vec<Server>,
}

/// Where a node is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// By its hostname, where it announces one.
    pub(super) server: Server,
    /// What redirections call it.
    pub(super) announced: Server,
}

/// Where a command has to go instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirection {
    /// From now on.
    Moved(Server),
    /// This once, after an `ASKING`: the slot is just being moved.
    Ask(Server),
}

impl Slots {
    /// Reads the answer of `asked`; `None` for one that says nothing.
    pub(super) fn read(answer: &Value, asked: &Server) -> Option<Self> {
        let mut slots = Self::default();
        for range in array(answer)? {
            let [first, last, primary, replicas @ ..] = array(range)? else { return None };
            let (first, last) = (number(first)?, number(last)?);
            slots.ranges.push((first, last, place(primary, asked)?));
            slots
                .replicas
                .extend(replicas.iter().filter_map(|node| place(node, asked)).map(|place| place.server));
        }
        slots.ranges.sort_by_key(|(first, ..)| *first);
        slots.replicas.sort();
        slots.replicas.dedup();
        (!slots.ranges.is_empty()).then_some(slots)
    }

    /// Whether every slot has a primary.
    pub(super) fn are_whole(&self) -> bool {
        let slots: u32 =
            self.ranges.iter().map(|(first, last, _)| u32::from(last.saturating_sub(*first)) + 1).sum();
        slots >= u32::from(SLOTS)
    }
}

impl Redirection {
    /// Reads an error such as `MOVED 3999 127.0.0.1:6381`; a node without an address is the one that said so, on
    /// another port.
    pub(super) fn read(error: &str, said_by: &Server) -> Option<Self> {
        let mut words = error.split_ascii_whitespace();
        let kind = match words.next()? {
            "MOVED" => Self::Moved,
            "ASK" => Self::Ask,
            _ => return None,
        };
        // An address of IPv6 has colons of its own.
        let (host, port) = words.nth(1)?.rsplit_once(':')?;
        Some(kind(Server::new(host_or(host, said_by), port.parse().ok()?)))
    }
}

/// Reads `[host, port, id, {hostname}]`.
fn place(node: &Value, asked: &Server) -> Option<Place> {
    let [host, port, rest @ ..] = array(node)? else { return None };
    let port = number(port)?;
    let announced = host_or(&host.as_string().unwrap_or_default(), asked);
    let said: HashMap<String, String> =
        rest.get(1).and_then(|said| said.clone().convert().ok()).unwrap_or_default();
    let hostname =
        said.get("hostname").filter(|name| !name.is_empty() && announced.parse::<IpAddr>().is_ok());
    Some(Place {
        server: Server::new(hostname.cloned().unwrap_or_else(|| announced.clone()), port),
        announced: Server::new(announced, port),
    })
}

/// A node that has met no other one does not know its own address, and one may be told not to say it: it is where it
/// was asked. A question mark stands for a hostname that is not set.
fn host_or(host: &str, asked: &Server) -> String {
    match host.trim_matches(['[', ']']) {
        "" | "?" => asked.host.to_string(),
        host => host.to_owned(),
    }
}

fn array(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: Vec<Value>) -> Value {
        Value::Array(values)
    }

    fn node(host: Value, port: i64, hostname: &str) -> Value {
        let said = match hostname {
            "" => vec![],
            name => vec!["hostname".into(), name.into()],
        };
        list(vec![host, port.into(), "id".into(), list(said)])
    }

    #[test]
    fn nodes_are_known_by_their_hostname_and_by_what_redirections_call_them() {
        let asked = Server::new("seed.example", 1);
        let answer = list(vec![
            list(vec![8000.into(), 16_383.into(), node(Value::Null, 7002, "")]),
            list(vec![
                0.into(),
                7999.into(),
                node("10.0.0.1".into(), 7000, "one.example"),
                node("10.0.0.4".into(), 7003, ""),
            ]),
        ]);
        let slots = Slots::read(&answer, &asked).unwrap();
        assert!(slots.are_whole());
        let (first, last, one) = &slots.ranges[0];
        assert_eq!((*first, *last), (0, 7999));
        assert_eq!(one.server, Server::new("one.example", 7000));
        assert_eq!(one.announced, Server::new("10.0.0.1", 7000));
        assert_eq!(slots.ranges[1].2.server, Server::new("seed.example", 7002));
        assert_eq!(slots.replicas, [Server::new("10.0.0.4", 7003)]);
    }

    #[test]
    fn an_answer_without_slots_is_none_and_one_with_a_hole_is_not_whole() {
        let asked = Server::new("a", 1);
        assert_eq!(Slots::read(&list(vec![]), &asked), None);
        assert_eq!(Slots::read(&"OK".into(), &asked), None);
        let half = list(vec![list(vec![0.into(), 100.into(), node("".into(), 7, "")])]);
        let half = Slots::read(&half, &asked).unwrap();
        assert!(!half.are_whole());
        assert_eq!(half.ranges[0].2.server, Server::new("a", 7));
    }

    #[test]
    fn redirections_are_read_with_every_kind_of_address() {
        let (asked, read) = (Server::new("a", 1), |error| Redirection::read(error, &Server::new("a", 1)));
        assert_eq!(read("MOVED 3999 10.0.0.1:6381"), Some(Redirection::Moved(Server::new("10.0.0.1", 6381))));
        assert_eq!(read("ASK 1 2001:db8::1:6381"), Some(Redirection::Ask(Server::new("2001:db8::1", 6381))));
        assert_eq!(read("MOVED 1 :6381"), Some(Redirection::Moved(Server::new(asked.host, 6381))));
        assert_eq!(read("CLUSTERDOWN Hash slot not served"), None);
        assert_eq!(read("MOVED"), None);
    }
}
