//! What OpenAI-compatible endpoints are publicly known to answer, as tables: a name, what they say, what must come out.
//! Each is asked for a plan and for a text, and answers each as a stream and as a whole, whatever was asked for.

mod faults;
mod refused;

use super::{
    fake::{Act, Fake},
    tests::{json_of, soon, stream_of},
    *,
};
use serde_json::{Value, json};

/// Stands for the text in the tables.
const TEXT: &str = "TEXT";
const WORDS: &str = "Two words [some-agent], and `code`.\n\nThe end.";
const PLAN: &str = r#"{"agent": "weather", "why": "it's \"so\" <b>"}"#;

/// A dialect's message with the text in its place.
fn said(message: &Value, text: &str) -> Value {
    match message {
        Value::String(string) => string.replace(TEXT, text).into(),
        Value::Array(items) => items.iter().map(|item| said(item, text)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), said(value, text))).collect(),
        other => other.clone(),
    }
}

/// The chunks of a stream that says the message: its other fields first, then its content piece by piece.
fn chunks(message: &Value) -> Vec<Value> {
    let mut first = message.clone();
    let content = first.as_object_mut().unwrap().remove("content").unwrap_or_default();
    first["role"] = json!("assistant");
    let pieces: Vec<Value> = match content {
        Value::String(text) => {
            let chars: Vec<char> = text.chars().collect();
            chars.chunks(3).map(|piece| piece.iter().collect::<String>().into()).collect()
        }
        Value::Array(parts) => parts.into_iter().map(|part| json!([part])).collect(),
        other => vec![other],
    };
    let deltas = pieces.into_iter().map(|piece| json!({"content": piece}));
    let said = [first].into_iter().chain(deltas);
    let mut all: Vec<_> =
        said.map(|delta| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})).collect();
    all.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    all.push(json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}));
    all
}

fn whole(message: &Value) -> Act {
    let answer = json!({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
    Act::Http(200, "application/json", answer.to_string())
}

fn streamed(message: &Value) -> Act {
    let events: String = chunks(message).iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    Act::Http(200, "text/event-stream", events + "data: [DONE]\n\n")
}

#[tokio::test]
async fn a_plan_that_comes_as_an_object_is_read() {
    let message = json!({"content": serde_json::from_str::<Value>(PLAN).unwrap()});
    plan_of(whole(&message), "whole").await;
    plan_of(streamed(&message), "streamed").await;
}

async fn plan_of(act: Act, name: &str) {
    let fake = Fake::start(vec![act]).await;
    let plan = json_of(&fake.llm(), soon()).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(plan, serde_json::from_str::<Value>(PLAN).unwrap(), "{name}");
    assert_eq!(fake.requests().len(), 1, "{name}");
}

async fn text_of(act: Act, name: &str) {
    let fake = Fake::start(vec![act]).await;
    let llm = fake.llm();
    for asked in 1..=2 {
        let (result, text) = stream_of(&llm).await;
        let tokens = result.unwrap_or_else(|error| panic!("{name}, at {asked}: {error}"));
        assert_eq!(
            (text.as_str(), tokens),
            (WORDS, Tokens { input: 7, output: 3, endpoint: 0 }),
            "{name}, at {asked}"
        );
        assert_eq!(fake.requests().len(), asked, "{name}");
    }
}

#[tokio::test]
async fn the_answer_is_found_wherever_a_dialect_puts_it_and_its_thoughts_are_left_out() {
    let thinking = |kind: &str| json!({"type": kind, "thinking": [{"type": "text", "text": "hm {\"a\":1}"}]});
    for (name, message) in [
        ("plain", json!({"content": TEXT})),
        ("with a byte order mark", json!({"content": "\u{FEFF}TEXT"})),
        (
            "tags, as DeepSeek and Qwen write them",
            json!({"content": "<think>\nhm {\"a\":1}\n</think>\n\nTEXT"}),
        ),
        (
            "empty tags, as Qwen writes them without thinking",
            json!({"content": "<think>\n\n</think>\n\nTEXT"}),
        ),
        (
            "a closing tag alone, as where the template opens it",
            json!({"content": "hm, `x\n</think>\n\nTEXT"}),
        ),
        ("tags of other names, as Gemini's <thought>", json!({"content": "<thought>hm</thought>TEXT"})),
        ("tags in a namespace, as Seed's", json!({"content": "<seed:think>hm</seed:think>TEXT"})),
        ("Mistral's marks", json!({"content": "[THINK]hm[/THINK]TEXT"})),
        ("Kimi's marks", json!({"content": "◁think▷hm◁/think▷TEXT"})),
        (
            "Cohere's marks",
            json!({"content": "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>TEXT<|END_RESPONSE|>"}),
        ),
        (
            "gpt-oss' channels",
            json!({"content": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>TEXT<|return|>"}),
        ),
        ("gpt-oss' channels without their marks", json!({"content": "analysisWe think.assistantfinalTEXT"})),
        ("Gemma's channels", json!({"content": "<|channel>thought\nhm\n<channel|>TEXT"})),
        ("an answer in tags, as Hunyuan's", json!({"content": "<think>hm</think>\n<answer>\nTEXT</answer>"})),
        ("an end mark that was not taken off", json!({"content": "TEXT<|im_end|>"})),
        (
            "reasoning_content, as vLLM and DeepSeek",
            json!({"content": TEXT, "reasoning_content": "hm {\"a\":1}"}),
        ),
        ("reasoning, as Ollama and newer vLLM", json!({"content": TEXT, "reasoning": "hm"})),
        (
            "reasoning_details, as OpenRouter",
            json!({"content": TEXT, "reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}),
        ),
        (
            "thinking_blocks beside, as LiteLLM",
            json!({"content": TEXT, "reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "thinking": "hm"}]}),
        ),
        ("empty thoughts beside", json!({"content": TEXT, "reasoning_content": null, "reasoning": ""})),
        ("parts", json!({"content": [{"type": "text", "text": TEXT}]})),
        (
            "parts with thoughts, as Magistral",
            json!({"content": [thinking("thinking"), {"type": "text", "text": TEXT}]}),
        ),
        (
            "parts with thoughts, as Anthropic's",
            json!({"content": [{"type": "redacted_thinking", "data": "x"}, {"type": "thinking", "thinking": "hm"}, {"type": "text", "text": TEXT}]}),
        ),
        (
            "parts with thoughts, as Bedrock's",
            json!({"content": [{"type": "reasoning", "reasoning": "hm"}, {"type": "output_text", "text": TEXT}]}),
        ),
        (
            "refusal: null and tool_calls: []",
            json!({"content": TEXT, "refusal": null, "tool_calls": [], "function_call": null, "annotations": []}),
        ),
    ] {
        for (text, is_plan) in [(PLAN, true), (WORDS, false)] {
            let message = said(&message, text);
            for (form, act) in [("streamed", streamed(&message)), ("whole", whole(&message))] {
                let name = format!("{name}, {form}");
                if is_plan { plan_of(act, &name).await } else { text_of(act, &name).await }
            }
        }
    }
}

#[tokio::test]
async fn a_stream_is_read_however_it_is_framed() {
    type Frame = fn(&[String]) -> (&'static str, String);
    const EVENTS: &str = "text/event-stream";
    fn events(all: &[String], before: &str, after: &str) -> String {
        all.iter().map(|chunk| format!("{before}data: {chunk}{after}")).collect()
    }
    let frames: [(&str, Frame); 16] = [
        ("empty data between", |all| {
            (EVENTS, events(all, "data:\n\ndata: \n\n", "\n\n") + "data: [DONE]\n\n")
        }),
        ("a keepalive as data", |all| {
            (EVENTS, events(all, "data: : keepalive\n\n", "\n\n") + "data: [DONE]\n\n")
        }),
        ("comments, as OpenRouter's", |all| {
            (EVENTS, events(all, ": OPENROUTER PROCESSING\n\n", "\n\n") + "data: [DONE]\n\n")
        }),
        ("pings as events", |all| {
            (EVENTS, events(all, "event: ping\ndata: {\"type\": \"ping\"}\n\n", "\n\n") + "data: [DONE]\n\n")
        }),
        ("CRLF", |all| (EVENTS, events(all, "", "\r\n\r\n") + "data: [DONE]\r\n\r\n")),
        ("a byte order mark", |all| (EVENTS, format!("\u{FEFF}{}data: [DONE]\n\n", events(all, "", "\n\n")))),
        ("no [DONE]", |all| (EVENTS, events(all, "", "\n\n"))),
        ("no empty line at the end", |all| (EVENTS, events(all, "", "\n\n").trim_end().to_owned())),
        ("no empty lines at all", |all| (EVENTS, events(all, "", "\n") + "data: [DONE]\n")),
        ("no space after the colon", |all| (EVENTS, events(all, "", "\n\n").replace("data: ", "data:"))),
        ("by a type that says nothing", |all| ("text/plain", events(all, "", "\n\n") + "data: [DONE]\n\n")),
        ("called JSON", |all| ("application/json", events(all, "", "\n\n") + "data: [DONE]\n\n")),
        ("one chunk by line", |all| ("application/x-ndjson", all.join("\n"))),
        ("empty choices first, as Azure's filter results", |all| {
            let filter = "data: {\"choices\": [], \"prompt_filter_results\": [{\"prompt_index\": 0}]}\n\n";
            (EVENTS, filter.to_owned() + &events(all, "", "\n\n"))
        }),
        ("[DONE] without a reason", |all| {
            let all = all.iter().map(|chunk| chunk.replace("\"stop\"", "null")).collect::<Vec<_>>();
            (EVENTS, events(&all, "", "\n\n") + "data: [DONE]\n\n")
        }),
        ("reasons by other names", |all| {
            let all = all.iter().map(|chunk| chunk.replace("\"stop\"", "\"STOP\"")).collect::<Vec<_>>();
            (EVENTS, events(&all, "", "\n\n"))
        }),
    ];
    for (name, frame) in frames {
        let all = |text: &str| {
            chunks(&json!({"content": text})).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let act = |text: &str| {
            let (kind, body) = frame(&all(text));
            Act::Http(200, kind, body)
        };
        plan_of(act(PLAN), name).await;
        text_of(act(WORDS), name).await;
    }
}

#[tokio::test]
async fn messages_that_say_all_so_far_are_not_added_up() {
    let grown = |text: &str, with_delta: bool| {
        let ends: Vec<usize> = (1..=text.len()).filter(|end| text.is_char_boundary(*end)).collect();
        let chunk = |end: &usize| {
            let mut choice =
                json!({"message": {"role": "assistant", "content": text[..*end]}, "finish_reason": null});
            if with_delta {
                choice["delta"] = json!({"content": text[end - 1..*end]});
            }
            json!({"choices": [choice]}).to_string()
        };
        let events: String = ends.iter().map(chunk).map(|chunk| format!("data: {chunk}\n\n")).collect();
        let end = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3}});
        Act::Http(200, "text/event-stream", format!("{events}data: {end}\n\n"))
    };
    for (name, with_delta) in [("message", false), ("message beside delta, as Perplexity's", true)] {
        text_of(grown(WORDS, with_delta), name).await;
        plan_of(grown(PLAN, with_delta), name).await;
    }
}

#[tokio::test]
async fn json_is_read_from_where_a_proxy_puts_it() {
    let call = json!({"function": {"name": "json_tool_call", "arguments": PLAN}});
    for (name, message) in [
        ("a tool call, as LiteLLM's JSON mode", json!({"content": null, "tool_calls": [call]})),
        ("a function call", json!({"content": null, "function_call": {"name": "f", "arguments": PLAN}})),
        ("the thoughts, as vLLM's parsers leave it", json!({"content": null, "reasoning_content": PLAN})),
        ("a fence", json!({"content": format!("```json\n{PLAN}\n```")})),
        (
            "a fence in prose",
            json!({"content": format!("Sure, {{this}} is it:\n\n```\n{PLAN}\n```\nHope it helps!")}),
        ),
        ("prose", json!({"content": format!("The plan is {PLAN} so.")})),
    ] {
        plan_of(whole(&message), name).await;
        plan_of(streamed(&message), name).await;
    }
}
