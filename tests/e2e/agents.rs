//! Agents that are down, slow, garbage, endless, huge, or ask back: the answer comes all the same, and names them.

use serde_json::Value;
use switchboard_tests::{FakeAgent, House, Manner, Person};

const GOOD: &[&str] = &["what is the weather like", "will it rain tomorrow"];
const BAD: &[&str] = &["how is the stock of acme doing", "show my share prices"];

/// A house with one agent that answers and one that does not, and somebody who asks both.
async fn ask_both(manner: Manner) -> anyhow::Result<(String, Value)> {
    let house = House::with(|options| {
        let quick = toml::toml! {
            [agents]
            call_ms = 2000
            max_reply_bytes = 20000
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &quick);
    })
    .await?;
    let good = FakeAgent::start("good", GOOD, Manner::Says("It will rain.".into())).await?;
    let bad = FakeAgent::start("bad", BAD, manner).await?;
    house.register("good", &good).await?;
    house.register("bad", &bad).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "@good @bad what now?").await?;
    let call = heard.all("call.finished").into_iter().find(|call| call["agent"] == "bad").unwrap_or_default();
    let ends_as = if call["state"] == "working" { "working" } else { "completed" };
    assert_eq!(heard.data("turn.finished")["state"], ends_as);
    house.stop().await?;
    Ok((heard.answer(), call))
}

#[tokio::test]
async fn an_agent_that_is_down_is_named_and_the_other_one_answers() -> anyhow::Result<()> {
    let (answer, call) = ask_both(Manner::Status(503)).await?;
    assert!(answer.contains("It will rain.") && answer.contains("bad"), "{answer}");
    assert_eq!(call["state"], "failed", "{call}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_is_late_is_named_after_its_time_and_not_later() -> anyhow::Result<()> {
    let (answer, call) = ask_both(Manner::Silent).await?;
    assert!(answer.contains("It will rain.") && answer.contains("bad"), "{answer}");
    assert_eq!(call["state"], "timed_out", "{call}");
    assert!((2_000..5_000).contains(&call["ms"].as_u64().unwrap_or_default()), "{call}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_talks_garbage_is_named() -> anyhow::Result<()> {
    let (answer, call) = ask_both(Manner::Garbage).await?;
    assert!(answer.contains("It will rain.") && answer.contains("bad"), "{answer}");
    assert_eq!(call["state"], "failed", "{call}");
    Ok(())
}

#[tokio::test]
async fn a_stream_as_the_standard_allows_it_is_read() -> anyhow::Result<()> {
    for body in [
        "\u{feff}data: {fine}\n\n",
        ": keepalive\r\n\r\nevent: ping\r\ndata: {}\r\n\r\ndata:\r\n\r\ndata: {fine}\r\n\r\n",
        "event: something-new\rdata: 1\r\rdata: {fine}\r\r",
    ] {
        let (answer, call) = ask_both(Manner::Stream(200, body.to_owned())).await?;
        assert!(answer.contains("It will rain.") && answer.contains("Fine."), "{body:?}: {answer} {call}");
    }
    Ok(())
}

#[tokio::test]
async fn what_no_row_can_hold_costs_its_agent_the_answer_and_nobody_else() -> anyhow::Result<()> {
    let id = r#"data: {"jsonrpc":"2.0","id":{id},"result":{"task":{"id":"T\u00001","contextId":"c","status":{"state":"TASK_STATE_WORKING"}}}}"#;
    for (status, body) in [(200, format!("{id}\n\n")), (503, "data: {fine}\n\n".to_owned())] {
        let (answer, call) = ask_both(Manner::Stream(status, body.clone())).await?;
        assert!(answer.contains("It will rain.") && answer.contains("bad"), "{body:?}: {answer}");
        assert_eq!(call["state"], "failed", "{call}");
        assert!(call["reason"].as_str().is_some_and(|reason| reason.chars().count() <= 500), "{call}");
    }
    Ok(())
}

#[tokio::test]
async fn one_long_reply_is_streamed_as_it_is_stored_and_the_cut_is_said() -> anyhow::Result<()> {
    let house = House::start().await?;
    let word = |text: &str| {
        let artifact = serde_json::json!({"artifactId": "a", "parts": [{"text": text}]});
        let update = serde_json::json!({"taskId": "t", "append": true, "artifact": artifact});
        format!(
            "data: {{\"jsonrpc\":\"2.0\",\"id\":{{id}},\"result\":{}}}\n\n",
            serde_json::json!({"artifactUpdate": update})
        )
    };
    let status = serde_json::json!({"taskId": "t", "status": {"state": "TASK_STATE_COMPLETED"}});
    let end = format!(
        "data: {{\"jsonrpc\":\"2.0\",\"id\":{{id}},\"result\":{}}}\n\n",
        serde_json::json!({"statusUpdate": status})
    );
    let body = word("wört ").repeat(20_000) + &end;
    let agent = FakeAgent::start("good", GOOD, Manner::Stream(200, body)).await?;
    house.register("good", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let heard = ann.ask(room, "@good what is the weather like").await?;
    let answer = heard.answer();
    assert_eq!(heard.streamed(), answer, "who listens and who reads later get the same");
    assert!(
        answer.ends_with("(The answer was cut here: it has at most 40000 characters.)"),
        "{}",
        answer.len()
    );
    let largest =
        heard.all("answer.delta").iter().filter_map(|delta| delta["text"].as_str().map(str::len)).max();
    assert!(largest.is_some_and(|bytes| bytes <= 16_000), "{largest:?}");
    house.stop().await
}

#[tokio::test]
async fn an_agent_that_never_ends_is_not_waited_for_beyond_its_time() -> anyhow::Result<()> {
    let (answer, call) = ask_both(Manner::Endless).await?;
    assert!(answer.contains("It will rain.") && answer.contains("bad"), "{answer}");
    assert_eq!(call["state"], "working", "{call}");
    assert!(answer.contains("still working"), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_huge_reply_is_cut_and_marked_partial() -> anyhow::Result<()> {
    let (answer, call) = ask_both(Manner::Huge(1_000_000)).await?;
    assert!(answer.contains("It will rain."), "{}", answer.len());
    assert!(answer.len() < 60_000, "{}", answer.len());
    assert_eq!(call["partial"], true, "{call}");
    Ok(())
}

#[tokio::test]
async fn an_agent_that_fails_again_and_again_is_not_asked_for_a_while() -> anyhow::Result<()> {
    let house = House::start().await?;
    let bad = FakeAgent::start("bad", BAD, Manner::Status(500)).await?;
    house.register("bad", &bad).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    for _ in 0..5 {
        ann.ask(room, "@bad and now?").await?;
    }
    let asked = bad.asked().len();
    let heard = ann.ask(room, "@bad still there?").await?;
    assert_eq!(heard.data("call.finished")["state"], "skipped");
    assert_eq!(bad.asked().len(), asked, "it was left in peace");
    assert!(heard.answer().contains("bad"), "{}", heard.answer());
    house.stop().await
}

#[tokio::test]
async fn an_agent_that_asks_back_gets_the_next_message() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("booker", GOOD, Manner::AsksBack("For which day?".into())).await?;
    house.register("booker", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let first = ann.ask(room, "@booker what is the weather like").await?;
    assert_eq!(first.data("turn.finished")["state"], "input_required");
    assert_eq!(first.data("turn.input_required")["question"], "For which day?");
    assert!(first.answer().contains("For which day?"), "{}", first.answer());

    let second = ann.ask(room, "Tuesday").await?;
    assert_eq!(second.data("plan.decided")["stage"], "rule");
    assert_eq!(second.answer(), "thank you, Tuesday");
    let (_, body) = agent.asked().pop().expect("it was asked");
    assert_eq!(body["params"]["message"]["taskId"], "task-1", "{body}");
    house.stop().await
}

#[tokio::test]
async fn the_users_token_never_reaches_an_agent_and_the_trace_does() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("good", GOOD, Manner::Says("Yes.".into())).await?;
    house.register("good", &agent).await?;
    let mut ann = house.person("ann").await?;
    let token = house.topology().token("ann", &["user"])?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    ann.ask(room, "@good will it rain?").await?;
    let (headers, body) = agent.asked().pop().expect("it was asked");
    let signature = token.rsplit('.').next().unwrap_or_default().to_owned();
    for (name, value) in &headers {
        let value = value.to_str().unwrap_or_default();
        assert!(
            !value.contains(&signature) && name != "authorization" && name != "x-switchboard-identity",
            "{name}"
        );
    }
    assert!(!body.to_string().contains(&signature));
    assert_eq!(headers["a2a-version"], "1.0");
    assert_eq!(headers["traceparent"].to_str()?.len(), 55);
    house.stop().await
}

#[tokio::test]
async fn agents_are_registered_by_admins_only_and_bad_ones_are_refused_with_the_reason() -> anyhow::Result<()>
{
    let house = House::start().await?;
    let agent = FakeAgent::start("good", GOOD, Manner::Says("Yes.".into())).await?;
    let new = serde_json::json!({"url": agent.url(), "id": "good"});
    let user = house.topology().client("ann", &["user"])?;
    let refused = user.post::<Value>("/v1/agents", &new).await.unwrap_err().to_string();
    assert!(refused.contains("may not"), "{refused}");

    let admin = house.topology().client("olga", &["agent-admin"])?;
    let nobody = serde_json::json!({"url": "http://127.0.0.1:1/"});
    let refused = admin.post::<Value>("/v1/agents", &nobody).await.unwrap_err().to_string();
    assert!(refused.contains("cannot be registered: the card could not be fetched: "), "{refused}");

    admin.post::<Value>("/v1/agents", &new).await?;
    let listed: Value = user.get("/v1/agents").await?;
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["examples"]),
        (&"good".into(), &2.into()),
        "{listed}"
    );
    let probe: Value = admin.post("/v1/agents/good/probe", &serde_json::json!({})).await?;
    assert_eq!(probe["ok"], true, "{probe}");
    admin.delete("/v1/agents/good").await?;
    let listed: Value = user.get("/v1/agents").await?;
    assert_eq!(listed["items"], serde_json::json!([]));
    house.stop().await
}

#[tokio::test]
async fn an_agent_at_a_private_address_is_refused_unless_allowed() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.core_overrides = toml::toml! {
            [agents]
            allow_private_addresses = false
        };
    })
    .await?;
    let agent = FakeAgent::start("good", GOOD, Manner::Says("Yes.".into())).await?;
    let admin = house.topology().client("olga", &["agent-admin"])?;
    for url in [
        agent.url().to_owned(),
        agent.url().replace("127.0.0.1", "2130706433"),
        "http://169.254.169.254/".into(),
    ] {
        let refused = admin.post::<Value>("/v1/agents", &serde_json::json!({"url": url})).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("its address is private or reserved"), "{url}: {refused}");
    }
    house.stop().await?;
    let house = House::start().await?;
    house.register("good", &agent).await?;
    house.stop().await
}

#[tokio::test]
async fn what_an_agent_says_about_its_progress_is_passed_on() -> anyhow::Result<()> {
    let house = House::start().await?;
    let agent = FakeAgent::start("slow", GOOD, Manner::Endless).await?;
    house.register("slow", &agent).await?;
    let mut ann: Person = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    let ack = ann.say(room, "@slow what is the weather like").await?;
    let frames = ann.until(|frame| frame["type"] == "call.progress").await?;
    assert_eq!(frames.last().unwrap()["data"]["text"], "still at it");
    ann.send(&serde_json::json!({"type": "cancel", "turn": ack["turn"]})).await?;
    ann.until(|frame| frame["type"] == "turn.finished").await?;
    house.stop().await
}
