//! An agent that closes its connections without a word.

use super::*;

/// An agent that reads each request and closes the connection without a word, as often as told; then it answers.
async fn closing(times: usize) -> (Agent, Arc<Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let card = json!({
        "name": "Fake", "description": "d", "version": "1", "capabilities": {"streaming": false}, "skills": [],
        "defaultInputModes": ["text/plain"],
        "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
    });
    let seen = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&seen);
    TaskTracker::new().spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}") {
                socket.read_buf(&mut request).await.unwrap();
            }
            let request = String::from_utf8(request).unwrap();
            let body: Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
            let nth = {
                let mut asked = asked.lock().unwrap();
                asked.push(body["params"]["message"]["messageId"].as_str().unwrap().to_owned());
                asked.len()
            };
            if nth > times {
                let result = json!({"message": {"role": "ROLE_AGENT", "parts": [{"text": "Yes."}]}});
                let body = json!({"jsonrpc": "2.0", "id": body["id"], "result": result}).to_string();
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                socket.write_all((head + &body).as_bytes()).await.unwrap();
            }
        }
    });
    (Agent::from_card(None, url, card, vec![]).unwrap(), seen)
}

#[tokio::test]
async fn a_connection_that_closes_before_an_answer_is_tried_once_more_with_the_same_message_id() {
    for (times, state) in [(1, CallState::Completed), (5, CallState::Failed)] {
        let (agent, seen) = closing(times).await;
        let reply = agents().ask(&tenant(), &agent, ask(), &mut |_| {}).await;
        assert_eq!(reply.state, state, "{reply:?}");
        assert_eq!(*seen.lock().unwrap(), ["m1", "m1"]);
    }
}
