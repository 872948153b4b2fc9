use super::*;
use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};
use switchboard_shared::config::Secret;
use tokio_util::{sync::DropGuard, task::TaskTracker};

fn nothing() -> EmbedderConfig {
    EmbedderConfig {
        folder: String::new(),
        model: String::new(),
        tokenizer: String::new(),
        url: String::new(),
        url_model: String::new(),
        api_key: Secret::default(),
        proxy: Default::default(),
        timeout: Duration::from_secs(20),
        max_tokens: 64,
    }
}

/// What the endpoint does at a request.
#[derive(Clone)]
enum Act {
    /// Gives each text the vector of its length and one, in the reverse order.
    Embed,
    Say(Value),
    Status(u16),
    Raw(&'static str),
    Flood,
    Hang,
}

/// An endpoint on a real socket that does as it is told.
struct Fake {
    config: EmbedderConfig,
    seen: Arc<Mutex<Vec<(HeaderMap, Value)>>>,
    act: Arc<Mutex<Act>>,
    _stop: DropGuard,
}

type Told = (Arc<Mutex<Act>>, Arc<Mutex<Vec<(HeaderMap, Value)>>>);

impl Fake {
    async fn start(act: Act) -> Self {
        let (act, seen) = (Arc::new(Mutex::new(act)), Arc::default());
        let state: Told = (Arc::clone(&act), Arc::clone(&seen));
        let app = Router::new().route("/v1/embeddings", post(answer)).with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let stop = tokio_util::sync::CancellationToken::new();
        let server = axum::serve(listener, app).with_graceful_shutdown(stop.clone().cancelled_owned());
        TaskTracker::new().spawn(server.into_future());
        let config = EmbedderConfig {
            url,
            url_model: "small".into(),
            api_key: Secret::new("key".into()),
            ..nothing()
        };
        Self { config, seen, act, _stop: stop.drop_guard() }
    }

    fn embedder(&self) -> Embedder {
        Embedder::open(&self.config).unwrap().unwrap()
    }

    fn acts(&self, act: Act) {
        *self.act.lock().unwrap() = act;
    }

    fn inputs(&self) -> Vec<usize> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(_, body)| body["input"].as_array().unwrap().len()).collect()
    }
}

async fn answer(State((act, seen)): State<Told>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    seen.lock().unwrap().push((headers, body.clone()));
    let act = act.lock().unwrap().clone();
    match act {
        Act::Embed => {
            let texts = body["input"].as_array().unwrap().iter().enumerate();
            let row = |(i, text): (usize, &Value)| json!({"index": i, "embedding": [text.as_str().unwrap().len(), 1]});
            Json(json!({"data": texts.map(row).rev().collect::<Vec<_>>()})).into_response()
        }
        Act::Say(value) => Json(value).into_response(),
        Act::Status(status) => {
            let said = json!({"error": {"message": "not you"}});
            (StatusCode::from_u16(status).unwrap(), Json(said)).into_response()
        }
        Act::Raw(text) => text.into_response(),
        Act::Flood => {
            let spaces = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 65_536]));
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(spaces)).into_response()
        }
        Act::Hang => std::future::pending().await,
    }
}

#[tokio::test]
async fn an_endpoint_is_asked_in_batches_and_its_order_is_restored() {
    let fake = Fake::start(Act::Embed).await;
    let embedder = fake.embedder();
    assert_eq!(embedder.dimensions(), None);
    let texts: Vec<String> = (1..=70).map(|length| "a".repeat(length)).collect();
    let vectors = embedder.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>()).await.unwrap();
    assert_eq!((embedder.dimensions(), vectors.len(), fake.inputs()), (Some(2), 70, vec![32, 32, 6]));
    for (length, vector) in (1_u8..).zip(&vectors) {
        assert!((vector[0] / vector[1] - f32::from(length)).abs() < 1e-3, "{length} {vector:?}");
        assert!((vector[0].hypot(vector[1]) - 1.0).abs() < 1e-5);
    }
    let (headers, body) = fake.seen.lock().unwrap()[0].clone();
    assert_eq!(
        (headers["authorization"].to_str().unwrap(), body["model"].as_str().unwrap()),
        ("Bearer key", "small")
    );
}

#[tokio::test]
async fn an_answer_that_cannot_be_right_is_refused_by_its_kind() {
    let fake = Fake::start(Act::Embed).await;
    let of = |rows: Value| Act::Say(json!({"data": rows}));
    for (act, kind) in [
        (Act::Status(401), "refused"),
        (Act::Status(429), "rate_limited"),
        (Act::Status(503), "server_error"),
        (Act::Status(307), "refused"),
        (Act::Raw("<html>"), "nonsense"),
        (Act::Flood, "nonsense"),
        (of(json!([])), "nonsense"),
        (of(json!([{"index": 0, "embedding": []}, {"index": 1, "embedding": [1]}])), "nonsense"),
        (of(json!([{"index": 0, "embedding": [0, 0]}, {"index": 1, "embedding": [1, 0]}])), "nonsense"),
        (of(json!([{"index": 0, "embedding": [1e39, 0]}, {"index": 1, "embedding": [1, 0]}])), "nonsense"),
        (of(json!([{"index": 1, "embedding": [1]}, {"index": 1, "embedding": [1]}])), "nonsense"),
        (of(json!([{"index": 0, "embedding": [1]}, {"index": 9, "embedding": [1]}])), "nonsense"),
        (of(json!([{"embedding": [1, 0]}, {"embedding": [1, 0, 0]}])), "dimensions"),
    ] {
        fake.acts(act);
        let error = fake.embedder().embed(&["one", "two"]).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    fake.acts(of(json!([{"embedding": [1, 0]}, {"embedding": [0, 1]}])));
    assert_eq!(fake.embedder().embed(&["one", "two"]).await.unwrap(), [[1.0, 0.0], [0.0, 1.0]]);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_not_waited_for() {
    let fake = Fake::start(Act::Hang).await;
    let config = EmbedderConfig { timeout: Duration::from_millis(50), ..fake.config.clone() };
    let error = Embedder::open(&config).unwrap().unwrap().embed(&["one"]).await.unwrap_err();
    assert_eq!(error.kind(), "timed_out", "{error}");
}

#[tokio::test]
async fn a_refusal_says_what_the_endpoint_said_and_never_the_key() {
    let fake = Fake::start(Act::Status(403)).await;
    let error = fake.embedder().embed(&["one"]).await.unwrap_err();
    assert!(error.to_string().ends_with("with HTTP status 403 not you"), "{error}");
    assert!(!format!("{:?}", fake.embedder()).contains("key\""), "{:?}", fake.embedder());
}

#[tokio::test]
async fn an_endpoint_whose_vectors_change_their_length_is_not_used() {
    let fake = Fake::start(Act::Embed).await;
    let embedder = fake.embedder();
    embedder.embed(&["one"]).await.unwrap();
    fake.acts(Act::Say(json!({"data": [{"embedding": [1, 0, 0]}]})));
    let error = embedder.embed(&["two"]).await.unwrap_err();
    assert!(matches!(error, EmbedError::Dimensions { expected: 2, got: 3 }), "{error}");
}

#[tokio::test]
async fn nobody_at_the_address_is_said_so() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let embedder =
        Embedder::open(&EmbedderConfig { url, url_model: "m".into(), ..nothing() }).unwrap().unwrap();
    assert_eq!(embedder.embed(&["one"]).await.unwrap_err().kind(), "unreachable");
}

#[tokio::test]
async fn examples_are_embedded_once_and_messages_are_not_kept() {
    let fake = Fake::start(Act::Embed).await;
    let embedder = fake.embedder();
    let first = embedder.embed_examples(&["one", "three", "one"]).await.unwrap();
    assert_eq!((first[0].clone(), fake.inputs()), (first[2].clone(), vec![2]));
    assert_eq!(embedder.embed_examples(&["three", "new", "one"]).await.unwrap()[0], first[1]);
    assert_eq!(fake.inputs(), [2, 1]);
    embedder.embed(&["one", "a message"]).await.unwrap();
    embedder.embed(&["a message"]).await.unwrap();
    assert_eq!(fake.inputs(), [2, 1, 1, 1]);
    assert!(embedder.embed(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_long_text_is_sent_by_its_beginning_and_end() {
    let fake = Fake::start(Act::Embed).await;
    let text = format!("begin {} end", "ä".repeat(20_000));
    fake.embedder().embed(&[&text]).await.unwrap();
    let sent = fake.seen.lock().unwrap()[0].1["input"][0].as_str().unwrap().to_owned();
    assert!(sent.starts_with("begin ") && sent.ends_with(" end") && sent.chars().count() <= 64 * 4 + 1);
}

/// Six words; the model gives `red` and `blue` opposite corners, and everything else nothing.
const VOCABULARY: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nred\nblue\n";
const TABLE: [[f32; 2]; 6] = [[0.0; 2], [0.0, 0.5], [0.0; 2], [0.0; 2], [3.0, 0.0], [0.0, 3.0]];

/// A folder with a model in it; gone when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(model: &[u8], vocabulary: &str) -> Self {
        let path = std::env::temp_dir().join(format!("embed-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("model.onnx"), model).unwrap();
        std::fs::write(path.join("vocab.txt"), vocabulary).unwrap();
        Self(path)
    }

    fn config(&self) -> EmbedderConfig {
        let path = |name: &str| self.0.join(name).to_str().unwrap().to_owned();
        EmbedderConfig { model: path("model.onnx"), tokenizer: path("vocab.txt"), max_tokens: 8, ..nothing() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A field of a protocol buffer: bytes, or a number.
fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let mut whole = vec![field << 3 | 2];
    // Lengths are in base 128; two digits are enough here.
    whole.extend(if length < 128 { vec![length] } else { vec![length | 128, 1] });
    whole.extend(content);
    whole
}

fn number(field: u8, number: u8) -> Vec<u8> {
    vec![field << 3, number]
}

/// An ONNX file (onnx.proto3 of ONNX 1.16) of one operator: it looks up each token's row of the table.
fn onnx(input: &str) -> Vec<u8> {
    let named = |name: &str, element: u8, dimensions: &[u8]| {
        let dimensions: Vec<u8> = dimensions
            .iter()
            .flat_map(|size| match size {
                0 => bytes(1, &bytes(2, b"n")),
                size => bytes(1, &number(1, *size)),
            })
            .collect();
        let tensor = [number(1, element), bytes(2, &dimensions)].concat();
        [bytes(1, name.as_bytes()), bytes(2, &bytes(1, &tensor))].concat()
    };
    let node =
        [bytes(1, b"table"), bytes(1, input.as_bytes()), bytes(2, b"last_hidden_state"), bytes(4, b"Gather")]
            .concat();
    let raw: Vec<u8> = TABLE.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let table = [number(1, 6), number(1, 2), number(2, 1), bytes(8, b"table"), bytes(9, &raw)].concat();
    let graph = [
        bytes(1, &node),
        bytes(2, b"g"),
        bytes(5, &table),
        bytes(11, &named(input, 7, &[1, 0])),
        bytes(12, &named("last_hidden_state", 1, &[1, 0, 2])),
    ]
    .concat();
    [number(1, 8), bytes(7, &graph), bytes(8, &[bytes(1, b""), number(2, 17)].concat())].concat()
}

#[tokio::test]
async fn a_model_file_embeds_by_the_mean_of_its_tokens() {
    let folder = Folder::new(&onnx("input_ids"), VOCABULARY);
    let embedder = Embedder::open(&folder.config()).unwrap().unwrap();
    assert_eq!(embedder.dimensions(), Some(2));
    let vectors = embedder.embed(&["Red red", "BLUE", "red blue", "RÉD\u{0}"]).await.unwrap();
    let half = std::f32::consts::FRAC_1_SQRT_2;
    for (vector, expected) in vectors.iter().zip([[1.0, 0.0], [0.0, 1.0], [half, half], [1.0, 0.0]]) {
        assert!(vector.iter().zip(expected).all(|(is, should)| (is - should).abs() < 1e-5), "{vectors:?}");
    }
    let long = format!("{} blue", "red ".repeat(1_000));
    assert!(embedder.embed(&[&long]).await.is_ok(), "it is cut to what the model reads");
}

#[test]
fn embedders_are_told_apart() {
    let folder = Folder::new(&onnx("input_ids"), VOCABULARY);
    let open = |config: &EmbedderConfig| Embedder::open(config).unwrap().unwrap();
    let first = open(&folder.config());
    assert_eq!(first.fingerprint(), open(&folder.config()).fingerprint());
    assert_ne!(first.fingerprint(), open(&EmbedderConfig { max_tokens: 9, ..folder.config() }).fingerprint());
    let other = Folder::new(&onnx("input_ids"), &format!("{VOCABULARY}green\n"));
    assert_ne!(first.fingerprint(), open(&other.config()).fingerprint());
}

#[test]
fn what_cannot_be_opened_is_named() {
    assert!(Embedder::open(&nothing()).unwrap().is_none());
    let folder = Folder::new(&onnx("input_ids"), VOCABULARY);
    let missing = EmbedderConfig { model: "/nowhere/model.onnx".into(), ..folder.config() };
    let error = Embedder::open(&missing).unwrap_err();
    assert!(error.kind() == "read" && error.to_string().contains("/nowhere/model.onnx"), "{error}");
    let missing = EmbedderConfig { folder: "/nowhere".into(), ..nothing() };
    let error = Embedder::open(&missing).unwrap_err();
    assert!(error.kind() == "read" && error.to_string().contains("/nowhere/sp.model"), "{error}");
    std::fs::write(folder.0.join("sp.model"), "not a model").unwrap();
    let malformed = EmbedderConfig { folder: folder.0.to_str().unwrap().to_owned(), ..nothing() };
    assert_eq!(Embedder::open(&malformed).unwrap_err().kind(), "unusable");
    let missing = EmbedderConfig { tokenizer: "/nowhere/vocab.txt".into(), ..folder.config() };
    assert_eq!(Embedder::open(&missing).unwrap_err().kind(), "read");
    for (model, vocabulary, says) in [
        (b"not a model at all".to_vec(), VOCABULARY, "model.onnx"),
        (onnx("pixels"), VOCABULARY, "pixels"),
        (onnx("input_ids"), "red\nblue\n", "[UNK]"),
    ] {
        let error = Embedder::open(&Folder::new(&model, vocabulary).config()).unwrap_err();
        assert!(error.kind() == "unusable" && error.to_string().contains(says), "{error}");
    }
    let folder = Folder::new(&onnx("input_ids"), VOCABULARY);
    std::fs::write(folder.0.join("tokenizer.json"), "{\"version\": \"1.0\"}").unwrap();
    let tokenizer = folder.0.join("tokenizer.json").to_str().unwrap().to_owned();
    assert_eq!(
        Embedder::open(&EmbedderConfig { tokenizer, ..folder.config() }).unwrap_err().kind(),
        "unusable"
    );
}
