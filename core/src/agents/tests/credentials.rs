//! What an agent is shown, at each request, and where nothing is.

use super::*;
use crate::{
    agents::{Asker, read},
    clock,
};
use axum::http::Uri;
use futures::future::join_all;
use std::sync::atomic::{AtomicUsize, Ordering};
use switchboard_shared::config::Secret;

const SECRET: &str = "s3cr3t-of-ours";

fn keyed() -> Agents {
    let sealer = Sealer::new(&[Secret::new("a key".to_owned())]);
    Agents::new(&config(), Arc::new(sealer)).unwrap()
}

/// The agent with a credential, as a house keeps it.
fn given(agents: &Agents, agent: &Agent, wish: &Value) -> Agent {
    let set = serde_json::from_value(wish.clone()).unwrap();
    let (card_url, asked_at) = (&agent.card_url, &agent.endpoint.url);
    let asker = Asker { card_url, asked_at, card: &Value::Null, allow_private: true };
    let read = read(&set, &asker, (clock::now(), &"olga".parse().unwrap())).unwrap();
    let sealed = agents.seal(&tenant(), &agent.id, &read.credential).unwrap();
    Agent { credential: sealed, ..agent.clone() }
}

fn bearer() -> Value {
    json!({"kind": "bearer", "secret": SECRET})
}

fn authorization(headers: &HeaderMap) -> &str {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn every_request_of_a_call_shows_it_and_nobody_elses_does() {
    let fake = FakeAgent::start(true, |method, _, _| match method {
        "SendStreamingMessage" => Act::Stream(vec![status("WORKING", "")]),
        "SubscribeToTask" => Act::Error(-32004),
        "CancelTask" => Act::Result(json!({})),
        _ => Act::Result(task("WORKING", "")),
    })
    .await;
    let agents = keyed();
    let agent = given(&agents, &fake.agent, &bearer());
    let ask_for = || Ask { deadline: Instant::now() + Duration::from_millis(500), ..ask() };
    let reply = agents.ask(&tenant(), &agent, ask_for(), &mut |_| {}).await;
    assert_eq!(reply.state, CallState::TimedOut, "{reply:?}");
    let seen: Vec<_> = fake.seen.lock().unwrap().drain(..).collect();
    for method in ["SendStreamingMessage", "SubscribeToTask", "GetTask", "CancelTask"] {
        assert!(seen.iter().any(|(known, ..)| known == method), "{method}");
    }
    assert!(seen.iter().all(|(_, _, headers)| authorization(headers) == format!("Bearer {SECRET}")));
    assert!(!format!("{agent:?}").contains(SECRET));

    let other = agents.ask(&"other".parse().unwrap(), &agent, ask(), &mut |_| {}).await;
    assert!(other.reason.unwrap().contains("cannot be read"), "it is sealed for a tenant and an agent");
    assert!(fake.seen.lock().unwrap().is_empty());
}

/// Answers every request with this, and keeps what it was sent.
async fn stranger(answer: fn() -> Response) -> (Url, Arc<Mutex<Vec<HeaderMap>>>, DropGuard) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let routes = Router::new().fallback(move |headers: HeaderMap| async move {
        kept.lock().unwrap().push(headers);
        answer()
    });
    let (url, stop) = serve(routes).await;
    (url, seen, stop)
}

async fn serve(routes: Router) -> (Url, DropGuard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let stop = CancellationToken::new();
    let server = axum::serve(listener, routes).with_graceful_shutdown(stop.clone().cancelled_owned());
    TaskTracker::new().spawn(server.into_future());
    (url, stop.drop_guard())
}

#[tokio::test]
async fn no_other_origin_is_shown_it_whoever_leads_there() {
    let (url, seen, _stop) = stranger(|| StatusCode::UNAUTHORIZED.into_response()).await;
    let fake = FakeAgent::start(true, |_, _, _| Act::Hang).await;
    let agents = keyed();
    let agent = given(&agents, &fake.agent, &bearer());

    // A card that leads elsewhere since.
    let mut moved = agent.clone();
    moved.endpoint.url = url.clone();
    let reason = agents.ask(&tenant(), &moved, ask(), &mut |_| {}).await.reason.unwrap();
    assert!(
        reason.contains(url.as_str().trim_end_matches('/')) && reason.contains("is not shown"),
        "{reason}"
    );
    assert!(agents.check_credential(&tenant(), &moved).is_err());
    assert!(seen.lock().unwrap().is_empty(), "it was not even asked");

    // A card that lies elsewhere is asked for with nothing.
    let error = agents.fetch_card(&url, Some((&tenant(), &agent))).await.unwrap_err().to_string();
    assert!(error.contains("none is set for this address (HTTP status 401)"), "{error}");
    assert_eq!(
        seen.lock().unwrap().drain(..).map(|headers| authorization(&headers).to_owned()).collect::<Vec<_>>(),
        [""]
    );

    // A redirect.
    let to = url.clone();
    let leads =
        Router::new().fallback(move || async move { axum::response::Redirect::temporary(to.as_str()) });
    let (from, _stop) = serve(leads).await;
    let mut redirects = fake.agent.clone();
    (redirects.card_url, redirects.endpoint.url) = (from.clone(), from);
    let redirects =
        given(&agents, &redirects, &json!({"kind": "api_key", "secret": SECRET, "in": "query", "name": "k"}));
    let reason = agents.ask(&tenant(), &redirects, ask(), &mut |_| {}).await.reason.unwrap();
    assert!(reason.contains("redirects are not followed") && !reason.contains(SECRET), "{reason}");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_is_named_and_what_the_agent_repeats_is_hidden() {
    let fake = FakeAgent::start(false, |_, _, _| Act::Status(401)).await;
    let agents = keyed();
    let reply = agents.ask(&tenant(), &fake.agent, ask(), &mut |_| {}).await;
    assert_eq!(
        reply.reason.unwrap(),
        "it wants a credential, and none is set for this address (HTTP status 401)"
    );
    let agent = given(&agents, &fake.agent, &bearer());
    for _ in 0..5 {
        let reply = agents.ask(&tenant(), &agent, ask(), &mut |_| {}).await;
        assert_eq!(
            reply.reason.unwrap(),
            "it refused our credential (HTTP status 401)",
            "whoever asks is told"
        );
    }
    let routes =
        Router::new().fallback(|uri: Uri, headers: HeaderMap, Json(request): Json<Value>| async move {
            let message = format!("what is {} at {uri}", authorization(&headers));
            Json(
                json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32603, "message": message}}),
            )
        });
    let (url, _stop) = serve(routes).await;
    let mut repeats = fake.agent.clone();
    (repeats.card_url, repeats.endpoint.url) = (url.clone(), url);
    for wish in [
        bearer(),
        json!({"kind": "basic", "user": "ann", "secret": SECRET}),
        json!({"kind": "api_key", "secret": SECRET, "in": "query", "name": "k"}),
    ] {
        let agent = given(&agents, &repeats, &wish);
        let reason = agents.ask(&tenant(), &agent, ask(), &mut |_| {}).await.reason.unwrap();
        assert!(reason.contains("what is") && reason.contains("***"), "{reason}");
        assert!(!reason.contains(SECRET) && !reason.contains("YW5u"), "{reason}");
    }
}

/// An agent with a token endpoint that counts: a token is good from the `good_from`th on.
struct Tokens {
    given: AtomicUsize,
    good_from: AtomicUsize,
}

async fn token_agent() -> (Url, Arc<Tokens>, DropGuard) {
    let tokens = Arc::new(Tokens { given: AtomicUsize::new(0), good_from: AtomicUsize::new(1) });
    let (gives, checks) = (Arc::clone(&tokens), Arc::clone(&tokens));
    let give = async move |headers: HeaderMap, form: String| {
        let named = authorization(&headers) == "Basic Yy0xOnMzY3IzdC1vZi1vdXJz";
        if !named || form != "grant_type=client_credentials&scope=ask+more" {
            let refusal = json!({"error": "invalid_client", "error_description": SECRET});
            return (StatusCode::UNAUTHORIZED, Json(refusal)).into_response();
        }
        // Long enough for the others to come meanwhile.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let number = gives.given.fetch_add(1, Ordering::Relaxed) + 1;
        Json(json!({"access_token": format!("token-{number}"), "token_type": "Bearer", "expires_in": 600}))
            .into_response()
    };
    let answer = async move |headers: HeaderMap, Json(request): Json<Value>| {
        let number =
            authorization(&headers).strip_prefix("Bearer token-").and_then(|it| it.parse::<usize>().ok());
        if number.is_none_or(|number| number < checks.good_from.load(Ordering::Relaxed)) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let result = json!({"message": {"parts": [{"text": "fine"}]}});
        Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result})).into_response()
    };
    let routes = Router::new().route("/token", post(give)).route("/rpc", post(answer));
    let (url, stop) = serve(routes).await;
    (url, tokens, stop)
}

#[tokio::test]
async fn one_token_is_asked_for_however_many_call_and_once_more_when_it_is_refused() {
    let fake = FakeAgent::start(false, |_, _, _| Act::Hang).await;
    let (url, tokens, _stop) = token_agent().await;
    let agents = keyed();
    let mut agent = fake.agent.clone();
    (agent.card_url, agent.endpoint.url) = (url.clone(), url.join("rpc").unwrap());
    let wish = |secret: &str| {
        let token_url = url.join("token").unwrap();
        json!({"kind": "oauth2", "client_id": "c-1", "secret": secret, "token_url": token_url, "scopes": ["ask", "more"]})
    };
    let known = given(&agents, &agent, &wish(SECRET));
    let (agents, known) = (&agents, &known);
    let many = async || {
        let calls = (0..6).map(|_| async move { agents.ask(&tenant(), known, ask(), &mut |_| {}).await });
        let replies = join_all(calls).await;
        replies.into_iter().map(|reply| (reply.text, reply.reason)).collect::<Vec<_>>()
    };
    let fine = ("fine".to_owned(), None);
    assert_eq!(many().await, vec![fine.clone(); 6]);
    assert_eq!(tokens.given.load(Ordering::Relaxed), 1);
    tokens.good_from.store(2, Ordering::Relaxed);
    assert_eq!(many().await, vec![fine; 6]);
    assert_eq!(tokens.given.load(Ordering::Relaxed), 2, "one for all whose token was refused");
    tokens.good_from.store(9, Ordering::Relaxed);
    let reply = agents.ask(&tenant(), known, ask(), &mut |_| {}).await;
    assert_eq!(reply.reason.unwrap(), "it refused our credential (HTTP status 401)");
    assert_eq!(tokens.given.load(Ordering::Relaxed), 3, "it is asked for once more, and not again");

    let unknown = given(agents, &agent, &wish("another secret"));
    let reason = agents.ask(&tenant(), &unknown, ask(), &mut |_| {}).await.reason.unwrap();
    assert_eq!(reason, "no token for it: its token endpoint answered with HTTP status 401 (invalid_client)");
}
