//! The client libraries that we ship, each on a real house of two edges: what a user of theirs sees when an edge dies,
//! drains, swallows an acknowledgement or comes nearer.

use super::durability::{signal, until};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use switchboard_client::rules;
use switchboard_shared::ids::ConversationId;
use switchboard_tests::{
    End, FakeAgent, Guest, House, Library, Link, Manner, State,
    guest::node,
    person::{PATIENCE, seqs},
};
use tokio::{process::Command, time::timeout};
use url::Url;

const BOTH: [Library; 2] = [Library::Rust, Library::Module];
const WEATHER: &[&str] = &["what is the weather like", "will it rain tomorrow"];
/// An answer of some seconds, to have something in the middle of which an edge goes.
const WORDS: &str = "a b c d e f g h i j k l m n o p q r s t";
const QUESTION: &str = "@slow what is the weather like";
/// Longer than a test: nobody looks for a nearer edge.
const NEVER: Duration = Duration::from_secs(3600);

/// A house of two edges with an agent that answers slowly.
async fn two_edges(listed: bool) -> anyhow::Result<(House, FakeAgent)> {
    let house = House::with(|options| {
        options.edges = 2;
        if !listed {
            options.edge_overrides = toml::toml! { edge.public_url = "" };
        }
    })
    .await?;
    let manner = Manner::Slowly(WORDS.into(), Duration::from_millis(200));
    let agent = FakeAgent::start("slow", WEATHER, manner).await?;
    house.register("slow", &agent).await?;
    Ok((house, agent))
}

async fn room(house: &House) -> anyhow::Result<ConversationId> {
    let created: Value =
        house.topology().client("ann", &["user"])?.post("/v1/conversations", &json!({})).await?;
    Ok(serde_json::from_value(created["id"].clone())?)
}

fn edges(house: &House) -> Vec<Url> {
    house.topology().edges().iter().map(|edge| edge.url().clone()).collect()
}

/// Which of the house's edges the guest is at.
fn at(house: &House, guest: &Guest) -> usize {
    let place = |url: &Url| url.as_str().trim_end_matches('/') == guest.edge();
    edges(house).iter().position(place).expect("guests are at an edge of the house")
}

/// Waits until each edge knows the other, so that it has somewhere to send its clients.
pub(super) async fn know_each_other(house: &House) -> anyhow::Result<()> {
    for edge in edges(house) {
        let client = house.client_at(&edge, "ann")?;
        until(async || {
            let list: Value = client.get("/.well-known/switchboard/edges").await?;
            let edges = list["edges"].as_array().cloned().unwrap_or_default();
            Ok(edges.iter().filter(|edge| edge["draining"] == false).count() == 2)
        })
        .await?;
    }
    Ok(())
}

fn is_event(name: &'static str) -> impl Fn(&Value) -> bool {
    move |received| received["event"]["type"] == name
}

/// Every durable event once and in order, and no piece of the answer twice.
fn assert_whole(library: Library, received: &[Value]) {
    let events: Vec<_> =
        received.iter().filter(|it| it["kind"] == "event").map(|it| it["event"].clone()).collect();
    let seqs = seqs(&events);
    assert_eq!(seqs, (1..=*seqs.last().expect("there are some")).collect::<Vec<_>>(), "{library:?}");
    let find = |name: &str| events.iter().find(|event| event["type"] == name).expect("it came");
    assert_eq!(find("answer.finished")["data"]["text"], WORDS, "{library:?}");
    assert_eq!(find("turn.finished")["data"]["state"], "completed", "{library:?}");
    let mut end = 0;
    for piece in events.iter().filter(|event| event["type"] == "answer.delta") {
        let (offset, text) = (piece["data"]["offset"].as_u64(), piece["data"]["text"].as_str());
        assert!(offset.expect("it has one") >= end, "{library:?}: {piece} came again, after {end}");
        end = offset.unwrap_or_default() + text.unwrap_or_default().chars().count() as u64;
    }
}

#[tokio::test]
async fn an_edge_that_is_killed_in_mid_answer_costs_a_guest_of_our_clients_no_event() -> anyhow::Result<()> {
    let (house, _agent) = two_edges(true).await?;
    for library in BOTH {
        let mut guest = Guest::open(library, &house, "ann", &edges(&house), NEVER).await?;
        let (room, first) = (room(&house).await?, at(&house, &guest));
        guest.join(room, 0).await?;
        guest.send("question", room, QUESTION)?;
        let mut received = guest.until(is_event("answer.delta")).await?;
        house.topology().edges()[first].kill9().await;
        received.extend(guest.until(is_event("turn.finished")).await?);
        assert_whole(library, &received);
        assert_ne!(at(&house, &guest), first, "{library:?}");
        assert!(received.iter().any(|it| it["kind"] == "away"), "{library:?}: it is said");
        house.topology().edges()[first].restart().await?;
    }
    house.stop().await
}

#[tokio::test]
async fn an_edge_that_drains_moves_a_guest_of_our_clients_without_an_error() -> anyhow::Result<()> {
    let (house, _agent) = two_edges(true).await?;
    for library in BOTH {
        know_each_other(&house).await?;
        let mut guest = Guest::open(library, &house, "ann", &edges(&house), NEVER).await?;
        let (room, first) = (room(&house).await?, at(&house, &guest));
        guest.join(room, 0).await?;
        guest.send("question", room, QUESTION)?;
        let mut received = guest.until(is_event("answer.delta")).await?;
        signal("TERM", house.topology().edges()[first].pid())?;
        received.extend(guest.until(is_event("turn.finished")).await?);
        assert_whole(library, &received);
        assert_ne!(at(&house, &guest), first, "{library:?}");
        let bad = received.iter().find(|it| it["kind"] == "away" || it["frame"]["type"] == "error");
        assert_eq!(bad, None, "{library:?}");
        house.topology().edges()[first].restart().await?;
    }
    house.stop().await
}

#[tokio::test]
async fn a_message_whose_acknowledgement_is_lost_is_sent_again_and_stored_once() -> anyhow::Result<()> {
    let (house, _agent) = two_edges(false).await?;
    for library in BOTH {
        let link = Link::to(End::Port(edges(&house)[0].port().expect("it has one")))?;
        let by_link: Url = format!("https://{}", link.address()).parse()?;
        let mut guest = Guest::open(library, &house, "ann", &[by_link], NEVER).await?;
        let room = room(&house).await?;
        guest.join(room, 0).await?;
        link.set(State::HalfOpen);
        guest.send("question", room, "hello")?;
        let other = house.client_at(&edges(&house)[1], "ann")?;
        let page = async || other.get::<Value>(&format!("/v1/conversations/{room}/messages")).await;
        let said = |page: &Value| {
            page["items"].as_array().into_iter().flatten().filter(|it| it["text"] == "hello").count()
        };
        until(async || Ok(said(&page().await?) > 0)).await?;
        link.set(State::Reset);
        guest.until(|received| received["kind"] == "away").await?;
        link.set(State::Clear);
        let received = guest.until(|received| received["frame"]["type"] == "ack").await?;
        let ack = &received.last().expect("it came")["frame"];
        assert_eq!((&ack["id"], &ack["duplicate"]), (&json!("question"), &json!(true)), "{library:?}");
        assert_eq!(said(&page().await?), 1, "{library:?}");
    }
    house.stop().await
}

#[tokio::test]
async fn a_guest_of_our_clients_takes_the_nearest_edge_and_comes_back_to_it() -> anyhow::Result<()> {
    let (house, _agent) = two_edges(false).await?;
    for library in BOTH {
        let mut links = Vec::new();
        for edge in edges(&house) {
            links.push(Link::to(End::Port(edge.port().expect("it has one")))?);
        }
        let url = |link: &Link| format!("https://{}", link.address());
        let (near, far) = (&links[0], &links[1]);
        far.set(State::Late(Duration::from_millis(100)));
        let both = [url(far).parse()?, url(near).parse()?];
        let mut guest = Guest::open(library, &house, "ann", &both, Duration::from_millis(500)).await?;
        assert_eq!(guest.edge(), url(near), "{library:?}");
        let room = room(&house).await?;
        guest.join(room, 0).await?;
        guest.send("question", room, QUESTION)?;
        let mut received = guest.until(is_event("answer.delta")).await?;
        near.set(State::Reset);
        let is_at = |edge: String| {
            move |it: &Value| it["edge"].as_str().map(|at| at.trim_end_matches('/')) == Some(&edge)
        };
        received.extend(guest.until(is_at(url(far))).await?);
        near.set(State::Clear);
        received.extend(guest.until(is_at(url(near))).await?);
        if !received.iter().any(is_event("turn.finished")) {
            received.extend(guest.until(is_event("turn.finished")).await?);
        }
        assert_whole(library, &received);
    }
    house.stop().await
}

#[tokio::test]
async fn a_guest_of_our_clients_renews_a_token_before_it_ends_and_replaces_one_that_does_not_hold()
-> anyhow::Result<()> {
    let house = House::start().await?;
    let token = |lifetime_s: u64| {
        house.token("ann", &["user"], |claims| claims.lifetime = Duration::from_secs(lifetime_s))
    };
    for library in BOTH {
        // The first is none; the second is good for some seconds, half of which are used.
        let tokens = vec!["none".to_owned(), token(12)?, token(3600)?];
        let mut guest = Guest::with_tokens(library, &house, tokens, &edges(&house), NEVER).await?;
        let room = room(&house).await?;
        guest.join(room, 0).await?;
        // The edge says `welcome` again to the new one, on the same socket.
        let received = guest.until(|received| received["frame"]["type"] == "welcome").await?;
        assert!(received.iter().all(|it| it["kind"] != "away" && it["kind"] != "at"), "{library:?}");
        guest.send("question", room, "hello")?;
        guest.until(|received| received["frame"]["type"] == "ack").await?;
    }
    house.stop().await
}

#[tokio::test]
async fn both_client_libraries_decide_the_same_by_the_same_figures() -> anyhow::Result<()> {
    let output = timeout(PATIENCE, node("rules.mjs").output()).await??;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout)?;
    let ms = |time: Duration| json!(time.as_millis());
    let ours = json!({
        "backOff": ms(rules::BACK_OFF), "backOffMost": ms(rules::BACK_OFF_MOST), "later": rules::LATER,
        "held": ms(rules::HELD), "avoided": ms(rules::AVOIDED), "nearerBy": ms(rules::NEARER_BY),
        "nearerShare": rules::NEARER_SHARE, "lookEvery": ms(rules::LOOK_EVERY), "measured": rules::MEASURED,
        "samples": rules::SAMPLES, "measureWithin": ms(rules::MEASURE_WITHIN),
        "openWithin": ms(rules::OPEN_WITHIN), "pongWithin": ms(rules::PONG_WITHIN),
        "heartbeat": ms(rules::HEARTBEAT), "answerWithin": ms(rules::ANSWER_WITHIN),
        "unacknowledged": rules::UNACKNOWLEDGED, "renewBefore": ms(rules::RENEW_BEFORE),
        "tokenWithin": ms(rules::TOKEN_WITHIN), "joinAgain": ms(rules::JOIN_AGAIN),
    });
    assert_eq!(figures, ours);
    Ok(())
}

#[tokio::test]
async fn the_types_of_the_client_module_are_those_that_a_program_uses() -> anyhow::Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let compiler = root.join("../.tools/js/node_modules/typescript/bin/tsc");
    anyhow::ensure!(compiler.is_file(), "run `deploy/install test` once: it puts TypeScript into .tools");
    let mut check = Command::new("node");
    check.arg(compiler).arg("-p").arg(root.join("interop")).kill_on_drop(true);
    let output = timeout(PATIENCE * 2, check.output()).await??;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}
