//! Files that agents give: kept, bounded, named, and handed out to members alone.

use super::{durability::owner, learning::Scene, limits::raw};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_shared::ids::ConversationId;
use switchboard_tests::{FakeAgent, House, Manner, Person, person::PATIENCE};
use tokio::time::{sleep, timeout};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const EXAMPLES: &[&str] = &["make me a report", "draw a chart of that"];

fn file(name: &str, media_type: &str, bytes: &[u8]) -> Value {
    json!({"raw": STANDARD.encode(bytes), "filename": name, "mediaType": media_type})
}

async fn scene(house: &House, parts: Vec<Value>) -> anyhow::Result<(FakeAgent, Person, ConversationId)> {
    let agent = FakeAgent::start("maker", EXAMPLES, Manner::Gives(parts)).await?;
    house.register("maker", &agent).await?;
    let mut ann = house.person("ann").await?;
    let room = ann.room(&[]).await?;
    ann.join(room, Some(0)).await?;
    Ok((agent, ann, room))
}

/// Fetches a file by what was said of it.
async fn fetch(
    house: &House,
    token: &str,
    room: ConversationId,
    file: &Value,
) -> anyhow::Result<reqwest::Response> {
    let id = file["id"].as_str().unwrap_or("none");
    let url = house.topology().url().join(&format!("/v1/conversations/{room}/files/{id}"))?;
    Ok(raw(house)?.get(url).bearer_auth(token).send().await?)
}

fn names(files: &Value) -> Vec<&str> {
    files.as_array().into_iter().flatten().filter_map(|file| file["name"].as_str()).collect()
}

async fn count(house: &House, sql: &str) -> anyhow::Result<i64> {
    Ok(house.topology().postgres().connect().await?.query_one(sql, &[]).await?.get(0))
}

#[tokio::test]
async fn what_an_agent_gave_goes_to_the_agent_that_goes_on_with_its_reply() -> anyhow::Result<()> {
    let house = House::start().await?;
    let parts = vec![json!({"text": "Here it is."}), file("a.txt", "text/plain", b"three pages")];
    let (_maker, mut ann, room) = scene(&house, parts).await?;
    let printer = FakeAgent::start("printer", &["print that"], Manner::Says("Printed.".into())).await?;
    house.register("printer", &printer).await?;
    let text = "@maker make me a report, then @printer take this result and print it";
    let heard = ann.ask(room, text).await?;
    assert_eq!(heard.data("plan.decided")["mode"], "sequential", "{}", heard.data("plan.decided"));
    let (_, asked) = printer.asked().pop().unwrap_or_default();
    let parts = &asked["params"]["message"]["parts"];
    assert!(parts[0]["text"].as_str().is_some_and(|text| text.contains("Here it is.")), "{parts}");
    assert_eq!(
        (&parts[1]["filename"], &parts[1]["raw"]),
        (&json!("a.txt"), &json!(STANDARD.encode("three pages"))),
        "{parts}"
    );
    house.stop().await
}

#[tokio::test]
async fn files_of_an_agent_are_named_in_the_answer_and_handed_out_to_members_alone() -> anyhow::Result<()> {
    let house = House::start().await?;
    let parts = vec![
        json!({"text": "Here it is."}),
        file("chart.png", "image/png", PNG),
        file("räge 1.csv", "text/csv", b"a,b\r\n1,2\r\n"),
        json!({"data": {"total": 3}, "filename": "total.json"}),
        json!({"url": "https://elsewhere.example/secret"}),
    ];
    let (_agent, mut ann, room) = scene(&house, parts).await?;
    let heard = ann.ask(room, "@maker make me a report").await?;
    assert!(heard.answer().contains("Here it is.") && heard.answer().contains("[file chart.png]"));
    assert!(heard.answer().contains("https://elsewhere.example/secret"), "a link is named and not fetched");
    let files = heard.data("answer.finished")["files"].clone();
    assert_eq!(names(&files), ["chart.png", "räge 1.csv", "total.json"]);
    assert_eq!(
        (&files[0]["agent"], &files[0]["media_type"], &files[0]["bytes"]),
        (&json!("maker"), &json!("image/png"), &json!(PNG.len()))
    );
    // The same in the message, in the turn and in the whole answer of another question.
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    assert_eq!(page["items"][1]["files"], files);
    let turn = heard.frames[0]["turn"].as_str().unwrap_or_default();
    let view: Value = ann.http.get(&format!("/v1/turns/{turn}")).await?;
    assert_eq!(view["calls"][0]["files"], files);
    let whole: Value = ann.http.post("/chat", &json!({"text": "@maker draw a chart of that"})).await?;
    assert_eq!(names(&whole["files"]), names(&files));

    let token = house.topology().token("ann", &["user"])?;
    let picture = fetch(&house, &token, room, &files[0]).await?;
    let header =
        |name: &str| picture.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"chart.png\"; filename*=UTF-8''chart.png"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"), "{}", header("content-security-policy"));
    let etag = header("etag");
    assert_eq!(picture.bytes().await?, PNG);
    let table = fetch(&house, &token, room, &files[1]).await?;
    let name = table.headers()["content-disposition"].to_str()?;
    assert!(name.ends_with("filename*=UTF-8''r%C3%A4ge%201.csv"), "{name}");
    assert_eq!(table.text().await?, "a,b\r\n1,2\r\n");
    let id = files[0]["id"].as_str().unwrap_or_default();
    let url = house.topology().url().join(&format!("/v1/conversations/{room}/files/{id}"))?;
    let again = raw(&house)?.get(url).bearer_auth(&token).header("if-none-match", etag).send().await?;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);

    for nothing in ["0197c5a0-6f0e-7c41-9d1c-2b6f0a4f1e01", "999-0", "1-0", "1-7", "2--1", "x"] {
        let found = fetch(&house, &token, room, &json!({"id": nothing})).await?;
        assert_eq!(found.status(), StatusCode::NOT_FOUND, "{nothing}");
    }
    let elsewhere = ann.room(&[]).await?;
    assert_eq!(fetch(&house, &token, elsewhere, &files[0]).await?.status(), StatusCode::NOT_FOUND);
    ann.http.delete(&format!("/v1/conversations/{room}")).await?;
    assert_eq!(fetch(&house, &token, room, &files[0]).await?.status(), StatusCode::NOT_FOUND);
    house.stop().await
}

#[tokio::test]
async fn nobody_else_gets_a_file_not_even_who_was_a_member() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (_agent, mut ann, room) = scene(&house, vec![file("a.txt", "text/plain", b"secret")]).await?;
    let files = ann.ask(room, "@maker make me a report").await?.data("answer.finished")["files"].clone();
    let own = json!({"text": "see this", "parts": [{"name": "b.txt", "media_type": "text/html", "data": STANDARD.encode("<p>")}]});
    let accepted: Value = ann.http.post(&format!("/v1/conversations/{room}/messages"), &own).await?;
    ann.turn_over(accepted["turn"].as_str().unwrap_or_default()).await?;
    let page: Value = ann.http.get(&format!("/v1/conversations/{room}/messages")).await?;
    let sent = page["items"].as_array().into_iter().flatten().find(|message| message["text"] == "see this");
    let sent = sent.map(|message| message["files"][0].clone()).unwrap_or_default();

    let (bob, ann_token) =
        (house.topology().token("bob", &["user"])?, house.topology().token("ann", &["user"])?);
    let other = house.token("ann", &["user"], |claims| claims.tenant = "other".parse().expect("an id"))?;
    let stranger = house.token("olga", &["agent-admin"], |_| {})?;
    for named in [&files[0], &sent] {
        assert_eq!(fetch(&house, &ann_token, room, named).await?.status(), StatusCode::OK, "{named}");
        for token in [&bob, &other] {
            assert_eq!(fetch(&house, token, room, named).await?.status(), StatusCode::NOT_FOUND);
        }
        assert_eq!(fetch(&house, &stranger, room, named).await?.status(), StatusCode::FORBIDDEN);
        assert_eq!(fetch(&house, "nobody", room, named).await?.status(), StatusCode::UNAUTHORIZED);
    }
    // A member's own file comes as bytes, whatever it says that it is.
    let fetched = fetch(&house, &ann_token, room, &sent).await?;
    assert_eq!(fetched.headers()["content-type"], "application/octet-stream");
    assert_eq!(fetched.bytes().await?, "<p>");
    house.greet("bob").await?;
    let member: Value =
        ann.http.post(&format!("/v1/conversations/{room}/members"), &json!({"user": "bob"})).await?;
    assert_eq!(member["user"], "bob");
    assert_eq!(fetch(&house, &bob, room, &files[0]).await?.status(), StatusCode::OK);
    ann.http.delete(&format!("/v1/conversations/{room}/members/bob")).await?;
    assert_eq!(fetch(&house, &bob, room, &files[0]).await?.status(), StatusCode::NOT_FOUND);
    house.stop().await
}

#[tokio::test]
async fn what_is_too_large_or_too_many_is_left_out_and_the_answer_says_so() -> anyhow::Result<()> {
    let house = House::start().await?;
    let many =
        (1..=20).map(|n| file(&format!("f{n}.txt"), "text/plain", format!("{n}").as_bytes())).collect();
    let (agent, mut ann, room) = scene(&house, many).await?;
    let heard = ann.ask(room, "@maker make me a report").await?;
    let finished = heard.data("answer.finished");
    assert_eq!(finished["files"].as_array().map(Vec::len), Some(8), "{finished}");
    let said = "12 of its files were left out: f9.txt (more than 8 files), f10.txt (more than 8 files), \
        f11.txt (more than 8 files) and 9 more";
    assert!(heard.answer().contains(said), "{}", heard.answer());
    assert_eq!(heard.data("call.finished")["reason"], said);

    let large = file("large.bin", "application/octet-stream", &vec![7; 5_000_000]);
    agent.set(Manner::Gives(vec![json!({"text": "Both."}), large, file("small.txt", "text/plain", b"x")]));
    let heard = ann.ask(room, "@maker draw a chart of that").await?;
    assert_eq!(names(&heard.data("answer.finished")["files"]), ["small.txt"]);
    assert!(heard.answer().contains("large.bin (more than 4194304 bytes)"), "{}", heard.answer());
    assert_eq!(heard.data("call.finished")["state"], "completed");

    // Beyond all that a call may send it is the call that fails, and nothing else.
    agent.set(Manner::Gives(vec![file("huge.bin", "application/octet-stream", &vec![7; 7_000_000])]));
    let heard = ann.ask(room, "@maker make me a report").await?;
    assert_eq!(heard.data("call.finished")["reason"], "it sent more than it may");
    house.stop().await
}

#[tokio::test]
async fn a_file_that_lies_and_a_name_that_leads_elsewhere_do_no_harm() -> anyhow::Result<()> {
    let house = House::start().await?;
    let parts = vec![
        file("../../etc/passwd", "image/png", b"<script>alert(1)</script>"),
        file("a\u{202E}gnp.exe\u{1b}[2J\r\nx: y\"", "text/html", b"<p>"),
        json!({"raw": "///not base64", "filename": "broken.bin", "mediaType": "image/png"}),
        file("", "image/png", PNG),
    ];
    let (_agent, mut ann, room) = scene(&house, parts).await?;
    let heard = ann.ask(room, "@maker make me a report").await?;
    let files = heard.data("answer.finished")["files"].clone();
    assert_eq!(names(&files), ["passwd", "agnp.exe [2J  x: y\"", "file.png"]);
    assert_eq!(files[0]["media_type"], "application/octet-stream");
    assert!(heard.answer().contains("broken.bin (its bytes cannot be read)"), "{}", heard.answer());
    let token = house.topology().token("ann", &["user"])?;
    for (at, kind) in [(0, "application/octet-stream"), (1, "application/octet-stream"), (2, "image/png")] {
        let fetched = fetch(&house, &token, room, &files[at]).await?;
        assert_eq!(fetched.headers()["content-type"], kind, "{}", files[at]);
        let disposition = fetched.headers()["content-disposition"].to_str()?;
        assert!(disposition.starts_with("attachment; filename=\"") && !disposition.contains("x: y\""));
    }
    house.stop().await
}

#[tokio::test]
async fn files_count_into_the_quota_and_go_with_their_conversation_and_by_retention() -> anyhow::Result<()> {
    let house = House::with(|options| {
        let keep = toml::toml! {
            quota = { user_bytes = 100_000 }
            retention = { every_ms = 300, tenants = [{ tenant = "demo", messages_days = 30 }] }
        };
        switchboard::topology::config::overlay(&mut options.core_overrides, &keep);
    })
    .await?;
    let (_agent, mut ann, room) =
        scene(&house, vec![json!({"text": "Here."}), file("a.bin", "a/b", &[7; 60_000])]).await?;
    ann.ask(room, "@maker make me a report").await?;
    assert!(count(&house, "SELECT sum(bytes)::bigint FROM stored").await? > 60_000);
    let heard = ann.ask(room, "@maker draw a chart of that").await?;
    assert!(heard.data("answer.finished").get("files").is_none(), "{:?}", heard.frames);
    assert!(heard.answer().contains("its files were left out: your storage is full"), "{}", heard.answer());
    let database = house.topology().postgres().connect().await?;
    database.batch_execute("UPDATE turns SET created_at = created_at - interval '31 days'").await?;
    let forgotten = async {
        while count(&house, "SELECT count(*) FROM files").await? > 0 {
            sleep(Duration::from_millis(50)).await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, forgotten).await??;
    assert_eq!(count(&house, "SELECT sum(bytes)::bigint FROM stored").await?, 0);
    let again = ann.ask(room, "@maker make me a report").await?;
    assert_eq!(names(&again.data("answer.finished")["files"]), ["a.bin"], "there is room again");
    ann.http.delete(&format!("/v1/conversations/{room}")).await?;
    assert_eq!(count(&house, "SELECT count(*) FROM files").await?, 0);
    assert_eq!(count(&house, "SELECT sum(bytes)::bigint FROM stored").await?, 0);
    house.stop().await
}

#[tokio::test]
async fn a_turn_that_is_taken_over_has_the_files_of_its_calls_once() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 2).await?;
    let (_agent, mut ann, room) = scene(&house, vec![file("a.txt", "text/plain", b"once")]).await?;
    let slow = Manner::Slowly("a b c d e f g h".into(), Duration::from_millis(400));
    let slow = FakeAgent::start("slow", &["tell me slowly"], slow).await?;
    house.register("slow", &slow).await?;
    let ack = ann.say(room, "@maker @slow make me a report").await?;
    let mut frames = ann.until(|frame| frame["type"] == "call.finished").await?;
    let owner = owner(&house, &ack["turn"]).await?;
    house.topology().cores()[owner].kill9().await;
    frames.extend(ann.until(|frame| frame["type"] == "turn.finished").await?);
    let answer = frames.iter().find(|frame| frame["type"] == "answer.finished").cloned().unwrap_or_default();
    assert_eq!(answer["data"]["attempt"], 2, "{answer}");
    assert_eq!(names(&answer["data"]["files"]), ["a.txt"]);
    assert_eq!(count(&house, "SELECT count(*) FROM files").await?, 1);
    let token = house.topology().token("ann", &["user"])?;
    assert_eq!(fetch(&house, &token, room, &answer["data"]["files"][0]).await?.text().await?, "once");
    house.stop().await
}

#[tokio::test]
async fn chat_saves_files_in_a_folder_and_leaves_it_to_nobody() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let parts = vec![
        json!({"text": "Here."}),
        file("../up.txt", "text/plain", b"up"),
        file(".hidden", "text/plain", b"h"),
    ];
    scene.weather.set(Manner::Gives(parts));
    let outer = tempfile::tempdir()?;
    let folder = outer.path().join("out");
    let save = folder.to_string_lossy().into_owned();
    for _ in 0..2 {
        let asked = scene.run(&["chat", "--save", &save, "@weather will it rain"]).await?;
        let said = String::from_utf8_lossy(&asked.stderr).into_owned();
        assert!(asked.status.success() && said.contains("file up.txt (2 bytes) from weather"), "{asked:?}");
    }
    let mut saved: Vec<_> = std::fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    saved.sort();
    assert_eq!(saved, ["hidden", "hidden (2)", "up (2).txt", "up.txt"]);
    assert_eq!(std::fs::read(folder.join("up.txt"))?, b"up");
    assert_eq!(std::fs::read_dir(outer.path())?.count(), 1, "nothing beside the folder");
    scene.house.stop().await
}
