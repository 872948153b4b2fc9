//! Switchboard as an agent: its official clients, unchanged, and what the rows make of a task on any core.

use super::{durability::owner, interop::peer, limits::raw};
use anyhow::Context;
use eventsource_stream::Eventsource;
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use switchboard_tests::{FakeAgent, House, Introduced, Manner, guest::node, person::PATIENCE};
use tokio::{process::Command, time::timeout};

const RAIN: &str = "It will rain.";
/// Where the clients want to be told; their task is over by then, so nothing is.
const TOLD: &str = "https://example.com/told";

/// What each operation comes to, whichever client and binding; a class of error, in the words of both clients.
fn expected(operation: &str) -> Value {
    match operation {
        "send" => json!(["completed", RAIN]),
        "stream" => json!(["task", "status_update", RAIN]),
        "ask back, send again, reply" => {
            json!(["input_required", "For which day?", true, "thank you, Tuesday"])
        }
        "get" => json!(["completed", 1, "@weather rain?"]),
        "list" => json!([true, 1, "", 0]),
        "send, return at once" => json!([true, 0]),
        "subscribe" => json!(["task", "artifact_update"]),
        "cancel" => json!("canceled"),
        "extended card" => json!(true),
        "cancel again" => json!("TaskNotCancelableError"),
        "subscribe to what is over" | "reply to what is over" => json!("UnsupportedOperationError"),
        "get what is not there" => json!("TaskNotFoundError"),
        "push: create" | "push: get" => json!(["1", TOLD]),
        "push: list" => json!([TOLD]),
        _ => json!(true),
    }
}

/// What a client of 0.3 cannot do: it knows no lists, and its own class of every error is one.
fn otherwise(binding: &str, operation: &str) -> Option<Value> {
    let before = binding.ends_with("0.3").then_some(operation)?;
    (before == "list").then(|| json!("NotImplementedError"))
}

/// One client's way of writing names.
fn plain(outcome: &Value) -> Value {
    let text = outcome.to_string().replace("statusUpdate", "status_update");
    serde_json::from_str(&text.replace("artifactUpdate", "artifact_update")).unwrap_or_default()
}

async fn rows(mut program: Command) -> anyhow::Result<Vec<Value>> {
    Ok(serde_json::from_value(said(&mut program).await?)?)
}

async fn said(program: &mut Command) -> anyhow::Result<Value> {
    program.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = timeout(PATIENCE, program.output()).await??;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).context(said)
}

#[tokio::test]
async fn the_official_clients_do_every_operation_over_each_binding() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", &["will it rain"], Manner::Says(RAIN.into())).await?;
    let booker =
        FakeAgent::start("booker", &["book a room"], Manner::AsksBack("For which day?".into())).await?;
    let words = "a b c d e f g h ".repeat(40);
    let slow =
        FakeAgent::start("slow", &["take your time"], Manner::Slowly(words, Duration::from_millis(250)))
            .await?;
    for (id, agent) in [("weather", &weather), ("booker", &booker), ("slow", &slow)] {
        house.register(id, agent).await?;
    }
    let url = house.topology().url().as_str().trim_end_matches('/').to_owned();
    let (ca, token) = (house.topology().ca(), |user: &str| house.topology().token(user, &["user"]));
    let mut python = peer("python");
    python.arg("a2a_client.py").arg(&url).arg(ca).arg(token("ann")?);
    let mut js = node("a2a_client.mjs");
    js.arg(&url).arg(token("bob")?).env("NODE_EXTRA_CA_CERTS", ca);
    let mut all = rows(python).await?;
    all.extend(rows(js).await?);
    let mut table = String::new();
    for row in &all {
        let (operation, outcome) = (row["operation"].as_str().unwrap_or_default(), plain(&row["outcome"]));
        let (client, binding) = (row["client"].as_str(), row["binding"].as_str());
        let (client, binding) = (client.unwrap_or_default(), binding.unwrap_or_default());
        let due = otherwise(binding, operation).unwrap_or_else(|| expected(operation));
        let mark = if outcome == due { "as expected" } else { "OTHERWISE" };
        table.push_str(&format!("| {client:6} | {binding:13} | {operation:27} | {mark} | {outcome}\n"));
    }
    std::io::Write::write_all(&mut std::io::stderr(), table.as_bytes())?;
    assert_eq!(all.len(), (4 + 2) * 17, "{table}");
    assert!(!table.contains("OTHERWISE"), "{table}");
    house.stop().await
}

/// A client that shows what is on the wire.
pub(super) struct Wire {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Wire {
    pub(super) fn of(house: &House, user: &str) -> anyhow::Result<Self> {
        let url = house.topology().url().join("/a2a")?.to_string();
        Ok(Self { http: raw(house)?, url, token: house.topology().token(user, &["user"])? })
    }

    fn asks(&self, method: &str, params: &Value) -> reqwest::RequestBuilder {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.http.post(&self.url).bearer_auth(&self.token).header("a2a-version", "1.0").json(&body)
    }

    /// The result, or the error.
    pub(super) async fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let answer: Value = self.asks(method, &params).send().await?.json().await?;
        Ok(answer.get("result").or(answer.get("error")).cloned().unwrap_or_default())
    }

    pub(super) async fn send(&self, id: &str, text: &str, more: Value) -> anyhow::Result<Value> {
        let mut message = json!({"messageId": id, "role": "ROLE_USER", "parts": [{"text": text}]});
        message.as_object_mut().context("it is one")?.extend(more.as_object().cloned().unwrap_or_default());
        let answer = self.call("SendMessage", json!({"message": message})).await?;
        Ok(answer.get("task").cloned().unwrap_or(answer))
    }

    async fn begin(&self, id: &str, text: &str) -> anyhow::Result<Value> {
        let message = json!({"messageId": id, "role": "ROLE_USER", "parts": [{"text": text}]});
        let params = json!({"message": message, "configuration": {"returnImmediately": true}});
        Ok(self.call("SendMessage", params).await?["task"].clone())
    }

    pub(super) async fn stream(
        &self,
        method: &str,
        params: Value,
    ) -> anyhow::Result<impl Stream<Item = Value> + Unpin> {
        let response = self.asks(method, &params).send().await?;
        let events = response.bytes_stream().eventsource();
        let read = events.filter_map(async |event| {
            Some(serde_json::from_str::<Value>(&event.ok()?.data).ok()?["result"].clone())
        });
        Ok(read.boxed())
    }
}

pub(super) fn state(task: &Value) -> &str {
    task["status"]["state"].as_str().unwrap_or_default().trim_start_matches("TASK_STATE_")
}

#[tokio::test]
async fn a_task_goes_on_on_another_core_and_is_canceled_on_any() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 3).await?;
    let words = "a b c d e f g h i j k l";
    let agent =
        FakeAgent::start("slow", &["be slow"], Manner::Slowly(words.into(), Duration::from_millis(800)))
            .await?;
    house.register("slow", &agent).await?;
    let ann = Wire::of(&house, "ann")?;
    let task = ann.begin("m1", "@slow go").await?;
    let id = task["id"].clone();
    let mut events = ann.stream("SubscribeToTask", json!({"id": id})).await?;
    while let Some(event) = timeout(PATIENCE, events.next()).await? {
        if event.get("artifactUpdate").is_some() {
            break;
        }
    }
    let owner = owner(&house, &id).await?;
    house.topology().cores()[owner].kill9().await;
    // A stream that its core took along is opened again, and begins with all that there is.
    let mut last = Value::Null;
    loop {
        let mut events = ann.stream("SubscribeToTask", json!({"id": id})).await?;
        while let Some(event) = timeout(PATIENCE, events.next()).await? {
            last = event;
        }
        let task = ann.call("GetTask", json!({"id": id})).await?;
        if state(&task) == "COMPLETED" {
            assert_eq!(task["artifacts"][0]["parts"][0]["text"], words, "{task} {last}");
            break;
        }
    }
    let again = ann.send("m1", "@slow go", json!({})).await?;
    assert_eq!((&again["id"], state(&again)), (&id, "COMPLETED"), "the same message is the same task");
    let ids: Vec<_> =
        agent.asked().iter().map(|(_, asked)| asked["params"]["message"]["messageId"].clone()).collect();
    let mut sent: Vec<_> = ids.iter().filter(|id| id.is_string()).collect();
    sent.dedup();
    assert_eq!(sent.len(), 1, "the agent is asked under one message id: {ids:?}");

    let task = ann.begin("m2", "@slow go").await?;
    let canceled = ann.call("CancelTask", json!({"id": task["id"]})).await?;
    assert_eq!(state(&canceled), "CANCELED", "{canceled}");
    house.stop().await
}

#[tokio::test]
async fn a_task_is_its_users_alone() -> anyhow::Result<()> {
    let house = House::start().await?;
    let asks = FakeAgent::start("booker", &["book a room"], Manner::AsksBack("When?".into())).await?;
    house.register("booker", &asks).await?;
    let (ann, bob) = (Wire::of(&house, "ann")?, Wire::of(&house, "bob")?);
    let task = ann.send("m1", "@booker book", json!({"contextId": "trip"})).await?;
    assert_eq!((state(&task), &task["contextId"]), ("INPUT_REQUIRED", &json!("trip")));
    let id = json!({"id": task["id"]});
    for method in ["GetTask", "CancelTask", "SubscribeToTask"] {
        assert_eq!(bob.call(method, id.clone()).await?["code"], -32001, "{method}");
    }
    let reply = bob.send("m2", "Tuesday", json!({"taskId": task["id"]})).await?;
    assert_eq!(reply["code"], -32001);
    assert_eq!(bob.call("ListTasks", json!({})).await?["totalSize"], 0);
    // Contexts are each user's own, whatever others call theirs.
    let own = bob.send("m1", "@booker book", json!({"contextId": "trip"})).await?;
    assert_ne!(own["metadata"]["switchboard.conversation"], task["metadata"]["switchboard.conversation"]);
    let listed =
        ann.call("ListTasks", json!({"status": "TASK_STATE_INPUT_REQUIRED", "contextId": "trip"})).await?;
    assert_eq!((&listed["totalSize"], &listed["tasks"][0]["id"]), (&json!(1), &task["id"]), "{listed}");
    house.stop().await
}

#[tokio::test]
async fn of_two_that_wait_in_one_context_each_gets_its_own_reply() -> anyhow::Result<()> {
    let house = House::start().await?;
    let hotel = FakeAgent::start("hotel", &["book a hotel"], Manner::AsksBack("Which hotel?".into())).await?;
    let train = FakeAgent::start("train", &["book a train"], Manner::AsksBack("Which train?".into())).await?;
    house.register("hotel", &hotel).await?;
    house.register("train", &train).await?;
    let ann = Wire::of(&house, "ann")?;
    let first = ann.send("m1", "@hotel a room", json!({})).await?;
    let context = json!({"contextId": first["contextId"]});
    let second = ann.send("m2", "@train a seat", context.clone()).await?;
    assert_eq!((state(&first), state(&second)), ("INPUT_REQUIRED", "INPUT_REQUIRED"));
    assert_ne!(first["id"], second["id"]);
    let wrong = ann.send("m3", "x", json!({"taskId": first["id"], "contextId": "another"})).await?;
    assert_eq!(wrong["code"], -32602);
    let answered = ann.send("m4", "the Grand", json!({"taskId": first["id"]})).await?;
    assert_eq!((state(&answered), &answered["id"]), ("COMPLETED", &first["id"]));
    assert_eq!(answered["artifacts"][0]["parts"][0]["text"], "thank you, the Grand");
    let said: Vec<_> = answered["history"]
        .as_array()
        .context("it has one")?
        .iter()
        .map(|m| &m["parts"][0]["text"])
        .collect();
    assert_eq!(said, [&json!("@hotel a room"), &json!("hotel asks: Which hotel?"), &json!("the Grand")]);
    assert_eq!(hotel.asked().len(), 2, "and nobody asked the other one");
    let canceled = ann.call("CancelTask", json!({"id": second["id"]})).await?;
    assert_eq!(state(&canceled), "CANCELED");
    assert_eq!(ann.send("m5", "at nine", json!({"taskId": second["id"]})).await?["code"], -32004);
    house.stop().await
}

#[tokio::test]
async fn the_card_is_everybodys_and_the_extended_one_is_the_callers() -> anyhow::Result<()> {
    let house = House::start().await?;
    let ledger = FakeAgent::start("ledger", &["book it"], Manner::Says("Booked.".into())).await?;
    house.register_for(&["finance"], "ledger", &ledger).await?;
    let (http, url) = (raw(&house)?, house.topology().url().join("/.well-known/agent-card.json")?);
    let response = http.get(url.clone()).send().await?;
    let etag = response.headers()["etag"].clone();
    assert!(response.headers()["cache-control"].to_str()?.contains("max-age"));
    let card: Value = response.json().await?;
    let bindings: Vec<_> = card["supportedInterfaces"]
        .as_array()
        .context("it has some")?
        .iter()
        .map(|i| &i["protocolBinding"])
        .collect();
    assert_eq!(bindings, ["JSONRPC", "HTTP+JSON", "GRPC", "JSONRPC"]);
    let before: Value =
        http.get(house.topology().url().join("/.well-known/agent.json")?).send().await?.json().await?;
    assert_eq!(
        (&before["url"], &before["protocolVersion"]),
        (&card["supportedInterfaces"][0]["url"], &json!("0.3.0"))
    );
    assert!(
        card["supportedInterfaces"][0]["url"].as_str().is_some_and(|own| own.starts_with("https://")),
        "{card}"
    );
    assert!(!card.to_string().contains("ledger"), "nobody's agents are on the public one");
    assert_eq!(http.get(url).header("if-none-match", etag).send().await?.status(), 304);

    let own = |token: String| {
        let url = house.topology().url().join("/a2a/v1/extendedAgentCard");
        let http = http.clone();
        async move {
            let request = http.get(url?).bearer_auth(token).header("a2a-version", "1.0");
            anyhow::Ok(request.send().await?.json::<Value>().await?.to_string())
        }
    };
    let (ann, bob) = (house.member_token("ann", &["finance"])?, house.member_token("bob", &[])?);
    assert!(own(ann).await?.contains("ledger/test") && !own(bob).await?.contains("ledger"));
    house.stop().await
}

#[tokio::test]
async fn what_goes_wrong_over_grpc_has_its_status() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", &["will it rain"], Manner::Says(RAIN.into())).await?;
    house.register("weather", &weather).await?;
    let anns = Wire::of(&house, "ann")?.send("m-1", "@weather rain?", json!({})).await?;
    let (url, topology) = (house.topology().url().clone(), house.topology());
    let address = format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(443));
    let mut python = peer("python");
    python.arg("grpc_faults.py").arg(address).arg(topology.ca()).arg(topology.token("bob", &["user"])?);
    let seen = said(python.arg(anns["id"].as_str().context("it has one")?)).await?;
    let expected = json!({
        "no token": ["UNAUTHENTICATED"],
        "no version": ["FAILED_PRECONDITION", "VERSION_NOT_SUPPORTED"],
        "another's task": ["NOT_FOUND", "TASK_NOT_FOUND"],
        "no id": ["INVALID_ARGUMENT", "INVALID_PARAMS"],
        "no message": ["INVALID_ARGUMENT", "INVALID_PARAMS"],
        "no protocol buffer": ["INVALID_ARGUMENT", "PARSE_ERROR"],
        "no method": ["UNIMPLEMENTED", "METHOD_NOT_FOUND"],
    });
    assert_eq!(seen, expected);
    house.stop().await
}

#[tokio::test]
async fn what_goes_no_further_than_the_edge_is_told_in_the_words_of_its_binding() -> anyhow::Result<()> {
    let house = House::start().await?;
    let (http, at) = (raw(&house)?, |path: &str| house.topology().url().join(path));
    let rpc =
        http.post(at("/a2a")?).json(&json!({"jsonrpc": "2.0", "id": 1, "method": "GetTask"})).send().await?;
    assert_eq!(
        (rpc.status().as_u16(), rpc.headers()["www-authenticate"].to_str()?),
        (401, "Bearer realm=\"switchboard\"")
    );
    assert_eq!(rpc.json::<Value>().await?["error"]["code"], -32040);
    let rest = http.get(at("/a2a/v1/tasks")?).send().await?;
    assert_eq!(rest.status(), 401);
    assert_eq!(rest.json::<Value>().await?["error"]["status"], "UNAUTHENTICATED");
    let token = house.topology().token("ann", &["user"])?;
    let unknown =
        http.get(at("/a2a/v1/nothing")?).bearer_auth(&token).header("a2a-version", "1.0").send().await?;
    assert_eq!(
        (unknown.status().as_u16(), unknown.json::<Value>().await?["error"]["code"].clone()),
        (404, json!(404))
    );
    // What is no message is not counted as one.
    let ann = Wire::of(&house, "ann")?;
    for _ in 0..40 {
        assert_eq!(ann.call("ListTasks", json!({})).await?["totalSize"], 0);
    }
    house.stop().await
}

#[tokio::test]
async fn a_switchboard_that_asks_itself_comes_to_an_end() -> anyhow::Result<()> {
    let house = House::start().await?;
    let weather = FakeAgent::start("weather", &["will it rain"], Manner::Says(RAIN.into())).await?;
    house.register("weather", &weather).await?;
    let url = house.topology().url().as_str();
    let way = Introduced::start(raw(&house)?, url, house.topology().token("other", &["user"])?).await?;
    house.register_url("peer", way.url(), &["ask the other house"]).await?;
    let ann = Wire::of(&house, "ann")?;
    // Whatever it asks itself is said to itself again.
    let round = ann.send("m1", "@peer @peer @peer @peer what is new?", json!({})).await?;
    let sends = way.asked().iter().filter(|asked| asked["method"] == "SendStreamingMessage").count();
    assert!((1..=3).contains(&sends), "{sends} {round}");
    assert!(["COMPLETED", "REJECTED", "INPUT_REQUIRED", "FAILED"].contains(&state(&round)), "{round}");
    house.stop().await
}
