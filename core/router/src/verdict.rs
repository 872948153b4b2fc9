//! What the router says of a message. Whoever explains, counts or asks further reads this and decides nothing again.

/// The verdict.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// These agents are to be asked.
    Decided {
        /// Whom, in the order of the registry.
        agents: Vec<usize>,
        /// How likely that is exactly right.
        chance: f64,
        /// Every agent, the likeliest first.
        scored: Vec<Scored>,
    },
    /// It is for somebody else to decide.
    Open {
        /// Whom it would ask if it had to; nobody where the message seems to be for nobody.
        best: Vec<usize>,
        /// How likely that is exactly right.
        chance: f64,
        /// Why it does not decide.
        doubts: Vec<Doubt>,
        /// Every agent, the likeliest first.
        scored: Vec<Scored>,
    },
}

/// An agent with its share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// By its place in the registry.
    pub agent: usize,
    /// From 0 to 1; what is missing to 1 is nobody's.
    pub share: f64,
}

/// Why something was left open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// There are no agents.
    NoAgents,
    /// The chance of being right is less than is wanted.
    Unsure,
    /// It seems to be for nobody.
    Nobody,
    /// Its words are like no example's, less than almost all examples are like others, and no vector helps.
    Strange,
}

impl Verdict {
    /// Whom it would ask, decided or not.
    pub fn agents(&self) -> &[usize] {
        match self {
            Self::Decided { agents, .. } => agents,
            Self::Open { best, .. } => best,
        }
    }

    /// How likely that is exactly right.
    pub fn chance(&self) -> f64 {
        match self {
            Self::Decided { chance, .. } | Self::Open { chance, .. } => *chance,
        }
    }

    /// Every agent, the likeliest first.
    pub fn scored(&self) -> &[Scored] {
        match self {
            Self::Decided { scored, .. } | Self::Open { scored, .. } => scored,
        }
    }

    /// Whether it decides.
    pub fn is_decided(&self) -> bool {
        matches!(self, Self::Decided { .. })
    }
}
