//! OpenAI's interface: its own libraries against a house, unchanged, and what chat programs do besides.

use super::{interop::peer, limits::raw};
use anyhow::{Context, ensure};
use eventsource_stream::Eventsource;
use futures::StreamExt;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use switchboard_tests::{FakeAgent, FakeLlm, House, Manner, Mood, guest::node, person::PATIENCE};
use tokio::{
    process::Command,
    time::{sleep, timeout},
};

const WEATHER: &[&str] = &["will it rain tomorrow", "what is the weather like in Oslo"];
const RAIN: &str = "It will rain.";
const TITLE: &str = "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history.\n\
    ### Output:\nJSON format: { \"title\": \"your concise title here\" }\n### Chat History:\n<chat_history>\n\
    USER: Will it rain tomorrow?\nASSISTANT: It will rain.\n</chat_history>";

/// A house with an agent, and somebody who speaks OpenAI's interface.
struct Scene {
    house: House,
    agent: FakeAgent,
    http: reqwest::Client,
    token: String,
}

impl Scene {
    async fn set(house: House) -> anyhow::Result<Self> {
        let agent = FakeAgent::start("weather", WEATHER, Manner::Says(RAIN.to_owned())).await?;
        house.register("weather", &agent).await?;
        let (http, token) = (raw(&house)?, house.topology().token("ann", &["user"])?);
        Ok(Self { house, agent, http, token })
    }

    fn base(&self) -> String {
        format!("{}v1", self.house.topology().url())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base())).bearer_auth(&self.token)
    }

    async fn complete(&self, body: &Value) -> anyhow::Result<Response> {
        Ok(self.request(Method::POST, "/chat/completions").json(body).send().await?)
    }

    /// Says the last of these to `auto`, after the others; the conversation in which it was said.
    async fn say(&self, said: &[&str]) -> anyhow::Result<Value> {
        self.say_with(said, json!({})).await
    }

    async fn say_with(&self, said: &[&str], more: Value) -> anyhow::Result<Value> {
        let answer = self.complete(&asking(said, more)).await?;
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
        Ok(answer.json::<Value>().await?["switchboard"]["conversation"].clone())
    }

    /// What was said in a conversation, by people.
    async fn messages(&self, conversation: &Value) -> anyhow::Result<Vec<String>> {
        let id = conversation.as_str().context("a conversation")?;
        let page = self.request(Method::GET, &format!("/conversations/{id}/messages")).send().await?;
        let page: Value = page.json().await?;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let people = items.iter().filter(|item| item["author"]["kind"] == "user");
        Ok(people.filter_map(|item| item["text"].as_str().map(str::to_owned)).collect())
    }

    async fn conversations(&self) -> anyhow::Result<usize> {
        let page: Value = self.request(Method::GET, "/conversations").send().await?.json().await?;
        Ok(page["items"].as_array().map_or(0, Vec::len))
    }

    async fn library(&self, mut program: Command, more: &[&str]) -> anyhow::Result<Value> {
        program.arg(self.base()).arg(&self.token).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        program.env("SSL_CERT_FILE", self.house.topology().ca());
        program.env("NODE_EXTRA_CA_CERTS", self.house.topology().ca());
        let output = timeout(2 * PATIENCE, program.kill_on_drop(true).output()).await??;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        serde_json::from_slice(&output.stdout).context(said)
    }
}

/// A request that says these, with an answer of ours after each but the last.
fn asking(said: &[&str], more: Value) -> Value {
    let mut messages = Vec::new();
    for text in said {
        messages.push(json!({"role": "user", "content": text}));
        messages.push(json!({"role": "assistant", "content": "whatever a client kept of it"}));
    }
    messages.pop();
    let mut body = json!({"model": "auto", "messages": messages});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn openais_own_libraries_work_unchanged() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let mut python = peer("python");
    python.arg("openai_client.py");
    let seen = scene.library(python, &[]).await?;
    assert_eq!(seen["models"], json!(["auto", "weather"]));
    assert_eq!((&seen["whole"], &seen["streamed"]), (&json!(RAIN), &json!(RAIN)));
    assert_eq!((&seen["finish"], &seen["turn"]), (&json!(["stop"]), &json!("completed")));
    assert_eq!(seen["usage"], json!([0, 0]), "no LLM, no tokens");
    let reasoning = seen["reasoning"].as_str().unwrap_or_default();
    assert!(reasoning.starts_with("Asking weather (") && reasoning.contains("weather: answered"), "{seen}");
    let errors = json!([
        ["AuthenticationError", "invalid_api_key", true],
        ["NotFoundError", "model_not_found", true],
        ["BadRequestError", "bad_request", true],
        ["BadRequestError", "bad_request", true],
    ]);
    assert_eq!(seen["errors"], errors);

    let seen = scene.library(node("openai.mjs"), &[]).await?;
    assert_eq!(seen["models"], json!(["auto", "weather"]));
    assert_eq!((&seen["whole"], &seen["streamed"], &seen["usage"]), (&json!(RAIN), &json!(RAIN), &json!(0)));
    let errors = json!([["AuthenticationError", "invalid_api_key"], ["NotFoundError", "model_not_found"]]);
    assert_eq!(seen["errors"], errors);
    scene.house.stop().await
}

#[tokio::test]
async fn a_library_of_openais_waits_when_a_limit_is_reached_and_is_answered_then() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let refused = loop {
        let answer = scene.complete(&asking(&["hello"], json!({}))).await?;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            break answer;
        }
        ensure!(answer.status().is_success(), "{}", answer.text().await?);
    };
    assert!(refused.headers().contains_key("retry-after"), "{refused:?}");
    let fault: Value = refused.json().await?;
    assert_eq!(
        (&fault["error"]["type"], &fault["error"]["code"]),
        (&json!("rate_limit_error"), &json!("rate_limit_exceeded"))
    );
    let mut python = peer("python");
    python.arg("openai_client.py");
    assert_eq!(scene.library(python, &["waits"]).await?["whole"], RAIN);
    scene.house.stop().await
}

#[tokio::test]
async fn a_chat_stays_in_its_conversation_and_two_that_begin_alike_stay_apart() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let first = scene.say(&["hello"]).await?;
    let twin = scene.say(&["hello"]).await?;
    assert_ne!(first, twin, "two chats that begin alike");
    // The one that has gone on stands elsewhere, so the other one is found.
    let second = scene.say(&["hello", "will it rain tomorrow?"]).await?;
    let other = scene.say(&["hello", "what is the weather like in Oslo?"]).await?;
    assert!(second != other && [&first, &twin].contains(&&second) && [&first, &twin].contains(&&other));
    let third = scene.say(&["hello", "will it rain tomorrow?", "thanks"]).await?;
    assert_eq!(third, second);
    assert_eq!(scene.messages(&second).await?, ["hello", "will it rain tomorrow?", "thanks"]);
    // An answer is asked for again, and a message is changed: both in the chat where they were said.
    let again = scene.say(&["hello", "will it rain tomorrow?", "thanks"]).await?;
    let changed = scene.say(&["hello", "will it rain tomorrow?", "thank you"]).await?;
    assert_eq!((&again, &changed), (&second, &second));

    // A chat by name, whatever is said in it; ours by its id; and that of somebody else's is only a name.
    let metadata = json!({"metadata": {"conversation_id": "my-chat"}});
    let named = scene.say_with(&["hello"], metadata.clone()).await?;
    assert_eq!(scene.say_with(&["thanks"], metadata.clone()).await?, named);
    let ours = json!({"metadata": {"conversation_id": second}});
    assert_eq!(scene.say_with(&["hello"], ours.clone()).await?, second);
    let bob = Scene { token: scene.house.topology().token("bob", &["user"])?, ..scene };
    assert_ne!(bob.say_with(&["hello"], ours).await?, second);
    assert_ne!(bob.say_with(&["hello"], metadata).await?, named);
    bob.house.stop().await
}

#[tokio::test]
async fn the_header_of_a_chat_program_names_a_chat_where_it_is_trusted_alone() -> anyhow::Result<()> {
    for trusted in [false, true] {
        let house = House::with(|options| {
            if trusted {
                let core = toml::toml! { openai.chat_id_header = "X-OpenWebUI-Chat-Id" };
                options.core_overrides.extend(core);
            }
        })
        .await?;
        let scene = Scene::set(house).await?;
        let mut found = Vec::new();
        for _ in 0..2 {
            let request =
                scene.request(Method::POST, "/chat/completions").header("x-openwebui-chat-id", "chat-1");
            let answer: Value = request.json(&asking(&["hello"], json!({}))).send().await?.json().await?;
            found.push(answer["switchboard"]["conversation"].clone());
        }
        assert_eq!(found[0] == found[1], trusted, "{found:?}");
        scene.house.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_request_that_comes_again_is_the_same_message() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let body = asking(&["will it rain tomorrow?"], json!({}));
    for (name, values) in [("idempotency-key", ["rain-1", "rain-1"]), ("x-stainless-retry-count", ["0", "1"])]
    {
        let mut answers = Vec::new();
        for value in values {
            let request = scene.request(Method::POST, "/chat/completions").header(name, value);
            let answer: Value = request.json(&body).send().await?.json().await?;
            assert_eq!(answer["choices"][0]["message"]["content"], RAIN, "{answer}");
            answers.push(answer["switchboard"]["turn"].clone());
        }
        assert_eq!(answers[0], answers[1], "{name}");
    }
    assert_eq!(scene.agent.asked().len(), 2, "once for each");
    assert_ne!(scene.say(&["will it rain tomorrow?"]).await?, Value::Null);
    assert_eq!(scene.agent.asked().len(), 3, "without a word it is another one");
    scene.house.stop().await
}

#[tokio::test]
async fn what_a_chat_program_asks_by_itself_is_no_message() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    for streamed in [false, true] {
        let answer = scene.complete(&asking(&[TITLE], json!({"stream": streamed}))).await?;
        let limit = answer.headers()["ratelimit"].to_str()?.to_owned();
        assert!(limit.contains("r=30"), "what was taken is given back: {limit}");
        assert!(!answer.headers().contains_key("x-switchboard-uncounted"), "{:?}", answer.headers());
        let text = answer.text().await?;
        assert!(text.contains("Will it rain tomorrow?"), "{text}");
    }
    assert_eq!((scene.conversations().await?, scene.agent.asked().len()), (0, 0));
    let house = scene.house.topology();
    for admin in [house.edges()[0].admin(), house.cores()[0].admin()] {
        let metrics = reqwest::get(admin.join("/metrics")?).await?.text().await?;
        let counted = metrics.lines().find(|line| line.starts_with("chat_requests_total"));
        assert!(counted.is_none_or(|line| line.ends_with(" 0")), "{counted:?}");
    }
    scene.complete(&asking(&["Will it rain tomorrow?"], json!({}))).await?;
    let metrics = reqwest::get(house.edges()[0].admin().join("/metrics")?).await?.text().await?;
    assert!(metrics.contains("\nchat_requests_total 1\n"), "a message is one");
    scene.house.stop().await?;

    let title = Mood::Titles("🌧️ Rain tomorrow".to_owned());
    let llm = FakeLlm::start(title).await?;
    let scene = Scene::set(House::with_llm(&llm).await?).await?;
    let answer: Value = scene.complete(&asking(&[TITLE], json!({}))).await?.json().await?;
    assert_eq!(answer["choices"][0]["message"]["content"], r#"{"title":"🌧️ Rain tomorrow"}"#, "{answer}");
    llm.set(Mood::Erring(500));
    let answer: Value = scene.complete(&asking(&[TITLE], json!({}))).await?.json().await?;
    assert_eq!(
        answer["choices"][0]["message"]["content"], r#"{"title":"Will it rain tomorrow?"}"#,
        "{answer}"
    );
    assert_eq!((scene.conversations().await?, scene.agent.asked().len()), (0, 0));
    scene.house.stop().await
}

#[tokio::test]
async fn errors_on_openais_paths_are_in_its_shape_wherever_they_come_from() -> anyhow::Result<()> {
    let scene = Scene::set(House::start().await?).await?;
    let post = || scene.request(Method::POST, "/chat/completions");
    let large = asking(&["x".repeat(3_000_000).as_str()], json!({}));
    let long = asking(&["x".repeat(30_000).as_str()], json!({}));
    let admin = scene.house.topology().token("olga", &["agent-admin"])?;
    for (what, request, status, code) in [
        ("no token, by the edge", scene.http.get(format!("{}/models", scene.base())), 401, "invalid_api_key"),
        (
            "another role, by the core",
            scene.http.get(format!("{}/models", scene.base())).bearer_auth(&admin),
            403,
            "forbidden",
        ),
        ("no such model", scene.request(Method::GET, "/models/nobody"), 404, "model_not_found"),
        ("no name of a model", scene.request(Method::GET, "/models/%ff"), 404, "model_not_found"),
        ("another method", scene.request(Method::GET, "/chat/completions"), 405, "method_not_allowed"),
        ("too large a body", post().json(&large), 413, "too_large"),
        ("too long a message", post().json(&long), 413, "too_large"),
        ("no JSON", post().header("content-type", "application/json").body("{"), 400, "bad_request"),
        ("another media type", post().body("{}"), 415, "unsupported_media_type"),
        ("nothing to answer", post().json(&json!({"model": "auto", "messages": []})), 400, "bad_request"),
    ] {
        let answer = request.send().await.context(what)?;
        assert_eq!(answer.status().as_u16(), status, "{what}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{what}");
        let fault: Value = answer.json().await?;
        assert_eq!(fault["error"]["code"], code, "{what}: {fault}");
        assert!(
            fault["error"]["message"].is_string() && fault["error"]["request_id"].is_string(),
            "{what}: {fault}"
        );
    }
    scene.house.stop().await
}

#[tokio::test]
async fn an_agent_is_a_model_its_pictures_come_as_files_and_others_have_no_such_model() -> anyhow::Result<()>
{
    let scene = Scene::set(House::start().await?).await?;
    let hidden = FakeAgent::start("payroll", &["who earns what"], Manner::Says("Nobody.".into())).await?;
    scene.house.register_for(&["finance"], "payroll", &hidden).await?;
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    let content = json!([{"type": "text", "text": "hello"}, picture]);
    let body = json!({"model": "weather", "messages": [{"role": "user", "content": content}]});
    let answer: Value = scene.complete(&body).await?.json().await?;
    assert_eq!(answer["switchboard"]["plan"]["reason"], "You chose.", "{answer}");
    let id = answer["switchboard"]["conversation"].as_str().context("a conversation")?;
    let page = scene.request(Method::GET, &format!("/conversations/{id}/messages")).send().await?;
    let page: Value = page.json().await?;
    assert_eq!(page["items"][0]["files"][0]["media_type"], "image/png", "{page}");

    let models: Value = scene.request(Method::GET, "/models").send().await?.json().await?;
    assert!(!models.to_string().contains("payroll"), "{models}");
    let answer = scene.complete(&asking(&["who earns what?"], json!({"model": "payroll"}))).await?;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let reasoned = scene.complete(&asking(&["hello"], json!({"metadata": {"reasoning": "off"}}))).await?;
    assert!(!reasoned.text().await?.contains("reasoning_content"));
    scene.house.stop().await
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_its_turn_going_unless_the_house_stops_it() -> anyhow::Result<()> {
    for (stops, ends) in [(false, "completed"), (true, "canceled")] {
        let house = House::with(|options| {
            let openai = toml::Table::from_iter([("cancel_when_gone".to_owned(), stops.into())]);
            options.core_overrides.insert("openai".to_owned(), openai.into());
        })
        .await?;
        let scene = Scene::set(house).await?;
        scene.agent.set(Manner::Slowly("a b c d e f g h".to_owned(), Duration::from_millis(500)));
        let asked = asking(&["will it rain tomorrow?"], json!({"stream": true, "model": "weather"}));
        let answer = scene.complete(&asked).await?;
        let mut pieces = answer.bytes_stream().eventsource();
        let piece: Value = serde_json::from_str(&pieces.next().await.context("a piece")??.data)?;
        let turn = piece["id"].as_str().and_then(|id| id.strip_prefix("chatcmpl-")).context("its id")?;
        let turn = turn.parse::<uuid::Uuid>()?;
        drop(pieces);
        let path = format!("/turns/{turn}");
        let over = async {
            loop {
                let view: Value = scene.request(Method::GET, &path).send().await?.json().await?;
                if view["state"] != "running" {
                    return anyhow::Ok(view);
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        let view = timeout(PATIENCE, over).await??;
        assert_eq!(view["state"], ends, "{view}");
        scene.house.stop().await?;
    }
    Ok(())
}
