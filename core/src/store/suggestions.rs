//! Suggestions: messages that agents might learn from, until somebody has looked at them and after.

use super::{
    Tx, sql,
    turns::{agent_ids, named},
};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use futures::future::{try_join, try_join_all};
use sha2::{Digest, Sha256};
use switchboard_shared::{
    api::{SuggestionSource, SuggestionState, SuggestionView},
    ids::{AgentId, SuggestionId, TenantId, TurnId, UserId},
};
use tokio_postgres::Row;

/// Open suggestions of a tenant; while there are so many, no more are made: nobody reads them. Of each user no more are
/// counted than it may have.
const MAX_OPEN: i64 = 5_000;
/// Open suggestions of one user; while there are so many, no more are made of what it says, and the others' still are.
pub(crate) const MAX_OPEN_OF_USER: i64 = 100;

/// Something that has just come up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewSuggestion {
    pub(crate) agent: AgentId,
    pub(crate) text: String,
    /// BCP 47; empty when not known.
    pub(crate) language: String,
    pub(crate) source: SuggestionSource,
    pub(crate) positive: bool,
}

/// What somebody who has looked at a suggestion made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Review {
    pub(crate) state: SuggestionState,
    /// Whose example it becomes, without agents nobody's; none: nothing is learned.
    pub(crate) taught: Option<Vec<AgentId>>,
    pub(crate) text: String,
    pub(crate) language: String,
}

impl Tx {
    /// Remembers what has come up because of somebody; what has come up before, and been decided or not, stays as it is.
    pub(crate) async fn insert_suggestions(
        &self,
        tenant: &TenantId,
        turn: TurnId,
        user: &UserId,
        new: &[NewSuggestion],
        at: DateTime<Utc>,
    ) -> Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        // One after another of a user, so that each counts those before it. They go out together, in this order.
        let lock = async { self.execute(sql!("lock_user"), &[&tenant.as_str(), &user.as_str()]).await };
        let all = new.iter().map(|one| self.insert_suggestion(tenant, turn, user, one, at));
        try_join(lock, try_join_all(all)).await.map(drop)
    }

    async fn insert_suggestion(
        &self,
        tenant: &TenantId,
        turn: TurnId,
        user: &UserId,
        one: &NewSuggestion,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let hash = Sha256::digest(one.text.as_bytes()).to_vec();
        self.execute(
            sql!("insert_suggestion"),
            &[
                &tenant.as_str(),
                &SuggestionId::new().0,
                &one.agent.as_str(),
                &one.text,
                &hash,
                &one.source.name(),
                &one.positive,
                &turn.0,
                &at,
                &MAX_OPEN,
                &one.language,
                &user.as_str(),
                &MAX_OPEN_OF_USER,
            ],
        )
        .await?;
        Ok(())
    }

    /// Whether somebody has as many open suggestions as there may be of one user.
    pub(crate) async fn has_too_many_open(&self, tenant: &TenantId, user: &UserId) -> Result<bool> {
        let row = self.query_opt(sql!("open_suggestions"), &[&tenant.as_str(), &user.as_str()]).await?;
        Ok(row.is_some_and(|row| row.get::<_, i64>(0) >= MAX_OPEN_OF_USER))
    }

    /// Takes back the open suggestions that feedback on a turn had made, but those for the agents in `keep`.
    pub(crate) async fn withdraw_suggestions(
        &self,
        tenant: &TenantId,
        turn: TurnId,
        keep: &[&str],
    ) -> Result<()> {
        self.execute(sql!("withdraw_suggestions"), &[&tenant.as_str(), &turn.0, &keep]).await?;
        Ok(())
    }

    pub(crate) async fn suggestions(
        &self,
        tenant: &TenantId,
        state: Option<SuggestionState>,
        after: Option<SuggestionId>,
        limit: i64,
    ) -> Result<Vec<SuggestionView>> {
        let (state, after) = (state.map(SuggestionState::name), after.map(|id| id.0));
        let rows = self.query(sql!("suggestions"), &[&tenant.as_str(), &state, &after, &limit]).await?;
        rows.iter().map(suggestion).collect()
    }

    /// The suggestion, held until this transaction ends, so that it is decided once.
    pub(crate) async fn lock_suggestion(
        &self,
        tenant: &TenantId,
        id: SuggestionId,
    ) -> Result<Option<SuggestionView>> {
        let row = self.query_opt(sql!("lock_suggestion"), &[&tenant.as_str(), &id.0]).await?;
        row.as_ref().map(suggestion).transpose()
    }

    /// Writes down what was made of a suggestion; a corrected text does not come up again under its first words.
    pub(crate) async fn decide_suggestion(
        &self,
        tenant: &TenantId,
        id: SuggestionId,
        review: &Review,
        by: &UserId,
    ) -> Result<()> {
        let taught =
            review.taught.as_ref().map(|agents| agents.iter().map(AgentId::as_str).collect::<Vec<_>>());
        self.execute(
            sql!("decide_suggestion"),
            &[
                &tenant.as_str(),
                &id.0,
                &review.state.name(),
                &by.as_str(),
                &taught,
                &review.text,
                &review.language,
            ],
        )
        .await?;
        Ok(())
    }
}

fn suggestion(row: &Row) -> Result<SuggestionView> {
    let broken = Error::reading("suggestion");
    let decided_by: Option<&str> = row.get(8);
    Ok(SuggestionView {
        id: SuggestionId(row.get(0)),
        agent: row.get::<_, &str>(1).parse().map_err(broken)?,
        text: row.get(2),
        language: row.get(3),
        source: named("suggestion's source", row.get(4))?,
        positive: row.get(5),
        turn: TurnId(row.get(6)),
        state: named("suggestion's state", row.get(7))?,
        decided_by: decided_by.map(str::parse).transpose().map_err(broken)?,
        at: row.get(9),
        taught: row.get::<_, Option<Vec<&str>>>(10).map(agent_ids).transpose()?,
    })
}
