//! What A2A 1.0 asks of every agent.

use serde_json::{Value, json};

use crate::house::{House, answer, said, site, state};

const IDS: [&str; 16] = [
    "data-processor",
    "nlp-agent",
    "crypto-trader",
    "file-manager",
    "web-scraper",
    "image-processor",
    "code-reviewer",
    "database-agent",
    "notification-agent",
    "scheduler-agent",
    "security-agent",
    "analytics-agent",
    "workflow-agent",
    "api-agent",
    "ml-agent",
    "backup-agent",
];

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_default()
}

#[tokio::test]
async fn every_agent_has_a_whole_card() {
    let house = House::start().await;
    for id in IDS {
        let (status, card) = house.get(&format!("/{id}/.well-known/agent-card.json")).await;
        assert_eq!(status, 200);
        assert_eq!(card["supportedInterfaces"][0]["url"], format!("{}/{id}", house.url));
        assert_eq!(card["supportedInterfaces"][0]["protocolVersion"], "1.0");
        assert_eq!(card["capabilities"]["streaming"], true);
        for skill in card["skills"].as_array().unwrap() {
            let examples = skill["examples"].as_array().unwrap().len();
            assert!((4..=16).contains(&examples), "{id}/{}: {examples} examples", skill["id"]);
            assert!(!skill["tags"].as_array().unwrap().is_empty());
        }
    }
    assert_eq!(house.get("/nobody/.well-known/agent-card.json").await.0, 404);
}

#[tokio::test]
async fn a_stream_opens_with_the_task_and_ends_with_its_end() {
    let house = House::start().await;
    let params = json!({"message": said("mean of 1, 2, 3")});
    let events = house.stream("data-processor", "SendStreamingMessage", params).await;
    assert_eq!(state(&events[0]["task"]), "TASK_STATE_SUBMITTED");
    assert_eq!(events[1]["statusUpdate"]["status"]["state"], "TASK_STATE_WORKING");
    let chunks: Vec<&Value> =
        events.iter().map(|event| &event["artifactUpdate"]).filter(|chunk| !chunk.is_null()).collect();
    assert_eq!(chunks[0]["append"], false);
    assert_eq!(chunks.last().unwrap()["lastChunk"], true);
    assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_COMPLETED");
    let streamed: String =
        chunks.iter().filter_map(|chunk| chunk["artifact"]["parts"][0]["text"].as_str()).collect();
    let task =
        &house.call("data-processor", "GetTask", json!({"id": events[0]["task"]["id"]})).await["result"];
    assert_eq!(answer(task), streamed);
}

#[tokio::test]
async fn a_question_ends_the_stream_and_its_answer_continues_the_task() {
    let house = House::start().await;
    let events = house
        .stream(
            "data-processor",
            "SendStreamingMessage",
            json!({"message": said("Please calculate the mean")}),
        )
        .await;
    assert_eq!(events.last().unwrap()["statusUpdate"]["status"]["state"], "TASK_STATE_INPUT_REQUIRED");
    let mut message = said("4, 6");
    message["taskId"] = events[0]["task"]["id"].clone();
    message["contextId"] = json!("another context");
    assert_eq!(code(&house.call("data-processor", "SendMessage", json!({"message": message})).await), -32602);
    message["contextId"] = events[0]["task"]["contextId"].clone();
    let task = house.send("data-processor", message).await;
    assert!(answer(&task).contains("mean: 5"), "{task}");
    assert_eq!(task["history"].as_array().unwrap().len(), 3);
    let mut late = said("7");
    late["taskId"] = task["id"].clone();
    assert_eq!(code(&house.call("data-processor", "SendMessage", json!({"message": late})).await), -32004);
}

#[tokio::test]
async fn the_same_message_sent_twice_leads_to_one_task() {
    let house = House::start().await;
    let message = said("Notify Tom: lunch");
    let (first, again) = (
        house.send("notification-agent", message.clone()).await,
        house.send("notification-agent", message.clone()).await,
    );
    assert_eq!(first["id"], again["id"]);
    let events =
        house.stream("notification-agent", "SendStreamingMessage", json!({"message": message})).await;
    assert_eq!((events.len(), &events[0]["task"]["id"]), (1, &first["id"]));
    assert!(house.ask("notification-agent", "show the outbox").await.contains("holds 1 notification."));
}

#[tokio::test]
async fn a_task_is_cancelled_once_while_it_runs() {
    let house = House::start_with(true).await;
    // A server that accepts and never answers keeps the task running.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let text = format!("read http://{}/", silent.local_addr().unwrap());
    let params = json!({"message": said(&text), "configuration": {"returnImmediately": true}});
    let task = house.call("web-scraper", "SendMessage", params).await["result"]["task"].clone();
    assert!(["TASK_STATE_SUBMITTED", "TASK_STATE_WORKING"].contains(&state(&task)));
    let id = json!({"id": task["id"]});
    let (events, cancelled) =
        tokio::join!(house.stream("web-scraper", "SubscribeToTask", id.clone()), async {
            let _held = silent.accept().await.unwrap();
            house.call("web-scraper", "CancelTask", id.clone()).await
        });
    assert_eq!(state(&cancelled["result"]), "TASK_STATE_CANCELED");
    assert!(events[0]["task"].is_object());
    assert_eq!(code(&house.call("web-scraper", "CancelTask", id.clone()).await), -32002);
    assert_eq!(code(&house.call("web-scraper", "SubscribeToTask", id).await), -32004);
}

#[tokio::test]
async fn tasks_are_got_listed_and_paged() {
    let house = House::start().await;
    for number in 0..3 {
        house.ask("data-processor", &format!("mean of {number}, 2")).await;
    }
    let page = house.call("data-processor", "ListTasks", json!({"pageSize": 2})).await["result"].clone();
    assert_eq!((page["tasks"].as_array().unwrap().len(), &page["totalSize"]), (2, &json!(3)));
    assert!(page["tasks"][0]["artifacts"].is_null());
    let rest = house
        .call(
            "data-processor",
            "ListTasks",
            json!({"pageSize": 2, "pageToken": page["nextPageToken"], "includeArtifacts": true}),
        )
        .await["result"]
        .clone();
    assert_eq!((rest["tasks"].as_array().unwrap().len(), &rest["nextPageToken"]), (1, &json!("")));
    assert!(rest["tasks"][0]["artifacts"].is_array());
    let short = house
        .call("data-processor", "GetTask", json!({"id": page["tasks"][0]["id"], "historyLength": 0}))
        .await;
    assert!(short["result"]["history"].is_null());
    assert_eq!(code(&house.call("data-processor", "GetTask", json!({"id": "none"})).await), -32001);
    assert_eq!(
        code(&house.call("nlp-agent", "GetTask", json!({"id": page["tasks"][0]["id"]})).await),
        -32001
    );
}

#[tokio::test]
async fn errors_say_what_was_wrong() {
    let house = House::start().await;
    let send = |message: Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}})
            .to_string()
    };
    let post = |version, body| house.post("data-processor", version, body);
    assert_eq!(code(&post(Some("1.0"), "{not json".to_owned()).await.1), -32700);
    assert_eq!(code(&post(Some("1.0"), "[]".to_owned()).await.1), -32600);
    assert_eq!(code(&post(Some("1.0"), json!({"id": 1, "method": "GetTask"}).to_string()).await.1), -32600);
    assert_eq!(code(&post(Some("0.3"), send(said("1 2"))).await.1), -32009);
    let unversioned = post(None, send(said("1 2"))).await.1;
    assert_eq!((code(&unversioned), &unversioned["id"]), (-32009, &json!(1)));
    assert_eq!(unversioned["error"]["data"][0]["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    assert_eq!(code(&house.call("data-processor", "message/send", json!({})).await), -32601);
    assert_eq!(code(&house.call("data-processor", "SendMessage", json!({"message": {}})).await), -32602);
    assert_eq!(code(&house.call("data-processor", "GetExtendedAgentCard", json!({})).await), -32004);
    assert_eq!(
        code(&house.call("data-processor", "ListTaskPushNotificationConfigs", json!({"taskId": "x"})).await),
        -32003
    );
    let picture =
        json!({"messageId": "p", "role": "ROLE_USER", "parts": [{"raw": "aGk=", "mediaType": "image/png"}]});
    assert_eq!(code(&house.call("data-processor", "SendMessage", json!({"message": picture})).await), -32005);
    assert_eq!(post(Some("1.0"), send(said(&"1 ".repeat(3_000_000)))).await.0, 413);
}

#[tokio::test]
async fn a_picture_s_link_into_the_private_network_is_not_followed() {
    let (house, site) = (House::start().await, site().await);
    let (state, _) = house.status("image-processor", &format!("how large is {site}/away")).await;
    assert_eq!(state, "TASK_STATE_FAILED");
}

#[tokio::test]
async fn a_taken_port_is_said_in_one_sentence() {
    let house = House::start().await;
    let settings = switchboard_agents::Settings {
        listen: house.url.trim_start_matches("http://").parse().unwrap(),
        data: house.data.clone(),
        allow_private_addresses: false,
        public_url: None,
        limits: switchboard_agents::Limits::default(),
    };
    let error = switchboard_agents::House::bind(settings).await.err().unwrap().to_string();
    assert!(error.contains("cannot listen on 127.0.0.1") && error.contains("--listen"), "{error}");
}
