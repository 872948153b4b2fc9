//! `/auth/*`: signing in and out, for browsers.

use super::{
    body::read,
    extract::{Id, Params},
    visitor::Visitor,
};
use crate::{
    accept::Envelope,
    core::Core,
    error::{Error, Result},
    login::{
        self, Login,
        fault::Fault,
        sessions::{self, Shown},
        sign_in::{self, Answer},
        signer::SessionToken,
    },
    metrics::SIGN_INS,
    store::{View, reading, retrying},
};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderName, StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::sync::Arc;
use switchboard_shared::{
    api::{Me, ProviderList, ProviderView, SessionList, SessionView, SignOut, SignedOut},
    cookies::{self, SameSite},
    ids::SessionId,
    problem::ProblemKind,
};
use url::form_urlencoded;

/// What a page sends to begin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Begin {
    provider: String,
    return_to: Option<String>,
    r#as: Option<String>,
}

/// What a provider sends back; it may say more.
#[derive(Deserialize)]
pub(crate) struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

type Cookies = Vec<String>;

pub(crate) async fn providers(State(core): State<Arc<Core>>, _: Visitor) -> impl IntoResponse {
    let known = core.login.iter().flat_map(|login| &login.providers).map(|provider| {
        let config = &provider.config;
        let name = if config.name.is_empty() { &config.id } else { &config.name };
        let (id, name) = (config.id.clone(), name.clone());
        ProviderView { id, name, development: config.development, users: config.users.clone() }
    });
    kept_nowhere(axum::Json(ProviderList { providers: known.collect() }))
}

pub(crate) async fn begin(
    State(core): State<Arc<Core>>,
    visitor: Visitor,
    Params(wish): Params<Begin>,
) -> Response {
    let begun = async {
        let login = core.login.as_ref().ok_or(Fault::NotHere("login.providers is empty"))?;
        let (to, hint) = (wish.return_to.as_deref(), wish.r#as.as_deref());
        sign_in::begin(login, &wish.provider, &visitor.origin, to, hint).await
    };
    match begun.await {
        Ok((url, carried)) => {
            let cookie = cookies::set(cookies::LOGIN, &carried, login::LASTS_S, SameSite::Lax);
            redirect(url.as_str(), vec![cookie])
        }
        Err(fault) => failed(&fault),
    }
}

pub(crate) async fn back(
    State(core): State<Arc<Core>>,
    visitor: Visitor,
    axum::extract::Query(back): axum::extract::Query<Back>,
) -> Response {
    let answer = Answer {
        state: back.state.as_deref(),
        code: back.code.as_deref(),
        error: back.error.as_deref(),
        issuer: back.iss.as_deref(),
    };
    let finished = async {
        let login = core.login.as_ref().ok_or(Fault::NotHere("login.providers is empty"))?;
        sign_in::finish(&core, login, visitor.login.as_deref(), answer, &visitor.client).await
    };
    match finished.await {
        Ok(signed_in) => {
            SIGN_INS.with_label_values(&["signed_in"]).inc();
            let opened = signed_in.opened;
            let lasts_s = i64::try_from(opened.lasts.as_secs()).unwrap_or(i64::MAX);
            let session = cookies::set(cookies::SESSION, &opened.cookie, lasts_s, SameSite::Strict);
            redirect(&signed_in.to, vec![token(&opened.token), session, cookies::clear(cookies::LOGIN)])
        }
        Err(fault) => failed(&fault),
    }
}

pub(crate) async fn me(State(core): State<Arc<Core>>, visitor: Visitor) -> Result<Response> {
    if let Some(me) = visitor.identity.as_ref().filter(|me| me.grant.session.is_none()) {
        let me = me.clone();
        let expires_at = at(me.expires_at);
        let name = me.user.to_string();
        return Ok(kept_nowhere(axum::Json(Me {
            user: me.user,
            name,
            tenant: me.tenant,
            roles: me.roles,
            groups: me.groups,
            tier: me.tier,
            expires_at,
            session: None,
        })));
    }
    let shown = sessions::find(&core, visitor.session.as_deref()).await?.ok_or_else(nobody)?;
    let login = core.login.as_ref().ok_or_else(nobody)?;
    // With a token that will do still, nothing is changed; without one, as in a page that was opened again, it is renewed.
    let held = visitor.identity.filter(|me| me.grant.session == Some(shown.row.id));
    let (expires_at, cookies) = match held {
        Some(me) => (me.expires_at, Cookies::new()),
        None => {
            let renewed = sessions::renew(&core, login, visitor.session.as_deref()).await?;
            let renewed = renewed.ok_or_else(nobody)?;
            (renewed.expires_at, vec![token(&renewed)])
        }
    };
    let who = shown.row.who;
    let me = Me {
        user: who.user,
        name: who.name,
        tenant: shown.tenant,
        roles: who.roles,
        groups: who.groups,
        tier: who.tier,
        expires_at: at(expires_at),
        session: Some(shown.row.id),
    };
    Ok(kept_nowhere((with(cookies), axum::Json(me))))
}

pub(crate) async fn refresh(State(core): State<Arc<Core>>, visitor: Visitor) -> Result<Response> {
    let renewed = match &core.login {
        Some(login) => sessions::renew(&core, login, visitor.session.as_deref()).await?,
        None => None,
    };
    let Some(renewed) = renewed else {
        return Ok((with(gone()), nobody()).into_response());
    };
    Ok(kept_nowhere((StatusCode::NO_CONTENT, with(vec![token(&renewed)]))))
}

pub(crate) async fn logout(
    State(core): State<Arc<Core>>,
    visitor: Visitor,
    envelope: Envelope,
    body: Bytes,
) -> Result<Response> {
    let wish: SignOut = if body.is_empty() { SignOut::default() } else { read(&body)? };
    let mut to = None;
    if let Some((login, Shown { tenant, row })) = session(&core, &visitor).await? {
        let user = &row.who.user;
        match wish.everywhere {
            true => retrying!(envelope.patience, sessions::end_all(&core, login, &tenant, user))?,
            false => {
                retrying!(envelope.patience, sessions::end(&core, login, &tenant, user, &[row.id], "logout"))?
            }
        };
        to = sessions::sign_out_url(login, &row.provider, &visitor.origin).await;
    }
    Ok(match to {
        Some(to) => kept_nowhere((with(gone()), axum::Json(SignedOut { to: to.into() }))),
        None => kept_nowhere((StatusCode::NO_CONTENT, with(gone()))),
    })
}

pub(crate) async fn sessions(State(core): State<Arc<Core>>, visitor: Visitor) -> Result<Response> {
    let (_, Shown { tenant, row }) = session(&core, &visitor).await?.ok_or_else(nobody)?;
    let user = &row.who.user;
    let all = reading!(&core.store, &tenant, View::Latest, tx, tx.sessions_of_user(&tenant, user))?;
    let view = |one: crate::store::SessionRow| SessionView {
        id: one.id,
        created_at: one.created_at,
        seen_at: one.seen_at,
        current: one.id == row.id,
        client: one.client,
    };
    Ok(kept_nowhere(axum::Json(SessionList { sessions: all.into_iter().map(view).collect() })))
}

pub(crate) async fn end_session(
    State(core): State<Arc<Core>>,
    visitor: Visitor,
    envelope: Envelope,
    Id(id): Id<SessionId>,
) -> Result<Response> {
    let (login, Shown { tenant, row }) = session(&core, &visitor).await?.ok_or_else(nobody)?;
    let user = &row.who.user;
    let ended = retrying!(envelope.patience, sessions::end(&core, login, &tenant, user, &[id], "list"))?;
    if ended == 0 {
        return Err(Error::not_found());
    }
    let cookies = if id == row.id { gone() } else { Cookies::new() };
    Ok(kept_nowhere((StatusCode::NO_CONTENT, with(cookies))))
}

pub(crate) async fn backchannel_logout(
    State(core): State<Arc<Core>>,
    _: Visitor,
    body: Bytes,
) -> Result<Response> {
    let refused = || Error::public(ProblemKind::BadRequest, "This is no logout token of a provider here.");
    let login = core.login.as_ref().ok_or_else(refused)?;
    let token = form_urlencoded::parse(&body).find(|(name, _)| name == "logout_token");
    let (_, token) = token.ok_or_else(refused)?;
    match sessions::end_at_provider(&core, login, &token).await {
        Ok(()) => Ok(kept_nowhere(StatusCode::OK)),
        Err(Fault::Ours(error)) => Err(error),
        Err(fault) => {
            tracing::warn!(%fault, "a logout token was refused");
            Err(refused())
        }
    }
}

async fn session<'c>(core: &'c Core, visitor: &Visitor) -> Result<Option<(&'c Login, Shown)>> {
    let Some(login) = &core.login else { return Ok(None) };
    Ok(sessions::find(core, visitor.session.as_deref()).await?.map(|shown| (login, shown)))
}

fn nobody() -> Error {
    Error::public(ProblemKind::Unauthenticated, "Nobody has signed in here.")
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn token(token: &SessionToken) -> String {
    let lasts_s = token.expires_at.saturating_sub(Utc::now().timestamp()).max(0);
    cookies::set(cookies::TOKEN, &token.text, lasts_s, SameSite::Lax)
}

fn gone() -> Cookies {
    vec![cookies::clear(cookies::TOKEN), cookies::clear(cookies::SESSION)]
}

fn with(cookies: Cookies) -> AppendHeaders<impl IntoIterator<Item = (HeaderName, String)>> {
    AppendHeaders(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)))
}

fn redirect(to: &str, cookies: Cookies) -> Response {
    let location = [(header::LOCATION, to.to_owned())];
    kept_nowhere((StatusCode::FOUND, location, with(cookies)))
}

/// Back to the page, which says in words what the word means.
fn failed(fault: &Fault) -> Response {
    let word = fault.word();
    tracing::warn!(%fault, word, "nobody has signed in");
    SIGN_INS.with_label_values(&[word]).inc();
    redirect(&format!("/?sign_in_error={word}"), vec![cookies::clear(cookies::LOGIN)])
}

/// What is about somebody who has signed in is no cache's business.
fn kept_nowhere(answer: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}
