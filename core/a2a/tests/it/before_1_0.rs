//! A client of 0.3, which sends no version: the same tasks, in its own words.

use crate::memory::{House, message};
use serde_json::{Value, json};
use switchboard_a2a::Abilities;

async fn house() -> House {
    House::with(Abilities { streaming: true, extended_card: true, before_1_0: true, ..Abilities::default() })
        .await
}

async fn call(house: &House, method: &str, params: Value) -> Value {
    let body = json!({"jsonrpc": "2.0", "id": 3, "method": method, "params": params}).to_string();
    let (_, text) = house.send("POST", "/", &[("content-type", "application/json")], Some(body)).await;
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    let answers: Vec<Value> = match text.starts_with('{') {
        true => vec![serde_json::from_str(&text).expect("it is JSON")],
        false => data.map(|data| serde_json::from_str(data).expect("it is JSON")).collect(),
    };
    let result = |answer: &Value| answer.get("result").or(answer.get("error")).cloned().unwrap_or_default();
    match answers.as_slice() {
        [answer] => result(answer),
        several => several.iter().map(result).collect(),
    }
}

fn said(id: &str, text: &str) -> Value {
    json!({"message": {"kind": "message", "messageId": id, "role": "user", "parts": [{"kind": "text", "text": text}]}})
}

#[tokio::test]
async fn a_client_of_0_3_has_the_same_tasks_in_its_own_words() {
    let house = house().await;
    let task = call(&house, "message/send", said("m1", "say it")).await;
    assert_eq!((&task["kind"], &task["status"]["state"]), (&json!("task"), &json!("completed")));
    assert_eq!(task["artifacts"][0]["parts"][0], json!({"kind": "text", "text": "said"}));
    let same = house.call("ann", "SendMessage", message("m1", "say it")).await;
    assert_eq!(same["task"]["id"], task["id"], "whichever version asks");
    let fetched = call(&house, "tasks/get", json!({"id": task["id"], "historyLength": 0})).await;
    assert_eq!((&fetched["id"], fetched.get("history")), (&task["id"], None));
    assert_eq!(call(&house, "tasks/cancel", json!({"id": task["id"]})).await["code"], -32002);
    assert_eq!(call(&house, "tasks/get", json!({"id": "none"})).await["code"], -32001);
    assert_eq!(call(&house, "SendMessage", message("m2", "x")).await["code"], -32601);
    let config = json!({"taskId": task["id"], "pushNotificationConfig": {"url": "https://a.example"}});
    assert_eq!(call(&house, "tasks/pushNotificationConfig/set", config).await["code"], -32003);
    let card = call(&house, "agent/getAuthenticatedExtendedCard", json!({})).await;
    assert_eq!((&card["name"], &card["protocolVersion"]), (&json!("ann"), &json!("0.3.0")));
}

#[tokio::test]
async fn a_stream_for_0_3_has_bare_events_and_says_which_is_the_last() {
    let house = house().await;
    let task = call(&house, "message/stream", said("m1", "ask back")).await;
    assert_eq!((&task["kind"], &task["status"]["state"]), (&json!("task"), &json!("input-required")));
    let over = call(&house, "tasks/resubscribe", json!({"id": "none"})).await;
    assert_eq!(over["code"], -32001);
}
