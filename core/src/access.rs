//! Who may do what: roles to permissions, groups to agents, in pure code. Who is a member of a conversation is the
//! store's question.

use crate::error::{Error, Result};
use std::collections::BTreeSet;
use switchboard_shared::{
    api::MemberRole,
    identity::{Identity, Role},
    ids::{AgentId, Group},
    problem::ProblemKind,
};

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Hold conversations, ask what the router would do, see the agents.
    Converse,
    /// Register, change, probe and remove agents, whomever they are for. Using one is another question: see [`Reach`].
    ManageAgents,
    /// See what happens in the tenant, in figures.
    SeeAnalytics,
    /// See who is here, what they did and how much they use.
    Administer,
}

impl Permission {
    /// The role that has it, beside the admin's.
    fn role(self) -> Role {
        match self {
            Self::Converse => Role::User,
            Self::ManageAgents => Role::AgentAdmin,
            Self::SeeAnalytics => Role::Admin,
            Self::Administer => Role::Admin,
        }
    }
}

/// Whether the caller's roles allow it.
pub(crate) fn permit(identity: &Identity, permission: Permission) -> Result<()> {
    permit_any(identity, &[permission])
}

/// Whether they allow one of these. A refusal names the roles that would: they are no secret, and whoever asks for one
/// has to know its name.
pub(crate) fn permit_any(identity: &Identity, permissions: &[Permission]) -> Result<()> {
    if permissions.iter().any(|permission| may(identity, *permission)) {
        return Ok(());
    }
    let admin = Role::Admin.name();
    let roles: Vec<_> = permissions.iter().map(|permission| permission.role().name()).collect();
    let roles = match roles.as_slice() {
        [only] if *only == admin => admin.to_owned(),
        roles => format!("{} or {admin}", roles.join(", ")),
    };
    let detail = format!("Your roles do not allow this. It needs the role {roles}.");
    Err(Error::public(ProblemKind::Forbidden, detail))
}

/// The same, where both answers lead somewhere.
pub(crate) fn may(identity: &Identity, permission: Permission) -> bool {
    identity.has(permission.role())
}

/// Whether the caller may change the conversation itself.
pub(crate) fn permit_owner(role: MemberRole) -> Result<()> {
    match role {
        MemberRole::Owner => Ok(()),
        MemberRole::Member => Err(Error::public(ProblemKind::Forbidden, "Only an owner may do this.")),
    }
}

/// Which agents somebody reaches. It is taken from the caller, and goes with a turn: what a message may use is what its
/// author might use when it was accepted, whenever and on whichever core it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// An admin does everything within the tenant.
    pub(crate) admin: bool,
    pub(crate) groups: BTreeSet<Group>,
    /// The only agents that the caller's key is for; `None`: it is for all that its user may use.
    pub(crate) only: Option<BTreeSet<AgentId>>,
}

impl Reach {
    /// What the caller may know of: who manages agents has to see them all, also those for others.
    pub(crate) fn to_see(identity: &Identity) -> Self {
        Self { admin: may(identity, Permission::ManageAgents), ..Self::from(identity) }
    }

    /// Whether it reaches an agent that is for these groups; an agent that is for none is everyone's.
    pub(crate) fn may_use(&self, id: &AgentId, groups: &BTreeSet<Group>) -> bool {
        let for_it = self.only.as_ref().is_none_or(|only| only.contains(id));
        for_it && (self.admin || groups.is_empty() || !self.groups.is_disjoint(groups))
    }
}

impl From<&Identity> for Reach {
    fn from(identity: &Identity) -> Self {
        Self {
            admin: identity.has(Role::Admin),
            groups: identity.groups.clone(),
            only: identity.grant.agents.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchboard_shared::identity::Tier;

    fn identity(roles: &[Role], groups: &[&str]) -> Identity {
        Identity {
            tenant: "t".parse().unwrap(),
            user: "u".parse().unwrap(),
            roles: roles.iter().copied().collect(),
            groups: named(groups),
            tier: Tier::Free,
            expires_at: 0,
            grant: Default::default(),
        }
    }

    fn named(groups: &[&str]) -> BTreeSet<Group> {
        groups.iter().map(|group| group.parse().unwrap()).collect()
    }

    #[test]
    fn each_role_may_what_it_is_for_and_an_admin_everything() {
        let may = |roles: &[Role], permission| permit(&identity(roles, &[]), permission).is_ok();
        assert!(may(&[Role::User], Permission::Converse) && !may(&[Role::User], Permission::ManageAgents));
        assert!(
            may(&[Role::AgentAdmin], Permission::ManageAgents)
                && !may(&[Role::AgentAdmin], Permission::Converse)
        );
        assert!(may(&[Role::Admin], Permission::Converse) && may(&[Role::Admin], Permission::ManageAgents));
        assert!(!may(&[], Permission::Converse));
        assert!(may(&[Role::Admin], Permission::Administer));
        assert!(!may(&[Role::User, Role::AgentAdmin], Permission::Administer));
    }

    #[test]
    fn a_refusal_names_the_roles_that_would_do() {
        let refusal = |roles: &[Role], permissions: &[Permission]| {
            permit_any(&identity(roles, &[]), permissions).unwrap_err().problem().detail
        };
        assert_eq!(
            refusal(&[Role::User], &[Permission::ManageAgents]),
            "Your roles do not allow this. It needs the role agent-admin or admin."
        );
        assert_eq!(
            refusal(&[Role::User], &[Permission::Administer]),
            "Your roles do not allow this. It needs the role admin."
        );
        assert_eq!(
            refusal(&[], &[Permission::Converse, Permission::ManageAgents]),
            "Your roles do not allow this. It needs the role user, agent-admin or admin."
        );
    }

    #[test]
    fn an_agent_is_used_by_its_groups_and_without_any_by_everyone() {
        let may_use = |roles: &[Role], own: &[&str], agent: &[&str]| {
            Reach::from(&identity(roles, own)).may_use(&agent_id(), &named(agent))
        };
        let user = &[Role::User];
        assert!(may_use(user, &[], &[]) && may_use(user, &["hr"], &[]));
        assert!(may_use(user, &["hr"], &["finance", "hr"]));
        assert!(!may_use(user, &[], &["finance"]) && !may_use(user, &["hr"], &["finance"]));
        assert!(!may_use(user, &["Finance"], &["finance"]), "names are taken exactly");
        assert!(!may_use(user, &["admin"], &["finance"]), "a group is not a role");
    }

    fn agent_id() -> AgentId {
        "ledger".parse().unwrap()
    }

    #[test]
    fn a_key_for_some_agents_reaches_these_alone_and_none_that_its_user_may_not() {
        let mut key = identity(&[Role::User], &["finance"]);
        key.grant.agents = Some([agent_id()].into());
        let reach = Reach::from(&key);
        let (ledger, other) = (agent_id(), "other".parse().unwrap());
        assert!(reach.may_use(&ledger, &named(&["finance"])) && !reach.may_use(&ledger, &named(&["hr"])));
        assert!(!reach.may_use(&other, &named(&[])));
        let admin = Reach { admin: true, ..reach };
        assert!(admin.may_use(&ledger, &named(&["hr"])) && !admin.may_use(&other, &named(&[])));
    }

    #[test]
    fn who_manages_agents_does_not_therefore_use_them_but_an_admin_does() {
        let finance = named(&["finance"]);
        assert!(!Reach::from(&identity(&[Role::User, Role::AgentAdmin], &[])).may_use(&agent_id(), &finance));
        assert!(Reach::from(&identity(&[Role::Admin], &[])).may_use(&agent_id(), &finance));
        assert!(Reach::to_see(&identity(&[Role::AgentAdmin], &[])).may_use(&agent_id(), &finance));
        assert!(!Reach::to_see(&identity(&[Role::User], &[])).may_use(&agent_id(), &finance));
        assert!(
            !Reach::default().may_use(&agent_id(), &finance),
            "a turn of before there were groups uses what is everyone's"
        );
    }
}
