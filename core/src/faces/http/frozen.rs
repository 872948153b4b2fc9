//! The frozen set: the messages by which a tenant's routing is measured, shown and replaced.

use super::extract::{Caller, Json};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    learn::{self, Frozen, MAX_ROWS},
    store::{RegistryRows, View, reading, retrying},
};
use axum::{extract::State, response::IntoResponse};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};
use switchboard_shared::{
    api::{Example, FrozenRow, FrozenSet},
    identity::Identity,
    problem::ProblemKind,
};

pub(crate) async fn get(State(core): State<Arc<Core>>, Caller(me): Caller) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let registry = reading!(&core.store, &me.tenant, View::Own, tx, tx.registry(&me.tenant))?;
    let left_out = left_out(&registry, &registry.frozen);
    Ok(axum::Json(FrozenSet { rows: registry.frozen, left_out }))
}

pub(crate) async fn replace(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Json(new): Json<FrozenSet>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    let rows = check(&core, new.rows)?;
    core.budgets.spend(&me)?;
    let left_out = retrying!(envelope.patience, store(&core, &me, &rows))?;
    core.registry.look_again(&core.store, &me.tenant);
    Ok(axum::Json(FrozenSet { rows, left_out }))
}

/// It counts as a change of the registry: what is being tried at the moment is tried again, by the new set, and cards
/// that bring such messages are learned without them; how many that are.
async fn store(core: &Core, me: &Identity, rows: &[FrozenRow]) -> Result<u32> {
    let tx = core.store.write(&me.tenant).await?;
    tx.upsert_user(&me.tenant, &me.user).await?;
    tx.bump_registry(&me.tenant).await?;
    let registry = tx.registry(&me.tenant).await?;
    let asked: BTreeSet<_> = rows.iter().flat_map(|row| &row.agents).collect();
    if let Some(unknown) = asked.into_iter().find(|id| registry.agents.iter().all(|agent| agent.id != **id)) {
        return Err(Error::no_agent(unknown));
    }
    not_learned(&registry, rows)?;
    tx.replace_frozen(&me.tenant, rows).await?;
    tx.audit(me, "frozen.replaced", "frozen", json!({"rows": rows.len()})).await?;
    tx.commit().await?;
    Ok(left_out(&registry, rows))
}

fn not_learned(registry: &RegistryRows, rows: &[FrozenRow]) -> Result<()> {
    let frozen = Frozen::of(rows);
    let conflict = |whose: &str, text: &str| {
        let text: String = text.chars().take(80).collect();
        let detail =
            format!("{text:?} is an example of {whose}: what is learned cannot measure what was learned.");
        Err(Error::public(ProblemKind::Conflict, detail))
    };
    for agent in &registry.agents {
        if let Some(known) = agent.examples.iter().find(|example| frozen.holds(&example.text)) {
            return conflict(agent.id.as_str(), &known.text);
        }
    }
    match registry.nobody.iter().find(|example| frozen.holds(&example.text)) {
        Some(known) => conflict("nobody's", &known.text),
        None => Ok(()),
    }
}

/// How many examples on cards are among the rows. A card is its agent's own and cannot be refused for that.
fn left_out(registry: &RegistryRows, rows: &[FrozenRow]) -> u32 {
    let frozen = Frozen::of(rows);
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let skills = registry.agents.iter().flat_map(|agent| list(&agent.card, "skills"));
    let examples = skills.flat_map(|skill| list(&skill, "examples"));
    let among = examples.filter(|example| example.as_str().is_some_and(|text| frozen.holds(text)));
    u32::try_from(among.count()).unwrap_or(u32::MAX)
}

/// The rows as they are kept: each message once, its agents in order, its language where that can be told.
fn check(core: &Core, rows: Vec<FrozenRow>) -> Result<Vec<FrozenRow>> {
    if rows.len() > MAX_ROWS {
        let detail = format!("A frozen set has at most {MAX_ROWS} rows.");
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut kept: Vec<FrozenRow> = Vec::new();
    for (number, row) in (1..).zip(rows) {
        let faulty = |kind, detail: String| Error::public(kind, format!("Row {number}: {detail}"));
        if row.agents.len() > core.config.turn.max_agents {
            let detail = format!("a message asks at most {} agents.", core.config.turn.max_agents);
            return Err(faulty(ProblemKind::BadRequest, detail));
        }
        let agents: BTreeSet<_> = row.agents.into_iter().collect();
        let example = Example { text: row.text, language: row.language };
        if let Some((kind, detail)) = learn::fault(&example) {
            return Err(faulty(kind, detail));
        }
        let Example { text, language } = learn::with_language(example);
        let row = FrozenRow { text, agents: agents.into_iter().collect(), language };
        match places.entry(learn::normal(&row.text)) {
            Entry::Occupied(known) if kept[*known.get()].agents != row.agents => {
                let detail = "an earlier row has the same message for other agents.".to_owned();
                return Err(faulty(ProblemKind::Conflict, detail));
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(row);
            }
        }
    }
    Ok(kept)
}
