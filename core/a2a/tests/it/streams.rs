//! Streams over each binding.

use crate::memory::{House, message, piece, status};
use eventsource_stream::Eventsource;
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_a2a::wire::TaskState;

async fn open(house: &House, path: &str, body: Value) -> impl Stream<Item = Value> + Unpin + use<> {
    let request = reqwest::Client::new().post(format!("{}{path}", house.url)).header("a2a-version", "1.0");
    let response = request
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .expect("it answers");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = response.bytes_stream().eventsource();
    events.map(|event| serde_json::from_str(&event.expect("it is one").data).expect("it is JSON")).boxed()
}

fn envelope(method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": "x", "method": method, "params": params})
}

async fn rest_of(events: impl Stream<Item = Value> + Unpin) -> Vec<Value> {
    tokio::time::timeout(Duration::from_secs(10), events.collect()).await.expect("it ends")
}

#[tokio::test]
async fn a_stream_begins_with_the_task_tells_what_happens_and_ends_with_it() {
    let house = House::start().await;
    let mut rpc = open(&house, "/", envelope("SendStreamingMessage", &message("m1", "work"))).await;
    let first = rpc.next().await.unwrap();
    assert_eq!((&first["jsonrpc"], &first["id"]), (&json!("2.0"), &json!("x")));
    assert_eq!(first["result"]["task"]["status"]["state"], "TASK_STATE_WORKING");
    house.memory.happens(|task| piece(task, "one "));
    let mut rest = open(&house, "/v1/tasks/task-0:subscribe", json!({})).await;
    let snapshot = rest.next().await.unwrap();
    assert_eq!(snapshot["task"]["artifacts"][0]["parts"][0]["text"], "one ", "as far as it is");
    house.memory.happens(|task| piece(task, "two"));
    house.memory.happens(|task| status(task, TaskState::Completed));
    let (rpc, rest) = (rest_of(rpc).await, rest_of(rest).await);
    assert_eq!(rest[0]["artifactUpdate"]["append"], true);
    assert_eq!(rest[1]["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
    let told: Vec<_> = rpc.iter().map(|event| event["result"].clone()).collect();
    assert_eq!(told[1..], rest[..], "every reader is told the same");
}

#[tokio::test]
async fn a_stream_ends_where_its_task_waits_and_nobody_subscribes_to_what_is_over() {
    let house = House::start().await;
    let asks = open(&house, "/v1/message:stream", message("m1", "ask back")).await;
    assert_eq!(rest_of(asks).await.len(), 1);
    house.call("ann", "SendMessage", message("m2", "say it")).await;
    assert_eq!(house.call("ann", "SubscribeToTask", json!({"id": "task-1"})).await["code"], -32004);
    assert_eq!(house.call("ann", "SubscribeToTask", json!({"id": "none"})).await["code"], -32001);
    assert_eq!(house.rest("bob", "GET", "/tasks/task-0:subscribe", None).await.0, 404);
}
