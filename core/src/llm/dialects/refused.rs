//! What endpoints refuse of a request, and what is done about it.

use super::{
    super::{
        fake::{Act, Fake},
        tests::{json_of, soon, stream_of},
    },
    PLAN, WORDS, streamed, whole,
};
use serde_json::{Value, json};

type Refuses = fn(&Value) -> Option<(u16, Value)>;

fn refuse(code: u16, said: &str) -> Option<(u16, Value)> {
    Some((code, json!({"error": {"message": said, "type": "invalid_request_error", "code": null}})))
}

#[tokio::test]
async fn what_an_endpoint_does_not_take_is_left_out_and_remembered() {
    // Name, what is refused, requests for the first plan, and for the first text after it.
    let rows: [(&str, Refuses, usize, usize); 13] = [
        (
            "any response_format",
            |asked| {
                asked.get("response_format").and_then(|_| refuse(400, "response_format is not supported"))
            },
            3,
            1,
        ),
        (
            "json_schema",
            |asked| {
                (asked["response_format"]["type"] == "json_schema")
                    .then(|| refuse(400, "Invalid value: 'json_schema'"))?
            },
            2,
            1,
        ),
        (
            "json_object, and no schema either",
            |asked| {
                asked
                    .get("response_format")
                    .and_then(|_| refuse(422, "'response_format.type' must be 'text'"))
            },
            3,
            1,
        ),
        (
            "anything unknown, without saying what",
            |asked| {
                asked.get("response_format").or(asked.get("temperature")).map(|_| (400, json!("Bad Request")))
            },
            4,
            1,
        ),
        (
            "max_tokens",
            |asked| {
                asked.get("max_tokens").and_then(|_| refuse(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."))
            },
            2,
            1,
        ),
        (
            "max_completion_tokens as well",
            |asked| {
                asked.get("max_tokens").or(asked.get("max_completion_tokens")).and_then(|_| {
                    refuse(400, "Unrecognized request argument supplied: max_completion_tokens or max_tokens")
                })
            },
            3,
            1,
        ),
        (
            "temperature",
            |asked| {
                asked.get("temperature").and_then(|_| {
                    refuse(400, "Unsupported value: 'temperature' does not support 0 with this model.")
                })
            },
            2,
            1,
        ),
        (
            "temperature, then max_tokens",
            |asked| match (asked.get("temperature"), asked.get("max_tokens")) {
                (Some(_), _) => refuse(400, "`temperature` is deprecated for this model."),
                (_, Some(_)) => refuse(400, "Unsupported parameter: 'max_tokens'"),
                _ => None,
            },
            3,
            1,
        ),
        (
            "stream_options",
            |asked| {
                asked
                    .get("stream_options")
                    .and_then(|_| refuse(400, "Unrecognized request argument supplied: stream_options"))
            },
            1,
            2,
        ),
        (
            "more than it knows, as FastAPI says it",
            |asked| {
                asked.get("stream_options").map(|_| (422, json!({"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]})))
            },
            1,
            2,
        ),
        (
            "streams",
            |asked| {
                (asked["stream"] == true).then(|| Some((400, json!({"error": {"message": "Your organization must be verified to stream this model.", "param": "stream", "code": "unsupported_value"}}))))?
            },
            1,
            2,
        ),
        (
            "the system's role, as Gemma's template",
            |asked| {
                (asked["messages"][0]["role"] == "system")
                    .then(|| refuse(400, "System role not supported"))?
            },
            2,
            1,
        ),
        (
            "the system's role, as llama.cpp says it",
            |asked| {
                (asked["messages"][0]["role"] == "system").then(|| Some((500, json!({"error": {"code": 500, "message": "Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...", "type": "server_error"}}))))?
            },
            2,
            1,
        ),
    ];
    for (name, refuses, plans, texts) in rows {
        let picky = |act| Act::Picky(refuses, Box::new(act));
        let plan = picky(whole(&json!({"content": PLAN})));
        let fake = Fake::start(vec![plan]).await;
        let llm = fake.llm();
        for asked in [plans, plans + 1] {
            let plan = json_of(&llm, soon()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(plan["agent"], "weather", "{name}");
            assert_eq!(fake.requests().len(), asked, "{name}: a plan is asked for");
        }
        fake.does(vec![picky(streamed(&json!({"content": WORDS})))]);
        for asked in [plans + 1 + texts, plans + 2 + texts] {
            let (result, text) = stream_of(&llm).await;
            assert!(result.is_ok() && text == WORDS, "{name}: {result:?}");
            assert_eq!(fake.requests().len(), asked, "{name}: a text is asked for");
        }
        let all = fake.requests();
        let last = all.last().unwrap()["messages"].to_string();
        assert!(last.contains("the rules") && last.contains("hello"), "{name}: nothing that is said is lost");
    }
}

#[tokio::test]
async fn json_in_words_comes_with_the_schema_and_an_ignored_form_leads_to_it() {
    let fake = Fake::start(vec![Act::Say("Well, let me see.".into()), Act::Say(format!("So: {PLAN}"))]).await;
    assert!(json_of(&fake.llm(), soon()).await.is_ok());
    let second = fake.requests().remove(1);
    assert!(
        second.get("response_format").is_none() && second["messages"].to_string().contains("JSON schema")
    );
}

#[tokio::test]
async fn thoughts_that_took_all_the_room_get_more_of_it() {
    let cut = |message: Value| {
        let answer = json!({"choices": [{"message": message, "finish_reason": "length"}]});
        Act::Http(200, "application/json", answer.to_string())
    };
    for message in
        [json!({"content": null}), json!({"content": "<think>hm"}), json!({"content": "", "reasoning": "hm"})]
    {
        let fake = Fake::start(vec![cut(message.clone()), whole(&json!({"content": PLAN}))]).await;
        assert!(json_of(&fake.llm(), soon()).await.is_ok(), "{message}");
        let room = |at: usize| fake.requests()[at]["max_tokens"].as_u64().unwrap();
        assert!(room(1) > room(0) + 1_000, "{message}");
        let fake = Fake::start(vec![cut(message.clone()), streamed(&json!({"content": WORDS}))]).await;
        assert_eq!(stream_of(&fake.llm()).await.1, WORDS, "{message}");
    }
}
