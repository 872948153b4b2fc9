//! Who may do what: roles to permissions, in pure code. Who is a member of a conversation is the store's question.

use crate::error::{Error, Result};
use switchboard_shared::{
    api::MemberRole,
    identity::{Identity, Role},
    problem::ProblemKind,
};

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Hold conversations, ask what the router would do, see the agents.
    Converse,
    /// Register, change, probe and remove agents.
    ManageAgents,
}

/// Whether the caller's roles allow it.
pub(crate) fn permit(identity: &Identity, permission: Permission) -> Result<()> {
    let role = match permission {
        Permission::Converse => Role::User,
        Permission::ManageAgents => Role::AgentAdmin,
    };
    match identity.has(role) {
        true => Ok(()),
        false => Err(Error::public(ProblemKind::Forbidden, "Your roles do not allow this.")),
    }
}

/// Whether the caller may change the conversation itself.
pub(crate) fn permit_owner(role: MemberRole) -> Result<()> {
    match role {
        MemberRole::Owner => Ok(()),
        MemberRole::Member => Err(Error::public(ProblemKind::Forbidden, "Only an owner may do this.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use switchboard_shared::identity::Tier;

    #[test]
    fn each_role_may_what_it_is_for_and_an_admin_everything() {
        let may = |roles: &[Role], permission| {
            let roles = BTreeSet::from_iter(roles.iter().copied());
            let (tenant, user) = ("t".parse().unwrap(), "u".parse().unwrap());
            permit(&Identity { tenant, user, roles, tier: Tier::Free, expires_at: 0 }, permission).is_ok()
        };
        assert!(may(&[Role::User], Permission::Converse) && !may(&[Role::User], Permission::ManageAgents));
        assert!(
            may(&[Role::AgentAdmin], Permission::ManageAgents)
                && !may(&[Role::AgentAdmin], Permission::Converse)
        );
        assert!(may(&[Role::Admin], Permission::Converse) && may(&[Role::Admin], Permission::ManageAgents));
        assert!(!may(&[], Permission::Converse));
    }
}
