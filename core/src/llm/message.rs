//! What a model is told, and what it costs.

use std::ops::AddAssign;

/// What a model read and wrote, as its endpoint counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) input: u64,
    pub(crate) output: u64,
    /// Whose model it was: the endpoint's place in the configuration.
    pub(crate) endpoint: usize,
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
    }
}

/// One message to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) text: String,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    System,
    User,
}

/// Makes a mark to fence data in a prompt with; whoever wrote the data cannot know it, and so cannot end the fence.
pub(crate) fn fence() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
