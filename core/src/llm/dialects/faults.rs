//! Errors where an answer should be, answers that are none, and endpoints that need time.

use super::{
    super::{
        fake::{Act, Fake},
        tests::{json_of, soon, stream_of},
        *,
    },
    chunks, whole,
};
use serde_json::{Value, json};

#[tokio::test]
async fn an_error_is_said_and_treated_by_its_kind_wherever_it_stands() {
    let event = |value: &Value| format!("data: {value}\n\n");
    for (name, error, kind) in [
        (
            "a rate limit, as OpenRouter's",
            json!({"error": {"message": "the reason", "code": 429}, "user_id": "u"}),
            Kind::RateLimited,
        ),
        (
            "a refusal",
            json!({"error": {"message": "the reason", "type": "invalid_request_error"}}),
            Kind::Refused,
        ),
        ("a text", json!({"error": "the reason"}), Kind::ServerError),
        ("as vLLM's", json!({"object": "error", "message": "the reason", "code": 400}), Kind::Refused),
        (
            "in the choice",
            json!({"choices": [{"error": {"message": "the reason", "code": 502}, "finish_reason": "error"}]}),
            Kind::ServerError,
        ),
        (
            "a list, as Gemini's",
            json!([{"error": {"message": "the reason", "code": 503, "status": "UNAVAILABLE"}}]),
            Kind::ServerError,
        ),
    ] {
        let begin = chunks(&json!({"content": "Half"}));
        let middle: String = begin[..3].iter().map(&event).collect();
        let stream_error = error.get(0).unwrap_or(&error);
        let acts = [
            ("whole", Act::Http(200, "application/json", error.to_string())),
            ("first in a stream", Act::Http(200, "text/event-stream", event(stream_error))),
            ("in the middle of a stream", Act::Http(200, "text/event-stream", middle + &event(stream_error))),
        ];
        for (place, act) in acts {
            let fake = Fake::start(vec![act]).await;
            let fault = match json_of(&fake.llm(), soon()).await {
                Err(LlmError::Failed(fault)) => fault,
                other => panic!("{name}, {place}: {other:?}"),
            };
            assert!(fault.kind == kind && fault.text.contains("the reason"), "{name}, {place}: {fault:?}");
            let asked_once = kind == Kind::Refused;
            assert!(!asked_once || fake.requests().len() <= 4, "{name}, {place}");
            match stream_of(&fake.llm()).await {
                (Err(LlmError::Failed(fault)), text) if text.is_empty() => {
                    assert!(fault.text.contains("the reason"))
                }
                (Err(LlmError::Cut(fault)), text) if text == "Half" => {
                    assert!(fault.text.contains("the reason"))
                }
                other => panic!("{name}, {place}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_says_what_it_is() {
    for (name, act, words) in [
        (
            "a page of a proxy",
            Act::Http(502, "text/html", "<html><h1>Bad Gateway</h1></html>".into()),
            "HTTP status 502",
        ),
        (
            "a text of a proxy",
            Act::Http(503, "text/plain", "upstream connect error".into()),
            "upstream connect error",
        ),
        (
            "a page with status 200",
            Act::Http(200, "text/html", "<!doctype html><p>Sign in</p>".into()),
            "not JSON (text/html)",
        ),
        ("nothing", Act::Http(204, "application/json", String::new()), "HTTP status 204"),
        ("empty with status 200", Act::Http(200, "text/event-stream", String::new()), "nothing"),
        ("only keepalives", Act::Http(200, "text/event-stream", ": hm\n\ndata:\n\n".into()), "nothing"),
        (
            "a tool that we do not have",
            whole(&json!({"content": null, "tool_calls": [{"function": {"arguments": "no"}}]})),
            "tool",
        ),
        ("a refusal", whole(&json!({"content": null, "refusal": "I cannot."})), "I cannot."),
        ("only thoughts", whole(&json!({"content": "", "reasoning_content": "hm"})), "only thoughts"),
        (
            "filtered",
            Act::Raw(
                json!({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]})
                    .to_string(),
            ),
            "content_filter",
        ),
        (
            "a key repeated",
            Act::Http(
                401,
                "application/json",
                json!({"error": {"message": "Incorrect API key: sk-abc1"}}).to_string(),
            ),
            "key: ***",
        ),
    ] {
        let fake = Fake::start(vec![act]).await;
        let (result, text) = stream_of(&fake.llm()).await;
        let fault = match result {
            Err(LlmError::Failed(fault)) => fault.text,
            other => panic!("{name}: {other:?}"),
        };
        assert!(fault.contains(words) && text.is_empty(), "{name}: {fault}");
        assert!(json_of(&fake.llm(), soon()).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn thinking_is_life() {
    let chunk = |delta: Value| format!("data: {}\n\n", json!({"choices": [{"delta": delta}]}));
    let end = format!("data: {}\n\n", json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
    for thought in [
        json!({"reasoning_content": "hm "}),
        json!({"reasoning": "hm "}),
        json!({"content": "<think>hm</think>"}),
    ] {
        let mut pieces = vec![chunk(thought.clone()); 12];
        pieces.extend([chunk(json!({"content": "Yes."})), end.clone()]);
        // Longer than it may take until the first sign of life.
        let fake = Fake::start(vec![Act::Slow(Duration::from_millis(100), pieces)]).await;
        let (result, text) = stream_of(&fake.llm()).await;
        assert!(result.is_ok() && text == "Yes.", "{thought}: {result:?} {text}");
        assert_eq!(fake.requests().len(), 1);
    }
    let silent = vec![": keepalive\n\n".to_owned(); 20];
    let fake = Fake::start(vec![Act::Slow(Duration::from_millis(100), silent)]).await;
    assert!(
        matches!(stream_of(&fake.llm()).await.0, Err(LlmError::Failed(fault)) if fault.kind == Kind::TimedOut)
    );
}

#[tokio::test]
async fn a_wait_that_an_endpoint_asks_for_is_remembered_and_another_one_is_asked_meanwhile() {
    let limited = Fake::start(vec![Act::Status(429, Some(30))]).await;
    let llm = limited.llm();
    for _ in 0..3 {
        let result = json_of(&llm, soon()).await;
        assert!(matches!(result, Err(LlmError::Failed(fault)) if fault.kind == Kind::RateLimited));
        assert!(stream_of(&llm).await.0.is_err());
    }
    assert_eq!(limited.requests().len(), 1);
    let busy = Fake::start(vec![Act::Status(503, Some(30))]).await;
    let good = Fake::start(vec![Act::Say("{}".into())]).await;
    let llm = Llm::new(&[busy.config.clone(), good.config.clone()]).unwrap();
    for _ in 0..3 {
        assert!(json_of(&llm, soon()).await.is_ok());
    }
    assert_eq!((busy.requests().len(), good.requests().len()), (1, 3));
}

#[tokio::test]
async fn a_base_url_with_a_query_is_asked_under_its_path_with_azures_key() {
    let fake = Fake::start(vec![Act::Say("{}".into())]).await;
    let mut config = fake.config.clone();
    config.base_url.set_query(Some("api-version=2024-10-21"));
    config.api_key = switchboard_shared::config::Secret::new("k1".into());
    assert!(json_of(&Llm::new(&[config]).unwrap(), soon()).await.is_ok());
    assert_eq!(fake.heads(), ["/v1/chat/completions?api-version=2024-10-21 Bearer k1 k1"]);
}
