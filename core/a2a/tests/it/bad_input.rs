//! What cannot be answered is refused with the protocol's own error, over each binding.

use crate::memory::{House, message};
use serde_json::{Value, json};
use switchboard_a2a::{Abilities, client::grpc::Ended};

#[tokio::test]
async fn a_message_that_lacks_something_is_refused_by_the_name_of_what_it_lacks() {
    let house = House::start().await;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut request = message("m", "hello");
        change(&mut request);
        request
    };
    let cases = [
        ("message", json!({})),
        ("message", json!({"message": 7})),
        ("messageId", changed(&|r| drop(r["message"].as_object_mut().unwrap().remove("messageId")))),
        ("messageId", changed(&|r| r["message"]["messageId"] = json!(" "))),
        ("messageId", changed(&|r| r["message"]["messageId"] = json!("x".repeat(257)))),
        ("contextId", changed(&|r| r["message"]["contextId"] = json!("a\u{7}b"))),
        ("role", changed(&|r| r["message"]["role"] = json!("ROLE_AGENT"))),
        ("role", changed(&|r| r["message"]["role"] = json!("user"))),
        ("parts", changed(&|r| r["message"]["parts"] = json!([]))),
        ("message", changed(&|r| r["message"]["parts"] = json!([{"text": 7}]))),
        ("historyLength", changed(&|r| r["configuration"] = json!({"historyLength": -1}))),
        ("tenant", changed(&|r| r["tenant"] = json!("other"))),
    ];
    for (field, request) in cases {
        let refused = house.call("ann", "SendMessage", request.clone()).await;
        assert_eq!(refused["code"], -32602, "{request} {refused}");
        assert!(refused["message"].as_str().unwrap().contains(field), "{field}: {refused}");
        let (code, body) = house.rest("ann", "POST", "/message:send", Some(request.clone())).await;
        assert_eq!((code, &body["error"]["status"]), (400, &json!("INVALID_ARGUMENT")), "{request}");
        assert_eq!(body["error"]["details"], refused["data"], "both bindings say the same");
    }
    let more = changed(&|r| r["message"]["from the future"] = json!({}));
    assert!(
        house.call("ann", "SendMessage", more).await.get("task").is_some(),
        "what is unknown is read over"
    );
}

#[tokio::test]
async fn pages_and_tasks_that_cannot_be_are_refused() {
    let house = House::start().await;
    for (method, params, code) in [
        ("ListTasks", json!({"pageSize": 0}), -32602),
        ("ListTasks", json!({"pageSize": 101}), -32602),
        ("ListTasks", json!({"pageSize": "many"}), -32602),
        ("ListTasks", json!({"status": "WORKING"}), -32602),
        ("ListTasks", json!({"pageToken": "?"}), -32602),
        ("ListTasks", json!({"statusTimestampAfter": "yesterday"}), -32602),
        ("GetTask", json!({}), -32602),
        ("GetTask", json!([]), -32602),
        ("GetTask", json!({"id": ""}), -32602),
        ("GetTask", json!({"id": "none"}), -32001),
        ("CancelTask", json!({"id": "none"}), -32001),
        ("CreateTaskPushNotificationConfig", json!({"taskId": "t", "url": "https://a.example"}), -32003),
        ("ListTaskPushNotificationConfigs", json!({"taskId": "t"}), -32003),
        ("message/send", json!({}), -32601),
    ] {
        assert_eq!(house.call("ann", method, params.clone()).await["code"], code, "{method} {params}");
    }
    for (method, path, code) in [
        ("GET", "/tasks?pageSize=0", 400),
        ("GET", "/tasks?status=working", 400),
        ("GET", "/tasks/none", 404),
        ("GET", "/other/tasks", 400),
        ("GET", "/nothing", 404),
        ("DELETE", "/tasks/none", 404),
        ("GET", "/tasks/t/pushNotificationConfigs", 400),
    ] {
        let (status, body) = house.rest("ann", method, path, None).await;
        assert_eq!((status, &body["error"]["code"]), (code, &json!(code)), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn versions_media_types_and_what_is_no_request_are_refused() {
    let house = House::start().await;
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": message("m", "x")}).to_string();
    let (version, json_type) = (("a2a-version", "1.0"), ("content-type", "application/json"));
    for (headers, body, code) in [
        (vec![("a2a-version", "99.0"), json_type], body.clone(), -32009),
        (vec![json_type], body.clone(), -32009),
        (vec![version, ("content-type", "text/plain")], body.clone(), -32005),
        (vec![version, json_type], "{".to_owned(), -32700),
        (vec![version, json_type], "[]".to_owned(), -32600),
    ] {
        let (status, text) = house.send("POST", "/", &headers, Some(body)).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &answer["error"]["code"]), (200, &json!(code)));
        assert_eq!(answer["error"]["data"][0]["domain"], "a2a-protocol.org");
    }
    for (headers, body, reason) in [
        (vec![("a2a-version", "0.5"), json_type], message("m", "x").to_string(), "VERSION_NOT_SUPPORTED"),
        (
            vec![version, ("content-type", "text/plain")],
            message("m", "x").to_string(),
            "CONTENT_TYPE_NOT_SUPPORTED",
        ),
        (vec![version, json_type], "{".to_owned(), "PARSE_ERROR"),
        (vec![version, json_type], "7".to_owned(), "INVALID_REQUEST"),
    ] {
        let (status, text) = house.send("POST", "/v1/message:send", &headers, Some(body)).await;
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &answer["error"]["details"][0]["reason"]), (400, &json!(reason)));
    }
    let by_query = house.send("GET", "/v1/tasks?A2A-Version=1.0", &[], None).await;
    assert_eq!(by_query.0, 200, "{}", by_query.1);
}

#[tokio::test]
async fn what_an_agent_does_not_offer_is_not_done() {
    let required = vec!["https://extensions.example/one/v1".to_owned()];
    let bare = House::with(Abilities::default()).await;
    for (method, code) in [("SendStreamingMessage", -32004), ("GetExtendedAgentCard", -32004)] {
        assert_eq!(bare.call("ann", method, message("m", "x")).await["code"], code, "{method}");
    }
    assert_eq!(bare.call("ann", "SubscribeToTask", json!({"id": "t"})).await["code"], -32004);
    let mut pushed = message("m", "x");
    pushed["configuration"] = json!({"taskPushNotificationConfig": {"url": "https://a.example"}});
    assert_eq!(bare.call("ann", "SendMessage", pushed).await["code"], -32003);
    let demanding = House::with(Abilities { required_extensions: required, ..Abilities::default() }).await;
    assert_eq!(demanding.call("ann", "SendMessage", message("m", "x")).await["code"], -32008);
}

/// What an operation is asked with, over JSON-RPC, and by which path and method over HTTP+JSON.
fn by_path(method: &str, params: &Value) -> (&'static str, String, Option<Value>) {
    let id = params["id"].as_str().unwrap_or_default().to_owned();
    let task = params["taskId"].as_str().unwrap_or_default().to_owned();
    let configs = format!("/tasks/{task}/pushNotificationConfigs");
    match method {
        "SendMessage" => ("POST", "/message:send".into(), Some(params.clone())),
        "SendStreamingMessage" => ("POST", "/message:stream".into(), Some(params.clone())),
        "GetTask" => ("GET", format!("/tasks/{id}"), None),
        "CancelTask" => ("POST", format!("/tasks/{id}:cancel"), None),
        "SubscribeToTask" => ("POST", format!("/tasks/{id}:subscribe"), None),
        "CreateTaskPushNotificationConfig" => ("POST", configs, Some(params.clone())),
        "GetTaskPushNotificationConfig" => ("GET", format!("{configs}/{id}"), None),
        "DeleteTaskPushNotificationConfig" => ("DELETE", format!("{configs}/{id}"), None),
        "ListTaskPushNotificationConfigs" => ("GET", configs, None),
        "ListTasks" => ("GET", format!("/tasks?pageSize={}", params["pageSize"]), None),
        _ => ("GET", "/extendedAgentCard".into(), None),
    }
}

/// Each operation, with what it cannot do for this caller, and the code of the specification's error for it.
fn refused(over: &Value) -> Vec<(&'static str, Value, i32)> {
    let (id, none) = (json!({"id": over}), json!({"id": "none"}));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut request = message("m-2", "hello");
        change(&mut request);
        request
    };
    let to_over = with(&|r| r["message"]["taskId"] = over.clone());
    let to_none = with(&|r| r["message"]["taskId"] = json!("none"));
    let no_parts = with(&|r| r["message"]["parts"] = json!([]));
    let long = with(&|r| r["message"]["messageId"] = json!("x".repeat(257)));
    let agents = with(&|r| r["message"]["role"] = json!("ROLE_AGENT"));
    let push =
        with(&|r| r["configuration"] = json!({"taskPushNotificationConfig": {"url": "https://a.example"}}));
    let config = json!({"taskId": "t", "id": "c", "url": "https://a.example"});
    let mut cases = vec![
        ("GetTask", none.clone(), -32001),
        ("CancelTask", none.clone(), -32001),
        ("CancelTask", id.clone(), -32002),
        ("SubscribeToTask", none, -32001),
        ("SubscribeToTask", id, -32004),
        ("ListTasks", json!({"pageSize": 101}), -32602),
        ("CreateTaskPushNotificationConfig", config.clone(), -32003),
        ("GetTaskPushNotificationConfig", config.clone(), -32003),
        ("ListTaskPushNotificationConfigs", json!({"taskId": "t"}), -32003),
        ("DeleteTaskPushNotificationConfig", json!({"taskId": "t", "id": "c"}), -32003),
        ("GetExtendedAgentCard", json!({}), -32004),
    ];
    for method in ["SendMessage", "SendStreamingMessage"] {
        for (request, code) in [
            (&to_over, -32004),
            (&to_none, -32001),
            (&no_parts, -32602),
            (&long, -32602),
            (&agents, -32602),
            (&push, -32003),
        ] {
            cases.push((method, request.clone(), code));
        }
    }
    cases
}

#[tokio::test]
async fn what_cannot_be_done_is_the_same_error_over_each_of_the_three_bindings() {
    let house = House::with(Abilities { streaming: true, ..Abilities::default() }).await;
    let begun = house.call("ann", "SendMessage", message("m-1", "hello")).await;
    for (method, params, code) in refused(&begun["task"]["id"]) {
        let rpc = house.call("ann", method, params.clone()).await;
        assert_eq!(rpc["code"], code, "{method} {params}: {rpc}");
        let (verb, path, body) = by_path(method, &params);
        let (_, rest) = house.rest("ann", verb, &path, body).await;
        let by_rest = switchboard_a2a::client::rest_error(&rest).map(|(code, _)| code);
        assert_eq!(by_rest, Some(code), "{method} {params}: {rest}");
        let (said, ended) = house.grpc("ann", method, &params).await;
        let Some(Ended::Error(by_grpc, _)) = ended else { panic!("{method} {params}: {said:?} {ended:?}") };
        assert_eq!((by_grpc, said.len()), (code, 0), "{method} {params}");
    }
}

#[tokio::test]
async fn over_grpc_a_task_is_its_owners_and_another_version_and_what_is_no_message_are_refused() {
    let house = House::start().await;
    let begun = house.call("ann", "SendMessage", message("m-1", "hello")).await;
    let id = json!({"id": begun["task"]["id"]});
    for method in ["GetTask", "CancelTask", "SubscribeToTask"] {
        let ended = house.grpc("bob", method, &id).await.1;
        assert!(matches!(ended, Some(Ended::Error(-32001, _))), "{method} {ended:?}");
    }
    assert_eq!(house.grpc("ann", "GetTask", &id).await.0[0]["id"], begun["task"]["id"]);
    let broken = axum::body::Bytes::from_static(&[0, 0, 0, 0, 2, 0xff, 0xff]);
    for (version, code) in [(Some("1.0"), -32700), (Some("0.5"), -32009), (None, -32009)] {
        let ended = house.grpc_with("ann", "GetTask", version, broken.clone()).await.1;
        assert!(matches!(ended, Some(Ended::Error(known, _)) if known == code), "{version:?} {ended:?}");
    }
    let tenant = house.grpc("ann", "GetTask", &json!({"id": "t", "tenant": "other"})).await.1;
    assert!(matches!(tenant, Some(Ended::Error(-32602, _))), "{tenant:?}");
}
