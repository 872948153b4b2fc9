//! Nothing small waits: each of the house's connections sends at once (TCP_NODELAY, RFC 9293 section 3.7.4), and does not
//! hold a frame back until the frame before is acknowledged, which another end may put off by 40 ms. The option is read off
//! the sockets themselves, in the processes that hold them.

use anyhow::Context;
use rustix::{
    fd::OwnedFd,
    net::{AddressFamily, SocketType, getpeername, getsockname, sockopt},
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};
use std::{fs, net::SocketAddr};
use switchboard::topology::children::Child;
use switchboard_tests::{FakeAgent, House, Manner};

/// The connections of a process that hold small things back, and how many it has.
fn held_back(pid: u32) -> anyhow::Result<(Vec<String>, usize)> {
    let (mut held_back, mut all) = (Vec::new(), 0);
    let process = Pid::from_raw(i32::try_from(pid)?).context("a process")?;
    let process = pidfd_open(process, PidfdFlags::empty())?;
    for entry in fs::read_dir(format!("/proc/{pid}/fd"))? {
        let number: i32 = entry?.file_name().to_string_lossy().parse()?;
        // What has been closed since is no connection any more.
        let Ok(socket) = pidfd_getfd(&process, number, PidfdGetfdFlags::empty()) else { continue };
        let Some((near, far)) = ends(&socket) else { continue };
        all += 1;
        if !sockopt::tcp_nodelay(&socket)? {
            held_back.push(format!("{near} -> {far}"));
        }
    }
    Ok((held_back, all))
}

/// The ends of a TCP connection.
fn ends(socket: &OwnedFd) -> Option<(SocketAddr, SocketAddr)> {
    let is_tcp = matches!(sockopt::socket_domain(socket), Ok(AddressFamily::INET | AddressFamily::INET6))
        && matches!(sockopt::socket_type(socket), Ok(SocketType::STREAM));
    let far = is_tcp.then(|| getpeername(socket).ok()).flatten()??;
    Some((getsockname(socket).ok()?.try_into().ok()?, far.try_into().ok()?))
}

#[tokio::test]
async fn no_connection_of_the_house_holds_back_what_is_small() -> anyhow::Result<()> {
    let house = House::with(|options| (options.cores, options.agents) = (2, true)).await?;
    let own = FakeAgent::start("weather", &["will it rain"], Manner::Says("Sunny.".into())).await?;
    house.register("weather", &own).await?;
    for agent in house.topology().agents() {
        house.register_url(agent.id.as_str(), agent.url.as_str(), &[]).await?;
    }
    let (mut ann, mut bob) = (house.person("ann").await?, house.person("bob").await?);
    for person in [&mut ann, &mut bob] {
        let room = person.room(&[]).await?;
        person.join(room, Some(0)).await?;
        person.ask(room, "@weather will it rain?").await?;
        person.ask(room, "@data-processor what is the mean of 4, 8 and 15?").await?;
    }
    for node in house.topology().cores().into_iter().chain(house.topology().edges()) {
        assert!(reqwest::get(node.admin().join("/metrics")?).await?.status().is_success());
    }

    let ours = |child: &&Child| matches!(child, Child::Agents(_) | Child::Core(_) | Child::Edge(_));
    for child in house.topology().children().filter(ours) {
        let (held_back, all) = held_back(child.process().pid().context("it runs")?)?;
        assert!(held_back.is_empty(), "{}: {held_back:?} of {all}", child.kind());
        assert!(all > 0, "{} has no connection", child.kind());
    }
    house.stop().await
}
