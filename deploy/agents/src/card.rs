//! The Agent Card: what an agent tells strangers.

use a2a::{
    AgentCapabilities, AgentCard, AgentInterface, AgentProvider, AgentSkill, TRANSPORT_PROTOCOL_HTTP_JSON,
    TRANSPORT_PROTOCOL_JSONRPC,
};

use crate::agent::{Profile, Skill};

/// Media types every agent writes.
pub(crate) const WRITES: &[&str] = &["text/plain", "text/markdown"];

/// Makes the card of an agent whose endpoint is `url`.
pub(crate) fn card(profile: &Profile, url: &str) -> AgentCard {
    AgentCard {
        name: profile.name.to_owned(),
        description: profile.description.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        supported_interfaces: vec![
            AgentInterface::new(url, TRANSPORT_PROTOCOL_JSONRPC),
            AgentInterface::new(format!("{url}/v1"), TRANSPORT_PROTOCOL_HTTP_JSON),
        ],
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(false),
            extensions: None,
            extended_agent_card: Some(false),
        },
        default_input_modes: owned(profile.reads),
        default_output_modes: owned(WRITES),
        skills: profile.skills.iter().map(skill).collect(),
        provider: Some(AgentProvider {
            organization: "Switchboard example agents".to_owned(),
            url: url.to_owned(),
        }),
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}

fn skill(skill: &Skill) -> AgentSkill {
    AgentSkill {
        id: skill.id.to_owned(),
        name: skill.name.to_owned(),
        description: skill.description.to_owned(),
        tags: owned(skill.tags),
        examples: Some(owned(skill.examples)),
        input_modes: None,
        output_modes: None,
        security_requirements: None,
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
