//! What becomes of a session: its token is renewed, with the provider asked now and then whether it stands by it; it is
//! listed; and it ends, at every edge within seconds.

use super::{
    Login,
    fault::Fault,
    provider::Provider,
    secret::{self, Held},
    signer::{Bearer, SessionToken},
    who,
};
use crate::{
    clock,
    config::LoginConfig,
    core::Core,
    error::{Error, Result},
    store::{Act, SessionRow, Tx, View, Who, reading, retrying},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;
use switchboard_shared::{
    api::RevokedKind,
    identity::EXPIRY_GRACE_S,
    ids::{SessionId, TenantId, UserId},
    problem::{Problem, ProblemKind},
};
use tokio::time::Instant;
use url::Url;

/// By how much the clocks of edges and cores may differ.
const SKEW: Duration = Duration::from_secs(60);

/// What a browser holds of a session.
pub(crate) struct Opened {
    pub(crate) token: SessionToken,
    pub(crate) cookie: String,
    pub(crate) lasts: Duration,
}

/// A session that somebody has shown.
pub(crate) struct Shown {
    pub(crate) tenant: TenantId,
    pub(crate) row: SessionRow,
}

impl Login {
    pub(super) fn token(
        &self,
        tenant: &TenantId,
        who: &Who,
        session: SessionId,
        until: DateTime<Utc>,
    ) -> Result<SessionToken> {
        let Who { user, roles, groups, tier, .. } = who;
        let of = Bearer { tenant, user, roles, groups, tier: *tier, session };
        self.signer.token(&of, Utc::now().timestamp(), until.timestamp())
    }
}

/// The session of a cookie, while it lasts.
pub(crate) async fn find(core: &Core, cookie: Option<&str>) -> Result<Option<Shown>> {
    let Some(Held { tenant, hash }) = cookie.and_then(|cookie| Held::read("", cookie)) else {
        return Ok(None);
    };
    let row = reading!(&core.store, &tenant, View::Latest, tx, tx.session(&tenant, &hash))?;
    Ok(row.map(|row| Shown { tenant, row }))
}

/// A new token for a session; `None` when it has ended. Of several who ask at once, as tabs do, one asks the provider,
/// and the others go by what is known.
pub(crate) async fn renew(core: &Core, login: &Login, cookie: Option<&str>) -> Result<Option<SessionToken>> {
    let Some(Shown { tenant, row }) = find(core, cookie).await? else { return Ok(None) };
    let Some(who) = stand_by(core, login, &tenant, &row).await? else { return Ok(None) };
    let deadline = Instant::now() + core.config.postgres.patience;
    retrying!(deadline, touch(core, &tenant, row.id))?;
    login.token(&tenant, &who, row.id, row.expires_at).map(Some)
}

async fn touch(core: &Core, tenant: &TenantId, id: SessionId) -> Result<()> {
    let tx = core.store.write(tenant).await?;
    tx.touch_session(tenant, id).await?;
    tx.commit().await
}

/// Who somebody is now: by the provider's word where it is time to ask for it. `None`: it says that the session is over.
async fn stand_by(core: &Core, login: &Login, tenant: &TenantId, row: &SessionRow) -> Result<Option<Who>> {
    let provider = login.provider(&row.provider).ok().filter(|_| row.refreshable);
    let Some(provider) = provider else { return Ok(Some(row.who.clone())) };
    let deadline = Instant::now() + core.config.postgres.patience;
    let claimed = retrying!(deadline, claim(core, login, tenant, row.id))?;
    let Some(sealed) = claimed else { return Ok(Some(row.who.clone())) };
    match ask(login, provider, tenant, row, &sealed).await {
        Ok((who, refresh_token)) => {
            let stored = retrying!(deadline, finish(core, tenant, row.id, &who, refresh_token.clone()))?;
            Ok(stored.then_some(who))
        }
        Err(fault) if ends(&fault) => {
            tracing::info!(session = %row.id, %fault, "the provider does not stand by a session; it ends");
            retrying!(deadline, end(core, login, tenant, &row.who.user, &[row.id], "provider"))?;
            Ok(None)
        }
        Err(fault) => {
            tracing::warn!(session = %row.id, %fault, "a session goes on without the provider's word");
            let since = Utc::now() - row.checked_at;
            let too_long = since.to_std().is_ok_and(|since| since > login.config.unchecked);
            if too_long { Err(unchecked()) } else { Ok(Some(row.who.clone())) }
        }
    }
}

/// Whether it says that there is nobody any more, or somebody else; anything else may pass.
fn ends(fault: &Fault) -> bool {
    match fault {
        Fault::Denied(word) => word == "invalid_grant",
        Fault::Claims(_) => true,
        Fault::Down(_)
        | Fault::Unbelievable(_)
        | Fault::Stray(_)
        | Fault::Busy
        | Fault::NotHere(_)
        | Fault::Ours(_) => false,
    }
}

fn unchecked() -> Error {
    let detail = "The identity provider cannot be asked whether this session still holds.";
    Error::Public(Problem::new(ProblemKind::Unavailable, detail).retry_after(10))
}

async fn claim(core: &Core, login: &Login, tenant: &TenantId, id: SessionId) -> Result<Option<Vec<u8>>> {
    let tx = core.store.write(tenant).await?;
    // Two requests to the provider, and a moment: who claims and dies holds nobody up for longer.
    let bound = login.config.provider * 3;
    let claimed = tx.claim_check(tenant, id, bound, login.config.check).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn ask(
    login: &Login,
    provider: &Provider,
    tenant: &TenantId,
    row: &SessionRow,
    sealed: &[u8],
) -> Result<(Who, Option<Vec<u8>>), Fault> {
    let place = place(tenant, row.id);
    let token = login.sealer.open(&place, sealed);
    let token =
        token.ok_or(Fault::NotHere("its refresh token was sealed with a key that is not here any more"))?;
    let _place = login.place()?;
    let tokens = provider.refresh(&token).await?;
    let refresh_token = tokens.refresh_token.map(|token| login.sealer.seal(&place, &token)).transpose()?;
    let Some(id_token) = tokens.id_token else { return Ok((row.who.clone(), refresh_token)) };
    let claims = provider.identity(&id_token, None).await?;
    let subject = claims.get("sub").and_then(Value::as_str);
    let (now_tenant, who) = who::read(provider, &claims)?;
    let same = subject == Some(row.subject.as_str()) && now_tenant == *tenant && who.user == row.who.user;
    if same { Ok((who, refresh_token)) } else { Err(Fault::Claims("they are somebody else's".to_owned())) }
}

async fn finish(
    core: &Core,
    tenant: &TenantId,
    id: SessionId,
    who: &Who,
    refresh_token: Option<Vec<u8>>,
) -> Result<bool> {
    let tx = core.store.write(tenant).await?;
    let stored = tx.finish_check(tenant, id, who, refresh_token).await?;
    tx.commit().await?;
    Ok(stored)
}

/// Ends some of a user's sessions, or all of them; `why` is for the audit. How many ended.
pub(crate) async fn end(
    core: &Core,
    login: &Login,
    tenant: &TenantId,
    user: &UserId,
    which: &[SessionId],
    why: &str,
) -> Result<usize> {
    let tx = core.store.write(tenant).await?;
    let mut ended = Vec::new();
    for id in which {
        if tx.end_session(tenant, *id, user).await? {
            ended.push(*id);
        }
    }
    said(&tx, login, tenant, user, &ended, why).await?;
    tx.commit().await?;
    Ok(ended.len())
}

/// Ends all of a user's sessions.
pub(crate) async fn end_all(core: &Core, login: &Login, tenant: &TenantId, user: &UserId) -> Result<usize> {
    let tx = core.store.write(tenant).await?;
    let ended = tx.end_sessions_of_user(tenant, user).await?;
    said(&tx, login, tenant, user, &ended, "everywhere").await?;
    tx.commit().await?;
    Ok(ended.len())
}

/// Where whoever has signed out here goes to sign out of their provider; `None`: nowhere. What the provider does wrong
/// keeps nobody signed in here.
pub(crate) async fn sign_out_url(login: &Login, provider: &str, origin: &str) -> Option<Url> {
    let asked = async {
        if !login.config.origins.iter().any(|known| known == origin) {
            return Err(Fault::NotHere("login.origins does not have the address that was used"));
        }
        let provider = login.provider(provider)?;
        let _place = login.place()?;
        provider.sign_out_url(origin).await
    };
    let asked: Result<_, Fault> = asked.await;
    asked
        .inspect_err(|fault| tracing::warn!(provider, %fault, "nobody is sent there to sign out"))
        .ok()
        .flatten()
}

/// Somebody has signed out at their provider (OpenID Connect Back-Channel Logout §2.5).
pub(crate) async fn end_at_provider(core: &Core, login: &Login, token: &str) -> Result<(), Fault> {
    let _place = login.place()?;
    let mut refused = Fault::NotHere("nobody signs in here");
    for provider in &login.providers {
        match provider.logout(token).await {
            Ok((subject, session)) => {
                let id = provider.config.id.as_str();
                let of = |text: Option<String>| text.map(|text| secret::hash_of(&[id, &text]));
                // A session alone ends where one is named, and else all of somebody's.
                let (session, subject) = (of(session), of(subject));
                let subject = if session.is_some() { None } else { subject };
                return end_of(core, login, subject.as_deref(), session.as_deref())
                    .await
                    .map_err(Fault::from);
            }
            Err(fault) => refused = fault,
        }
    }
    Err(refused)
}

async fn end_of(core: &Core, login: &Login, subject: Option<&[u8]>, session: Option<&[u8]>) -> Result<()> {
    for tenant in core.store.tenants_with_sessions(subject, session).await? {
        let tx = core.store.write(&tenant).await?;
        for (id, user) in tx.end_sessions_at_provider(&tenant, subject, session).await? {
            said(&tx, login, &tenant, &user, &[id], "provider").await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Tells the edges, and the audit.
async fn said(
    tx: &Tx,
    login: &Login,
    tenant: &TenantId,
    user: &UserId,
    ended: &[SessionId],
    why: &str,
) -> Result<()> {
    let until = Utc::now() + lasts_after(&login.config);
    for id in ended {
        tx.insert_revocation(tenant, RevokedKind::Session, &id.to_string(), until).await?;
    }
    for id in ended {
        audit(tx, tenant, user, "session.ended", *id, json!({"why": why})).await?;
    }
    Ok(())
}

pub(super) async fn audit(
    tx: &Tx,
    tenant: &TenantId,
    user: &UserId,
    action: &'static str,
    id: SessionId,
    detail: Value,
) -> Result<()> {
    let act = Act { at: clock::now(), actor: user, action, subject: &id.to_string(), detail };
    tx.append_audit(tenant, &act).await
}

/// How long a token of a session may be about after the session's end.
pub(super) fn lasts_after(config: &LoginConfig) -> Duration {
    config.token + SKEW + Duration::from_secs(EXPIRY_GRACE_S.unsigned_abs())
}

/// Where a session's refresh token is sealed for.
pub(super) fn place(tenant: &TenantId, id: SessionId) -> String {
    format!("session/{tenant}/{id}")
}
