//! From "sign in" to a session: the browser goes to the provider with a sign-in, and comes back with its answer.

use super::{
    Login,
    fault::Fault,
    flow::Flow,
    id_token::Claims,
    provider::{Provider, Tokens},
    secret::{self, Held},
    sessions::{self, Opened},
    who,
};
use crate::{
    core::Core,
    error::Result,
    outside,
    store::{NewSession, Who, retrying},
};
use chrono::Utc;
use serde_json::{Value, json};
use switchboard_shared::{
    api::RevokedKind,
    ids::{SessionId, TenantId},
};
use tokio::time::Instant;
use url::Url;

/// The longest name of a browser.
const MAX_CLIENT: usize = 200;

/// What the provider answers, by way of the browser (RFC 6749 §4.1.2, RFC 9207).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) state: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) issuer: Option<&'a str>,
}

/// Somebody has signed in.
pub(crate) struct SignedIn {
    /// What the browser holds.
    pub(crate) opened: Opened,
    /// Where to go then.
    pub(crate) to: String,
}

/// Begins: where to send the browser, and what it carries.
pub(crate) async fn begin(
    login: &Login,
    provider: &str,
    origin: &str,
    to: Option<&str>,
    hint: Option<&str>,
) -> Result<(Url, String), Fault> {
    if !login.config.origins.iter().any(|known| known == origin) {
        return Err(Fault::NotHere("login.origins does not name the address that the browser uses"));
    }
    let provider = login.provider(provider)?;
    let flow = Flow::begin(&provider.config.id, origin, to, Utc::now().timestamp())?;
    let _place = login.place()?;
    let url = provider.sign_in_url(&flow, hint).await?;
    Ok((url, flow.seal(&login.sealer)?))
}

/// Ends: the provider's answer becomes a session, or nothing.
pub(crate) async fn finish(
    core: &Core,
    login: &Login,
    carried: Option<&str>,
    answer: Answer<'_>,
    client: &str,
) -> Result<SignedIn, Fault> {
    let stray = Fault::Stray("no cookie of a sign-in came, or it was too late");
    let flow =
        carried.and_then(|text| Flow::open(text, &login.sealer, Utc::now().timestamp())).ok_or(stray)?;
    if !answer.state.is_some_and(|state| flow.is(state)) {
        return Err(Fault::Stray("the state is not that of this browser's sign-in"));
    }
    let provider = login.provider(&flow.provider)?;
    let _place = login.place()?;
    provider.answered(answer.issuer).await?;
    if let Some(error) = answer.error {
        return Err(Fault::Denied(outside::line(error, 64)));
    }
    let code = answer.code.ok_or(Fault::Stray("the answer has neither a code nor an error"))?;
    let tokens = provider.exchange(code, &flow).await?;
    let token = tokens.id_token.as_deref().ok_or_else(|| Fault::unbelievable("it gave no ID token"))?;
    let claims = provider.identity(token, Some(&flow.nonce)).await?;
    let (tenant, who) = who::read(provider, &claims)?;
    let session = open(core, login, provider, &flow, &claims, &tokens, (&tenant, &who), client).await?;
    Ok(SignedIn { opened: session, to: flow.to })
}

#[allow(clippy::too_many_arguments, reason = "a session comes of all that the sign-in has brought together")]
async fn open(
    core: &Core,
    login: &Login,
    provider: &Provider,
    flow: &Flow,
    claims: &Claims,
    tokens: &Tokens,
    (tenant, who): (&TenantId, &Who),
    client: &str,
) -> Result<Opened, Fault> {
    let id = SessionId::new();
    let (cookie, secret_hash) = Held::draw("", tenant)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let subject = text("sub").unwrap_or_default();
    let provider_id = provider.config.id.as_str();
    let place = sessions::place(tenant, id);
    let refresh_token = tokens.refresh_token.as_deref().map(|token| login.sealer.seal(&place, token));
    let expires_at = Utc::now() + login.config.session;
    let token = login.token(tenant, who, id, expires_at)?;
    let new = NewSession {
        id,
        secret_hash,
        login_hash: flow.hash(),
        who,
        provider: provider_id,
        subject,
        subject_hash: secret::hash_of(&[provider_id, subject]),
        provider_hash: text("sid").map(|sid| secret::hash_of(&[provider_id, sid])),
        refresh_token: refresh_token.transpose()?,
        client: &outside::line(client, MAX_CLIENT),
        expires_at,
    };
    let deadline = Instant::now() + core.config.postgres.patience;
    if !retrying!(deadline, store(core, login, tenant, &new))? {
        return Err(Fault::Stray("this sign-in has begun a session before"));
    }
    Ok(Opened { token, cookie, lasts: login.config.session })
}

/// Writes the session down with what goes with it; false when its sign-in has begun one before.
async fn store(core: &Core, login: &Login, tenant: &TenantId, new: &NewSession<'_>) -> Result<bool> {
    let user = &new.who.user;
    let tx = core.store.write(tenant).await?;
    tx.upsert_user(tenant, user).await?;
    tx.delete_old_sessions(tenant).await?;
    if !tx.insert_session(tenant, new).await? {
        tx.rollback().await?;
        return Ok(false);
    }
    for ended in tx.end_oldest_sessions(tenant, user, login.config.max_sessions.into()).await? {
        let until = Utc::now() + sessions::lasts_after(&login.config);
        tx.insert_revocation(tenant, RevokedKind::Session, &ended.to_string(), until).await?;
    }
    let detail = json!({"provider": new.provider});
    sessions::audit(&tx, tenant, user, "session.started", new.id, detail).await?;
    tx.commit().await?;
    Ok(true)
}
