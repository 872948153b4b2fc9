//! Links that are cut, drip or come back: between the tiers, to the database and to the client.

use serde_json::{Value, json};
use std::time::Duration;
use switchboard::topology::{Options, config::overlay, ports};
use switchboard_tests::{End, FakeAgent, House, Link, Manner, Person, State};

const EXAMPLES: &[&str] = &["what is the weather like", "will it rain tomorrow"];
/// An answer of some seconds, to have something in the middle of which a link fails.
const WORDS: &str = "a b c d e f g h i j k l";

/// A house whose database lies behind a link.
async fn behind_a_link(change: impl FnOnce(&mut Options)) -> anyhow::Result<(House, Link)> {
    let mut link = None;
    let house = House::with(|options| {
        change(options);
        let made = Link::to(End::Path(options.data.join("postgres.socket/.s.PGSQL.5432")));
        let made = made.expect("there is a free port");
        let url = format!("postgres://switchboard_core@{}/switchboard?sslmode=disable", made.address());
        overlay(&mut options.core_overrides, &toml::toml! { [postgres] urls = [url] });
        link = Some(made);
    })
    .await?;
    Ok((house, link.expect("it was made before the house")))
}

/// A house whose edge finds its core over a link.
async fn tiers_apart(silence: Duration) -> anyhow::Result<(House, Link)> {
    let core = ports::free()?;
    let link = Link::to(End::Port(core))?;
    let (listen, url) = (format!("127.0.0.1:{core}"), format!("http://{}", link.address()));
    let silence = i64::try_from(silence.as_millis())?;
    let house = House::with(|options| {
        overlay(
            &mut options.core_overrides,
            &toml::toml! { listen = listen
            [events]
            ping_ms = 500 },
        );
        overlay(
            &mut options.edge_overrides,
            &toml::toml! {
            [cores]
            urls = [url]
            [socket]
            stream_silence_ms = silence },
        );
    })
    .await?;
    Ok((house, link))
}

async fn in_a_room(house: &House) -> anyhow::Result<(Person, switchboard_shared::ids::ConversationId)> {
    let manner = Manner::Slowly(WORDS.into(), Duration::from_millis(250));
    // It lives as long as the test does.
    let agent = Box::leak(Box::new(FakeAgent::start("slow", EXAMPLES, manner).await?));
    house.register("slow", agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    Ok((ann, room))
}

/// Each durable event once, in order, without a gap.
fn whole(frames: &[Value]) -> bool {
    let seqs = switchboard_tests::person::seqs(frames);
    seqs.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[tokio::test]
async fn a_link_between_edge_and_core_that_fails_in_mid_answer_costs_no_event() -> anyhow::Result<()> {
    let (house, link) = tiers_apart(Duration::from_secs(2)).await?;
    let (mut ann, room) = in_a_room(&house).await?;
    for state in [State::Reset, State::Cut, State::HalfOpen] {
        ann.say(room, "@slow what is the weather like").await?;
        let mut frames = ann.until(|frame| frame["type"] == "call.started").await?;
        link.set(state);
        // The edge has noticed once it says so; from then on there is something to be made up for.
        frames.extend(ann.until(|frame| frame["type"] == "notice").await?);
        link.set(State::Clear);
        frames.extend(ann.until(|frame| frame["type"] == "turn.finished").await?);
        assert!(whole(&frames), "{state:?}: {frames:?}");
        assert_eq!(frames.last().unwrap()["data"]["state"], "completed", "{state:?}");
    }
    house.stop().await
}

#[tokio::test]
async fn links_that_drip_and_are_late_cost_time_alone() -> anyhow::Result<()> {
    let (house, to_core) = tiers_apart(Duration::from_secs(10)).await?;
    let (ann, room) = in_a_room(&house).await?;
    let to_edge = Link::to(End::Port(house.topology().url().port().unwrap()))?;
    let url = format!("https://{}", to_edge.address()).parse()?;
    let mut far = Person::new("ann", house.client_at(&url, "ann")?);
    far.connect().await?;
    far.join(room, Some(0)).await?;
    to_core.set(State::Late(Duration::from_millis(40)));
    to_edge.set(State::Drip(64, Duration::from_millis(1)));
    let heard = far.ask(room, "@slow what is the weather like").await?;
    assert_eq!((heard.answer().as_str(), heard.streamed().as_str()), (WORDS, WORDS));
    drop(ann);
    house.stop().await
}

#[tokio::test]
async fn behind_a_link_to_the_database_that_is_cut_nothing_is_acknowledged_that_is_not_kept()
-> anyhow::Result<()> {
    let (house, link) = behind_a_link(|_| {}).await?;
    let (mut ann, room) = in_a_room(&house).await?;
    for (round, state) in [State::Cut, State::HalfOpen, State::Reset].into_iter().enumerate() {
        let id = format!("over-the-link-{round}");
        link.set(state);
        ann.send(&json!({"type": "send", "id": id, "conversation": room, "text": "@slow hello"})).await?;
        let refused = ann.until(|frame| frame["id"] == id.as_str()).await?.pop().unwrap();
        assert_eq!(refused["code"], "unavailable", "{state:?}: {refused}");
        link.set(State::Clear);
        // Whether it was committed nobody knows: it is sent again under its id, and is there once.
        let mut ack = ann.say_as(room, &id, "@slow hello").await;
        while ack.as_ref().is_err_and(|error| error.to_string().contains("unavailable")) {
            ack = ann.say_as(room, &id, "@slow hello").await;
        }
        ann.turn_over(ack?["turn"].as_str().unwrap()).await?;
    }
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let said = page["items"].as_array().unwrap().iter().filter(|item| item["text"] == "@slow hello");
    assert_eq!(said.count(), 3, "{page}");
    house.stop().await
}
