//! Branches: a conversation that begins with what was said in another one up to some message. The copies are rows of their
//! own, so that either can go without the other; no event is copied, a reader gets a snapshot instead.

use super::{Tx, sql, turns::int};
use crate::error::Result;
use switchboard_shared::ids::{ConversationId, TenantId, UserId};
use uuid::Uuid;

/// Turns that come along, the newest ones.
const MOST: i64 = 500;

impl Tx {
    /// Copies what was said before a seq, but for what is still being answered; how many bytes that is. In the copy it is
    /// its owner's, whoever's it was, and nobody waits for an answer to a question of an agent's.
    pub(crate) async fn copy_before(
        &self,
        tenant: &TenantId,
        (from, before): (ConversationId, u64),
        to: ConversationId,
        owner: &UserId,
    ) -> Result<i64> {
        let tenant = tenant.as_str();
        let turns = self.query(sql!("turns_before"), &[&tenant, &from.0, &int(before), &MOST]).await?;
        let turns: Vec<Uuid> = turns.iter().map(|row| row.get(0)).collect();
        let copies: Vec<Uuid> = turns.iter().map(|_| Uuid::now_v7()).collect();
        self.execute(sql!("copy_turns"), &[&tenant, &turns, &copies, &to.0, &owner.as_str()]).await?;
        self.execute(sql!("copy_calls"), &[&tenant, &turns, &copies]).await?;
        self.execute(sql!("copy_files"), &[&tenant, &turns, &copies, &to.0]).await?;
        self.execute(sql!("copy_messages"), &[&tenant, &turns, &copies, &to.0]).await?;
        self.execute(sql!("begin_branch"), &[&tenant, &to.0, &from.0]).await?;
        let held = self.query_opt(sql!("held_by_conversation"), &[&tenant, &to.0]).await?;
        Ok(held.map_or(0, |row| row.get(0)))
    }
}
