//! Who somebody is, by what a provider says of them.

use super::{fault::Fault, id_token::Claims, provider::Provider};
use crate::{config::ProviderClaims, outside, store::Who};
use serde_json::Value;
use switchboard_shared::{
    claims::ClaimPath,
    ids::{TenantId, UserId},
};

/// The longest name of a person.
const MAX_NAME: usize = 100;
/// Bytes of a user's id and groups in a session token: a browser keeps 4096 bytes of a cookie, in base64.
const MAX_IN_A_COOKIE: usize = 2_200;

/// Who somebody is, by the provider's claims.
pub(super) fn read(provider: &Provider, claims: &Claims) -> Result<(TenantId, Who), Fault> {
    let unreadable = |what: &str| Fault::Claims(format!("{what} of provider {}", provider.config.id));
    let mapped = provider.config.mapping().read(claims).map_err(|claim| unreadable(&claim.to_string()))?;
    let ProviderClaims { user, name, .. } = &provider.config.claims;
    let text = |path: &ClaimPath| path.find(claims).and_then(Value::as_str);
    let user: UserId = text(user).and_then(|text| text.parse().ok()).ok_or_else(|| unreadable("user"))?;
    let others = ["preferred_username", "email"].map(|name| claims.get(name).and_then(Value::as_str));
    let name = text(name).or(others[0]).or(others[1]).unwrap_or(user.as_str());
    let name = outside::line(name, MAX_NAME);
    let groups: usize = mapped.groups.iter().map(|group| group.as_str().len() + 3).sum();
    if groups + user.as_str().len() > MAX_IN_A_COOKIE {
        return Err(unreadable("groups, which are more than a cookie holds,"));
    }
    let who = Who { user, name, roles: mapped.roles, groups: mapped.groups, tier: mapped.tier };
    Ok((mapped.tenant, who))
}
