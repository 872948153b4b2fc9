//! Push notifications to clients of A2A: a receiver on a real socket, that takes them, fails or hangs, and cores that die.

use super::{
    a2a::{Wire, state},
    limits::raw,
};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_tests::{FakeAgent, House, Manner, Receiver, Taking, receiver::Told};
use tokio::time::{sleep, timeout};

const WORDS: &str = "a b c d e f g h";
const PATIENCE: Duration = Duration::from_secs(30);

async fn slow(house: &House) -> anyhow::Result<FakeAgent> {
    let agent =
        FakeAgent::start("slow", &["be slow"], Manner::Slowly(WORDS.into(), Duration::from_millis(300)));
    let agent = agent.await?;
    house.register("slow", &agent).await?;
    Ok(agent)
}

/// Begins a task that is told to a receiver; its id.
async fn begin(who: &Wire, id: &str, config: Value) -> anyhow::Result<Value> {
    let message = json!({"messageId": id, "role": "ROLE_USER", "parts": [{"text": "@slow go"}]});
    let configuration = json!({"returnImmediately": true, "taskPushNotificationConfig": config});
    let answer = who.call("SendMessage", json!({"message": message, "configuration": configuration})).await?;
    anyhow::ensure!(answer["task"]["id"].is_string(), "{answer}");
    Ok(answer["task"]["id"].clone())
}

fn is_over(told: &[Told]) -> bool {
    told.iter().any(|told| told.taken && state(&told.body["statusUpdate"]) == "COMPLETED")
}

/// What was taken, each thing once: the states with what they say, and the text of the artifact.
fn taken(told: &[Told]) -> Vec<(String, String)> {
    let taken = told.iter().filter(|told| told.taken).map(|told| {
        let (status, artifact) = (&told.body["statusUpdate"], &told.body["artifactUpdate"]);
        let said = status["status"]["message"]["parts"][0]["text"].as_str();
        let given = artifact["artifact"]["parts"][0]["text"].as_str();
        (state(status).to_owned(), said.or(given).unwrap_or_default().to_owned())
    });
    let mut taken: Vec<_> = taken.collect();
    taken.dedup();
    taken
}

/// Every state in its order, and the whole answer before the last one.
fn is_whole(told: &[Told]) {
    let taken = taken(told);
    assert!(taken.len() >= 4, "{taken:?}");
    assert!(taken[0].0 == "WORKING" && taken[0].1.starts_with("Asking slow"), "{taken:?}");
    let (last, before) = taken.split_last().expect("there are some");
    assert_eq!((last.0.as_str(), before.last()), ("COMPLETED", Some(&(String::new(), WORDS.into()))));
    assert!(before.iter().rev().skip(1).all(|(state, _)| state == "WORKING"), "{taken:?}");
    let at = |told: &Told| told.body["statusUpdate"]["status"]["timestamp"].as_str().map(str::to_owned);
    let times: Vec<_> = told.iter().filter(|told| told.taken).filter_map(at).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[tokio::test]
async fn a_receiver_that_was_away_is_told_everything_in_order_and_with_its_secrets() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 2).await?;
    let _agent = slow(&house).await?;
    let receiver = Receiver::start(Taking::Answers(503)).await?;
    let ann = Wire::of(&house, "ann")?;
    let secrets =
        json!({"token": "is-mine", "authentication": {"scheme": "Bearer", "credentials": "hush-1"}});
    let mut config = json!({"url": receiver.url(), "id": "own"});
    config.as_object_mut().expect("it is one").extend(secrets.as_object().cloned().unwrap_or_default());
    let task = begin(&ann, "m1", config).await?;
    receiver.told(|told| told.len() >= 2).await?;
    let shown = ann.call("GetTaskPushNotificationConfig", json!({"taskId": task, "id": "own"})).await?;
    assert_eq!(
        (&shown["url"], &shown["authentication"]),
        (&json!(receiver.url()), &json!({"scheme": "Bearer"}))
    );
    receiver.set(Taking::Answers(204));
    let told = receiver.told(is_over).await?;
    assert!(!told[0].taken && told[0].body == told[1].body, "it is tried again as it was: {told:?}");
    is_whole(&told);
    for told in &told {
        assert_eq!(told.headers["content-type"], "application/a2a+json");
        assert_eq!(told.headers["x-a2a-notification-token"], "is-mine");
        assert_eq!(told.headers["authorization"], "Bearer hush-1");
        let update = told.body.as_object().and_then(|body| body.values().next()).expect("it is one");
        assert_eq!(update["taskId"], task);
    }
    // What is over is told once, and its configuration is still shown.
    let listed = ann.call("ListTaskPushNotificationConfigs", json!({"taskId": task})).await?;
    assert_eq!(listed["configs"].as_array().map(Vec::len), Some(1), "{listed}");
    assert!(!listed.to_string().contains("is-mine") && !listed.to_string().contains("hush"), "{listed}");
    house.stop().await
}

#[tokio::test]
async fn cores_that_die_while_they_tell_leave_no_state_untold() -> anyhow::Result<()> {
    let house = House::with(|options| options.cores = 2).await?;
    let _agent = slow(&house).await?;
    let receiver = Receiver::start(Taking::Hangs).await?;
    let ann = Wire::of(&house, "ann")?;
    let task = begin(&ann, "m1", json!({"url": receiver.url()})).await?;
    receiver.told(|told| !told.is_empty()).await?;
    for core in house.topology().cores() {
        core.kill9().await;
    }
    receiver.set(Taking::Answers(200));
    for core in house.topology().cores() {
        core.restart().await?;
    }
    let told = receiver.told(is_over).await?;
    is_whole(&told);
    assert_eq!(told[0].body, told[1].body, "what nobody took is told again");
    assert_eq!(state(&ann.call("GetTask", json!({"id": task})).await?), "COMPLETED");
    house.stop().await
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_is_given_up_and_no_turn_waits_for_it() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.core_overrides.insert("push".into(), toml::toml! { give_up_ms = 0 }.into());
    })
    .await?;
    let _agent = slow(&house).await?;
    let receiver = Receiver::start(Taking::Answers(302)).await?;
    let ann = Wire::of(&house, "ann")?;
    let task = begin(&ann, "m1", json!({"url": receiver.url()})).await?;
    let metrics = house.topology().cores()[0].admin().join("/metrics")?;
    let given_up = async {
        loop {
            let metrics = reqwest::get(metrics.clone()).await?.text().await?;
            if metrics.contains("switchboard_core_pushes_total{outcome=\"given_up\"} 1") {
                return anyhow::Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, given_up).await??;
    let over = async {
        loop {
            let task = ann.call("GetTask", json!({"id": task})).await?;
            if state(&task) == "COMPLETED" {
                return anyhow::Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, over).await??;
    assert_eq!(receiver.told(|_| true).await?.len(), 1, "and a redirect is not followed");
    house.stop().await
}

#[tokio::test]
async fn who_is_told_is_looked_at_bounded_and_each_users_own() -> anyhow::Result<()> {
    let house = House::with(|options| {
        options.core_overrides = toml::toml! {
            [agents]
            allow_private_addresses = false
            [push]
            max_per_task = 2
        };
    })
    .await?;
    let (ann, bob) = (Wire::of(&house, "ann")?, Wire::of(&house, "bob")?);
    let task = ann.send("m1", "hello", json!({})).await?["id"].clone();
    let config = |id: &str, url: &str| json!({"taskId": task, "id": id, "url": url});
    let create = async |who: &Wire, config: Value| who.call("CreateTaskPushNotificationConfig", config).await;
    for url in [
        "http://127.0.0.1:1/",
        "http://2130706433/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "ftp://example.com/",
        "https://ann:pw@example.com/",
        "example.com",
        "",
    ] {
        let refused = create(&ann, config("a", url)).await?;
        assert_eq!(refused["code"], -32602, "{url}: {refused}");
        let message = json!({"messageId": "m2", "role": "ROLE_USER", "parts": [{"text": "hello"}]});
        let configuration = json!({"taskPushNotificationConfig": {"url": url}});
        let refused =
            ann.call("SendMessage", json!({"message": message, "configuration": configuration})).await?;
        assert_eq!(refused["code"], -32602, "{url}: {refused}");
    }
    let listed = ann.call("ListTasks", json!({})).await?;
    assert_eq!(listed["totalSize"], 1, "what is refused is not begun");
    let fine = "https://example.com/told";
    let mut bad = config("a", fine);
    bad["token"] = json!("two\r\nlines");
    assert_eq!(create(&ann, bad).await?["code"], -32602);
    assert_eq!(create(&ann, config("a", fine)).await?["id"], "a");
    assert!(create(&ann, json!({"taskId": task, "url": fine})).await?["id"].is_string(), "one is drawn");
    assert_eq!(create(&ann, config("b", fine)).await?["code"], -32041, "and there is no third");
    assert_eq!(create(&ann, config("a", "https://example.com/new")).await?["url"], "https://example.com/new");
    let page = ann.call("ListTaskPushNotificationConfigs", json!({"taskId": task, "pageSize": 1})).await?;
    let next = json!({"taskId": task, "pageSize": 1, "pageToken": page["nextPageToken"]});
    let next = ann.call("ListTaskPushNotificationConfigs", next).await?;
    assert_ne!(page["configs"][0]["id"], next["configs"][0]["id"], "{page} {next}");
    assert_eq!(next["nextPageToken"], "");

    let own = json!({"taskId": task, "id": "a"});
    assert_eq!(create(&bob, config("c", fine)).await?["code"], -32001);
    for method in [
        "GetTaskPushNotificationConfig",
        "ListTaskPushNotificationConfigs",
        "DeleteTaskPushNotificationConfig",
    ] {
        assert_eq!(bob.call(method, own.clone()).await?["code"], -32001, "{method}");
    }
    let path = format!("/a2a/v1/tasks/{}/pushNotificationConfigs/a", task.as_str().unwrap_or_default());
    let delete = || async {
        let url = house.topology().url().join(&path)?;
        let request = raw(&house)?.delete(url).bearer_auth(house.topology().token("ann", &["user"])?);
        let response = request.header("a2a-version", "1.0").send().await?;
        anyhow::Ok((response.status().as_u16(), response.text().await?))
    };
    for _ in 0..2 {
        assert_eq!(delete().await?, (200, "{}".into()));
    }
    assert_eq!(ann.call("GetTaskPushNotificationConfig", own).await?["code"], -32001);
    house.stop().await
}

#[tokio::test]
async fn a_question_that_is_answered_in_the_page_goes_on_with_its_task_and_is_told() -> anyhow::Result<()> {
    let house = House::start().await?;
    let asks = FakeAgent::start("booker", &["book a room"], Manner::AsksBack("When?".into())).await?;
    house.register("booker", &asks).await?;
    let (receiver, ann) = (Receiver::start(Taking::Answers(200)).await?, Wire::of(&house, "ann")?);
    let message = json!({"messageId": "m1", "role": "ROLE_USER", "parts": [{"text": "@booker book"}]});
    let configuration = json!({"taskPushNotificationConfig": {"url": receiver.url()}});
    let params = json!({"message": message, "configuration": configuration});
    let task = ann.call("SendMessage", params).await?["task"].clone();
    assert_eq!(state(&task), "INPUT_REQUIRED", "{task}");
    let room = task["metadata"]["switchboard.conversation"].as_str().unwrap_or_default();
    let page = house.topology().client("ann", &["user"])?;
    let said = json!({"text": "Tuesday"});
    page.post::<Value>(&format!("/v1/conversations/{room}/messages"), &said).await?;
    let told = taken(&receiver.told(is_over).await?);
    let asked = told.iter().position(|told| *told == ("INPUT_REQUIRED".into(), "When?".into()));
    assert!(asked.is_some_and(|at| told[at + 1].0 == "WORKING"), "{told:?}");
    let answered = ann.call("GetTask", json!({"id": task["id"]})).await?;
    assert_eq!((state(&answered), &answered["id"]), ("COMPLETED", &task["id"]), "{answered}");
    assert_eq!(answered["artifacts"][0]["parts"][0]["text"], "thank you, Tuesday");
    house.stop().await
}
