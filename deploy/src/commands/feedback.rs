//! `switchboard feedback TURN up|down`: whether the right agents were asked.

use super::access::Access;
use crate::{error::Result, terminal};
use clap::{Args, ValueEnum};
use switchboard_shared::{
    api::{FeedbackKept, GiveFeedback, Thumb},
    ids::{AgentId, TurnId},
};

/// Arguments of `feedback`.
#[derive(Debug, Args)]
pub struct Feedback {
    /// The turn, as `chat --json` and the events name it
    pub turn: TurnId,
    /// Whether the right agents were asked
    pub value: Value,
    /// With `down`: an agent that would have been right; may be given several times
    #[arg(long, value_name = "ID")]
    pub agent: Vec<AgentId>,
    /// A word for whoever reviews it
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Where the house is.
    #[command(flatten)]
    pub access: Access,
}

/// A thumb.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Value {
    /// They were
    Up,
    /// They were not
    Down,
}

impl Feedback {
    /// Gives it; said again, the last word counts.
    ///
    /// # Errors
    /// When no house answers, or it refuses.
    pub async fn run(&self) -> Result<()> {
        let value = match self.value {
            Value::Up => Thumb::Up,
            Value::Down => Thumb::Down,
        };
        let given = GiveFeedback { value, agents: self.agent.clone(), comment: self.comment.clone() };
        let path = format!("/v1/turns/{}/feedback", self.turn);
        let kept: FeedbackKept = self.access.client(&["user"])?.post(&path, &given).await?;
        if self.json {
            terminal::json(&kept);
        } else {
            terminal::say("thank you; what it suggests is looked at before anything is learned");
            if let Some(note) = &kept.note {
                terminal::say(&terminal::clean(note));
            }
        }
        Ok(())
    }
}
