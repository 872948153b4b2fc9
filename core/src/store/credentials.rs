//! What agents are shown: sealed, and what may be known of it.

use super::{Tx, sql};
use crate::{
    error::{Error, Result},
    seal::Sealed,
};
use serde_json::Value;
use switchboard_shared::{
    api::{CredentialKind, CredentialView, KeyPlace},
    ids::{AgentId, TenantId},
};

impl Tx {
    /// Gives an agent its credential, instead of the one that it has.
    pub(crate) async fn set_credential(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
        view: &CredentialView,
        sealed: &Sealed,
    ) -> Result<()> {
        self.execute(
            sql!("set_credential"),
            &[
                &tenant.as_str(),
                &agent.as_str(),
                &view.kind.name(),
                &view.place.map(KeyPlace::name),
                &view.name,
                &view.token_url.as_ref().map(url::Url::as_str),
                &view.origin,
                &sealed.bytes(),
                &view.set_at,
                &view.set_by.as_str(),
            ],
        )
        .await?;
        Ok(())
    }

    /// What may be known of an agent's credential.
    pub(crate) async fn credential(
        &self,
        tenant: &TenantId,
        agent: &AgentId,
    ) -> Result<Option<CredentialView>> {
        let row = self.query_opt(sql!("credential"), &[&tenant.as_str(), &agent.as_str()]).await?;
        let unknown = || Error::reading("credential")("it is of a kind that is not known here");
        row.map(|row| {
            let url: Option<&str> = row.get(3);
            Ok(CredentialView {
                kind: CredentialKind::from_name(row.get(0)).ok_or_else(unknown)?,
                place: row.get::<_, Option<&str>>(1).and_then(KeyPlace::from_name),
                name: row.get(2),
                token_url: url.map(str::parse).transpose().map_err(Error::reading("credential"))?,
                origin: row.get(4),
                set_at: row.get(5),
                set_by: row.get::<_, &str>(6).parse().map_err(Error::reading("credential"))?,
            })
        })
        .transpose()
    }

    /// Takes an agent's credential away; whether there was one.
    pub(crate) async fn delete_credential(&self, tenant: &TenantId, agent: &AgentId) -> Result<bool> {
        Ok(self.execute(sql!("delete_credential"), &[&tenant.as_str(), &agent.as_str()]).await? > 0)
    }

    /// An agent's card as it came.
    pub(crate) async fn agent_card(&self, tenant: &TenantId, agent: &AgentId) -> Result<Option<Value>> {
        let row = self.query_opt(sql!("agent_card"), &[&tenant.as_str(), &agent.as_str()]).await?;
        Ok(row.map(|row| row.get(0)))
    }
}
