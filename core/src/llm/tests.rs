use super::{
    fake::{Act, Fake},
    *,
};
use serde_json::json;

fn ask() -> Vec<Message> {
    let message = |role, text: &str| Message { role, text: text.into() };
    vec![message(Role::System, "the rules"), message(Role::User, "hello")]
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn object() -> Schema {
    json!({"type": "object"}).into()
}

pub(super) async fn json_of(llm: &Llm, deadline: Instant) -> Result<Value, LlmError> {
    llm.json(&ask(), "answer", &object(), 50, deadline).await.map(|(value, _)| value)
}

pub(super) async fn stream_of(llm: &Llm) -> (Result<Tokens, LlmError>, String) {
    let mut text = String::new();
    let wait = Duration::from_millis(300);
    let result = llm.stream(&ask(), 50, wait, soon(), &mut |piece| text.push_str(piece)).await;
    (result, text)
}

#[tokio::test]
async fn json_comes_with_its_tokens_and_the_schema_is_asked_for() {
    let fake = Fake::start(vec![Act::Say("```json\n{\"a\":1}\n```".into())]).await;
    let answer = fake.llm().json(&ask(), "answer", &object(), 50, soon()).await.unwrap();
    assert_eq!(answer, (json!({"a": 1}), Tokens { input: 7, output: 3, endpoint: 0 }));
    let seen = fake.requests().remove(0);
    assert_eq!(seen["response_format"]["json_schema"]["strict"], json!(true));
    assert_eq!(seen["temperature"], json!(0));
}

#[tokio::test]
async fn an_endpoint_that_refuses_the_schema_is_asked_for_plain_json() {
    let fake = Fake::start(vec![Act::Status(400, None), Act::Say("{}".into())]).await;
    assert_eq!(json_of(&fake.llm(), soon()).await.unwrap(), json!({}));
    assert_eq!(fake.requests()[1]["response_format"]["type"], json!("json_object"));
}

#[tokio::test]
async fn the_next_endpoint_is_asked_when_one_fails() {
    let good = Fake::start(vec![Act::Say("{}".into())]).await;
    for act in [
        Act::Status(500, None),
        Act::Status(401, None),
        Act::Say("no json".into()),
        Act::Raw("<html>".into()),
        Act::Hang,
    ] {
        let bad = Fake::start(vec![act]).await;
        let llm = Llm::new(&[bad.config.clone(), good.config.clone()]).unwrap();
        assert!(json_of(&llm, Instant::now() + Duration::from_secs(1)).await.is_ok());
        assert_eq!(bad.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept_only_inside_the_deadline() {
    let fake = Fake::start(vec![Act::Status(429, Some(1)), Act::Say("{}".into())]).await;
    let began = Instant::now();
    assert!(json_of(&fake.llm(), soon()).await.is_ok());
    assert!(began.elapsed() >= Duration::from_secs(1));
    let fake = Fake::start(vec![Act::Status(429, Some(60))]).await;
    assert!(
        matches!(json_of(&fake.llm(), soon()).await, Err(LlmError::Failed(fault)) if fault.kind == Kind::RateLimited)
    );
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn the_only_endpoint_has_all_of_the_time_at_once() {
    let late = |act| Act::Late(Duration::from_millis(1_400), Box::new(act));
    let fake = Fake::start(vec![late(Act::Say("{}".into()))]).await;
    assert!(json_of(&fake.llm(), Instant::now() + Duration::from_secs(2)).await.is_ok());
    let half = Act::Late(Duration::from_millis(400), Box::new(Act::Stream(vec!["ok".into()], true)));
    let writes = Fake::start(vec![half]).await;
    assert_eq!(stream_of(&writes.llm()).await.1, "ok");
    assert_eq!((fake.requests().len(), writes.requests().len()), (1, 1), "no work was thrown away");
}

#[tokio::test]
async fn the_only_endpoint_is_asked_again_after_an_early_error_and_not_after_its_time() {
    let slow = Act::Late(Duration::from_millis(1_400), Box::new(Act::Say("{}".into())));
    let fake = Fake::start(vec![Act::Status(500, None), slow]).await;
    assert!(json_of(&fake.llm(), Instant::now() + Duration::from_secs(2)).await.is_ok());
    let hangs = Fake::start(vec![Act::Hang]).await;
    let result = json_of(&hangs.llm(), Instant::now() + Duration::from_millis(300)).await;
    assert!(matches!(result, Err(LlmError::Failed(fault)) if fault.kind == Kind::TimedOut));
    assert!(matches!(stream_of(&hangs.llm()).await.0, Err(LlmError::Failed(_))));
    assert_eq!(hangs.requests().len(), 2, "once each");
}

#[tokio::test]
async fn tokens_are_of_the_model_that_answered() {
    let bad = Fake::start(vec![Act::Status(500, None)]).await;
    let good = Fake::start(vec![Act::Say("{}".into())]).await;
    let other = LlmConfig { model: "other".into(), ..good.config.clone() };
    let llm = Llm::new(&[bad.config.clone(), other]).unwrap();
    let (_, tokens) = llm.json(&ask(), "answer", &object(), 50, soon()).await.unwrap();
    assert_eq!(llm.model_of(&tokens), "other");
    let (_, tokens) = good.llm().json(&ask(), "answer", &object(), 50, soon()).await.unwrap();
    assert_eq!(good.llm().model_of(&tokens), good.config.model);
}

#[tokio::test]
async fn tries_are_bounded() {
    let fake = Fake::start(vec![Act::Status(500, None)]).await;
    assert!(json_of(&fake.llm(), soon()).await.is_err());
    assert_eq!(fake.requests().len(), MAX_TRIES);
    assert!(matches!(json_of(&Llm::new(&[]).unwrap(), soon()).await, Err(LlmError::NotConfigured)));
}

#[tokio::test]
async fn a_text_is_handed_out_piece_by_piece() {
    let fake = Fake::start(vec![Act::Stream(vec!["Hel".into(), "lo".into()], true)]).await;
    let (result, text) = stream_of(&fake.llm()).await;
    assert_eq!((result.unwrap(), text.as_str()), (Tokens { input: 7, output: 3, endpoint: 0 }, "Hello"));
}

#[tokio::test]
async fn a_text_that_is_cut_is_told_from_one_that_never_began() {
    let fake = Fake::start(vec![Act::Stream(vec!["Hel".into()], false)]).await;
    let (result, text) = stream_of(&fake.llm()).await;
    assert!(matches!(result, Err(LlmError::Cut(_))));
    assert_eq!(text, "Hel");
    let hangs = Fake::start(vec![Act::Hang]).await;
    assert!(matches!(stream_of(&hangs.llm()).await.0, Err(LlmError::Failed(_))));
    let good = Fake::start(vec![Act::Stream(vec!["ok".into()], true)]).await;
    let llm = Llm::new(&[hangs.config.clone(), good.config.clone()]).unwrap();
    assert_eq!(stream_of(&llm).await.1, "ok");
}

#[test]
fn a_key_that_is_no_header_is_refused_at_start() {
    let config = LlmConfig {
        base_url: "http://127.0.0.1:1/v1".parse().unwrap(),
        api_key: switchboard_shared::config::Secret::new("a\nb".into()),
        model: "m".into(),
        proxy: Default::default(),
    };
    assert!(Llm::new(&[config]).is_err());
}
