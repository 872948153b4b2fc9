//! A Redis Cluster as it is run: three primaries, each with a replica, on free ports of the loopback.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

/// How long the cluster may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);
const NODES: usize = 6;

/// Six nodes; ended when it is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
    folder: TempDir,
}

#[derive(Debug)]
struct Node {
    port: u16,
    child: Child,
}

impl RedisCluster {
    /// Starts it, and waits until every replica could take over.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is room for temporary files");
        // All at once, so that no two are the same.
        let listeners: Vec<_> =
            (0..2 * NODES).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port is free")).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|port| port.local_addr().expect("it is bound").port()).collect();
        drop(listeners);
        let (ports, buses) = ports.split_at(NODES);
        let start = |(port, bus): (&u16, &u16)| {
            configure(folder.path(), *port, *bus);
            Node { port: *port, child: launch(folder.path(), *port) }
        };
        let nodes = ports.iter().zip(buses).map(start).collect();
        let cluster = Self { nodes, folder };
        cluster.join();
        cluster
    }

    /// A URL of each node.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("redis://127.0.0.1:{}", node.port)).collect()
    }

    /// The number of the primary of a slot, as a node says that is not `but`.
    #[must_use]
    pub fn primary(&self, slot: u16, but: Option<usize>) -> usize {
        let asked = (0..NODES).find(|node| Some(*node) != but).expect("there are several");
        let nodes = self.cli(asked, &["cluster", "nodes"]);
        let owner = nodes.lines().find(|line| {
            let ranges = line.split(' ').skip(8).filter(|range| !range.starts_with('['));
            line.contains("master")
                && !line.contains("fail")
                && ranges.into_iter().any(|range| holds(range, slot))
        });
        let port = owner.and_then(|line| line.split(' ').nth(1)?.split('@').next()?.rsplit(':').next());
        let port = port.and_then(|port| port.parse().ok()).unwrap_or(0_u16);
        self.nodes.iter().position(|node| node.port == port).unwrap_or(usize::MAX)
    }

    /// Kills a node as a crash would.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].child.kill().expect("it runs");
        self.nodes[node].child.wait().expect("it was killed");
    }

    /// Stops a node where it is, or lets it go on.
    pub fn freeze(&self, node: usize, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let id = self.nodes[node].child.id().to_string();
        Command::new("kill").args([signal, &id]).status().expect("there is a kill");
    }

    /// Starts a node again that was killed.
    pub fn restart(&mut self, node: usize) {
        let port = self.nodes[node].port;
        self.nodes[node].child = launch(self.folder.path(), port);
    }

    /// Kills all, and starts them as a new cluster on the same ports, which knows nothing.
    pub fn begin_again(&mut self) {
        (0..NODES).for_each(|node| self.kill(node));
        for node in &self.nodes {
            let folder = self.folder.path().join(node.port.to_string());
            fs::remove_file(folder.join("nodes.conf")).expect("it has written down what it knew");
        }
        (0..NODES).for_each(|node| self.restart(node));
        self.join();
    }

    /// Gives a slot, with what is in it, from one primary to another.
    pub fn move_slot(&self, slot: u16, from: usize, to: usize) {
        self.begin_to_move(slot, from, to);
        let slot = slot.to_string();
        let port = self.nodes[to].port.to_string();
        loop {
            let keys = self.cli(from, &["cluster", "getkeysinslot", &slot, "100"]);
            let keys: Vec<&str> = keys.split_whitespace().collect();
            if keys.is_empty() {
                break;
            }
            let moved = [&["migrate", "127.0.0.1", &port, "", "0", "5000", "keys"], &keys[..]].concat();
            self.cli(from, &moved);
        }
        let id = self.id(to);
        for node in [to, from] {
            self.cli(node, &["cluster", "setslot", &slot, "node", &id]);
        }
    }

    /// Does the first step of it: what is not there yet is asked for at the new place.
    pub fn begin_to_move(&self, slot: u16, from: usize, to: usize) {
        let slot = slot.to_string();
        self.cli(to, &["cluster", "setslot", &slot, "importing", &self.id(from)]);
        self.cli(from, &["cluster", "setslot", &slot, "migrating", &self.id(to)]);
    }

    /// What a node says to a command.
    pub fn cli(&self, node: usize, command: &[&str]) -> String {
        let said = Command::new("redis-cli")
            .args(["-p", &self.nodes[node].port.to_string()])
            .args(command)
            .output()
            .expect("redis-cli is installed");
        String::from_utf8_lossy(&said.stdout).into_owned()
    }

    /// Waits for something.
    pub fn wait_for(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = SystemTime::now() + PATIENCE;
        while !holds(self) {
            assert!(SystemTime::now() < deadline, "{what}: not within {PATIENCE:?}");
            thread::yield_now();
        }
    }

    fn id(&self, node: usize) -> String {
        self.cli(node, &["cluster", "myid"]).trim().to_owned()
    }

    fn join(&self) {
        self.wait_for("the nodes answer", |cluster| {
            (0..NODES).all(|node| cluster.cli(node, &["ping"]).contains("PONG"))
        });
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        let said = create.args(["--cluster-replicas", "1", "--cluster-yes"]).output();
        let said = said.expect("redis-cli is installed");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        self.wait_for("the cluster is whole", |cluster| {
            (0..NODES).all(|node| {
                cluster.cli(node, &["cluster", "info"]).contains("cluster_state:ok")
                    && cluster.cli(node, &["cluster", "nodes"]).matches("slave ").count() == NODES / 2
            })
        });
        self.wait_for("replicas follow", |cluster| {
            (0..NODES)
                .map(|node| cluster.cli(node, &["info", "replication"]))
                .all(|said| said.contains("role:master") || said.contains("master_link_status:up"))
        });
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            // It may have been killed by the test.
            drop(node.child.kill());
            drop(node.child.wait());
        }
    }
}

fn configure(folder: &Path, port: u16, bus: u16) {
    let settings = format!(
        "port {port}\ncluster-port {bus}\nbind 127.0.0.1\ncluster-enabled yes\ncluster-announce-ip 127.0.0.1\n\
         cluster-node-timeout 1500\ncluster-require-full-coverage no\nsave \"\"\nappendonly no\nlogfile log\n"
    );
    let folder = folder.join(port.to_string());
    fs::create_dir(&folder)
        .and_then(|()| fs::write(folder.join("redis.conf"), settings))
        .expect("a folder of its own");
}

fn launch(folder: &Path, port: u16) -> Child {
    let mut server = Command::new("redis-server");
    server.arg("redis.conf").current_dir(folder.join(port.to_string()));
    server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("redis-server is installed")
}

/// Whether a range such as `5461-10922`, or a slot alone, has a slot in it.
fn holds(range: &str, slot: u16) -> bool {
    let (first, last) = range.trim().split_once('-').unwrap_or((range.trim(), range.trim()));
    let bounds = first.parse().ok().zip(last.parse().ok());
    bounds.is_some_and(|(first, last): (u16, u16)| (first..=last).contains(&slot))
}
