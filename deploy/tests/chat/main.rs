//! The chat client against an edge that drops its socket.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod edge;
mod prompt;

use edge::{Edge, read, write};
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use switchboard::{
    house::House,
    topology::{ca::Certificates, files, names},
};
use switchboard_shared::ids::MessageId;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::Command,
    time::timeout,
};

#[tokio::test]
async fn a_dropped_socket_costs_neither_the_message_nor_the_answer() {
    let edge = Edge::start().await;
    let client = edge.ask(&[]).spawn().unwrap();
    let (mut socket, after) = edge.join(7).await;
    assert_eq!(after, Value::Null, "a conversation that is gone on with is joined from now");
    let first = read(&mut socket).await;
    assert_eq!((first["type"].as_str(), first["text"].as_str()), (Some("send"), Some("hello")));
    edge.event(&mut socket, Some(8), "conversation.renamed", json!({"title": "x"})).await;
    drop(socket);

    let (mut socket, after) = edge.join(8).await;
    assert_eq!(after, 8);
    let again = read(&mut socket).await;
    assert_eq!(again["id"], first["id"], "sent again under the same id");
    let message = MessageId::new();
    let ack = json!({"type": "ack", "id": first["id"], "message": message, "turn": edge.turn, "seq": 8, "duplicate": false});
    write(&mut socket, &ack).await;
    edge.event(&mut socket, None, "answer.delta", json!({"attempt": 1, "offset": 0, "text": "Hel\u{1b}[2J"}))
        .await;
    let answer =
        json!({"message": message, "attempt": 1, "text": "Hel\u{1b}[2Jlo", "sources": [], "claims": []});
    edge.event(&mut socket, Some(9), "answer.finished", answer).await;
    edge.end(&mut socket, 10, "completed").await;

    let output = timeout(Duration::from_secs(10), client.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hel[2Jlo\n");
}

#[tokio::test]
async fn all_of_standard_input_is_one_message_where_a_dash_stands_for_it() {
    let edge = Edge::start().await;
    let mut client = edge.say("-", &[]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = client.stdin.take().unwrap();
    stdin.write_all(b"What is the mean of\n\n4\n8\n15\n").await.unwrap();
    drop(stdin);
    let (mut socket, _) = edge.join(7).await;
    assert_eq!(read(&mut socket).await["text"], "What is the mean of\n\n4\n8\n15");
    edge.event(&mut socket, Some(8), "conversation.renamed", json!({"title": "x"})).await;
}

#[tokio::test]
async fn an_edge_that_ends_names_another_one_and_the_answer_goes_on_there() {
    let (edge, mut other) = (Edge::start().await, Edge::start().await);
    (other.conversation, other.turn) = (edge.conversation, edge.turn);
    let client = edge.ask(&[]).spawn().unwrap();
    let (mut socket, _) = edge.join(7).await;
    let first = read(&mut socket).await;
    edge.event(&mut socket, Some(8), "conversation.renamed", json!({"title": "x"})).await;
    let to = format!("http://{}", other.listener.local_addr().unwrap());
    write(&mut socket, &json!({"type": "move", "to": to})).await;
    let code = tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode::Restart;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame { code, reason: "".into() };
    socket.close(Some(frame)).await.unwrap();

    let (mut socket, after) = other.join(8).await;
    assert_eq!(after, 8);
    assert_eq!(read(&mut socket).await["id"], first["id"], "sent again under the same id");
    let message = MessageId::new();
    let ack = json!({"type": "ack", "id": first["id"], "message": message, "turn": edge.turn, "seq": 8, "duplicate": true});
    write(&mut socket, &ack).await;
    let answer = json!({"message": message, "attempt": 1, "text": "Hello", "sources": [], "claims": []});
    other.event(&mut socket, Some(9), "answer.finished", answer).await;
    other.end(&mut socket, 10, "completed").await;
    let output = timeout(Duration::from_secs(10), client.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello\n");
}

#[tokio::test]
async fn with_json_every_frame_is_a_line_and_a_failed_turn_is_exit_code_1() {
    let edge = Edge::start().await;
    let client = edge.ask(&["--json"]).spawn().unwrap();
    let (mut socket, _) = edge.join(0).await;
    let sent = read(&mut socket).await;
    let ack = json!({"type": "ack", "id": sent["id"], "message": MessageId::new(), "turn": edge.turn, "seq": 1, "duplicate": false});
    write(&mut socket, &ack).await;
    edge.end(&mut socket, 1, "failed").await;
    let output = timeout(Duration::from_secs(10), client.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let types: Vec<_> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].clone()).collect();
    assert_eq!(types, ["joined", "ack", "turn.finished"]);
}

#[tokio::test]
async fn no_house_and_a_refused_token_have_their_own_exit_codes() {
    let mut edge = Edge::start().await;
    let client = edge.ask(&[]).spawn().unwrap();
    let mut stream = edge.accept().await;
    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
    let refusal = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(refusal).await.unwrap();
    let output = client.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));

    let nobody = edge.ask(&[]);
    edge.listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let output = { nobody }.output().await.unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("start one with `switchboard up`"));
}

#[tokio::test]
async fn a_turn_in_which_no_agent_answered_is_exit_code_1() {
    let edge = Edge::start().await;
    let client = edge.ask(&[]).spawn().unwrap();
    let (mut socket, _) = edge.join(0).await;
    let sent = read(&mut socket).await;
    let message = MessageId::new();
    let ack = json!({"type": "ack", "id": sent["id"], "message": message, "turn": edge.turn, "seq": 1, "duplicate": false});
    write(&mut socket, &ack).await;
    let source = json!({"agent": "a", "state": "timed_out", "reason": "late"});
    let answer = json!({"message": message, "attempt": 1, "text": "Nobody answered.", "sources": [source], "claims": [],
                        "degraded": "no agent answered"});
    edge.event(&mut socket, Some(1), "answer.finished", answer).await;
    edge.end(&mut socket, 2, "completed").await;
    let output = timeout(Duration::from_secs(10), client.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Nobody answered.\n");
}

#[tokio::test]
async fn a_house_whose_edge_is_silent_is_not_said_to_be_absent() {
    let data = std::env::temp_dir().join(format!("switchboard-silent-{}", std::process::id()));
    files::folder(&data.join("run"), 0o700).unwrap();
    let certificates = Certificates::ensure(&data.join("tls"), &names::of(&[]), chrono::Utc::now()).unwrap();
    let port = switchboard::topology::ports::free().unwrap();
    let house = House {
        url: format!("https://127.0.0.1:{port}").parse().unwrap(),
        ca: certificates.ca,
        token: "t".into(),
        edges: vec![],
        cores: vec![],
        agents: vec![],
        etcd: vec![],
        postgres: vec![],
        redis: vec![],
        data: data.clone(),
        pid: std::process::id(),
        without: vec![],
    };
    house.write().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    command.args(["route", "hello", "--token", "t", "--data"]).arg(&data);
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("the house is up") && said.contains("try again"), "{said}");
    assert!(!said.contains("switchboard up"), "{said}");
    std::fs::remove_dir_all(data).unwrap();
}

#[tokio::test]
async fn a_byte_that_is_no_text_does_not_end_a_session() {
    let edge = Edge::start().await;
    let asking = edge.ask(&[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    command.args(asking.as_std().get_args().filter(|word| *word != "hello"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut client = command.spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    input.write_all(b"caf\xe9?\r\n/quit\n").await.unwrap();
    let (mut socket, _) = edge.join(0).await;
    let sent = read(&mut socket).await;
    assert_eq!(sent["text"], "caf\u{fffd}?");
    let ack = json!({"type": "ack", "id": sent["id"], "message": MessageId::new(), "turn": edge.turn, "seq": 1, "duplicate": false});
    write(&mut socket, &ack).await;
    edge.end(&mut socket, 1, "completed").await;
    let output = timeout(Duration::from_secs(10), client.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn an_error_is_json_where_json_is_asked_for_and_lost_output_is_an_error() {
    let switchboard = || Command::new(env!("CARGO_BIN_EXE_switchboard"));
    let port = switchboard::topology::ports::free().unwrap();
    let url = format!("http://127.0.0.1:{port}");
    for (arguments, code) in [
        (vec!["route", "hello", "--json", "--token", "t", "--url", &url], 4),
        (vec!["agents", "list", "--json", "--nosuch"], 2),
    ] {
        let output = switchboard().args(&arguments).output().await.unwrap();
        let error: Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(
            (error["exit_code"].as_i64(), output.status.code()),
            (Some(code.into()), Some(code)),
            "{error}"
        );
    }
    let folder = std::env::temp_dir().join(format!("switchboard-full-{}", std::process::id()));
    switchboard::topology::issuer::Issuer::ensure(&folder.join("issuer")).unwrap();
    let token = |to: Stdio| {
        let mut command = switchboard();
        command.args(["token", "--data"]).arg(&folder).stdout(to).stderr(Stdio::piped());
        command
    };
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = token(full.into()).spawn().unwrap().wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("standard output"), "{said}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = token(writer.into()).spawn().unwrap().wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()));
    std::fs::remove_dir_all(folder).unwrap();
}
