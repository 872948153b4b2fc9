//! Who should answer a message. It learns from examples and descriptions of agents, in whatever languages these are
//! written, and says what it knows as a [`Verdict`]. Pure: no sockets, no SQL, no clock.

mod chance;
mod combine;
mod encoder;
mod kernels;
mod learning;
mod masks;
mod matrix;
mod model;
mod pairs;
mod ridge;
mod space;
mod verdict;
mod words;

pub use encoder::{Encoder, EncoderError};
pub use model::{Message, Model};
pub use verdict::{Doubt, Scored, Verdict};

/// What is known of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agent {
    /// What it is called, in every form that a text may have.
    pub names: Vec<String>,
    /// What it says of itself: a description, skills.
    pub about: Vec<String>,
    /// Messages that are for it.
    pub examples: Vec<Example>,
}

/// A message whose agent is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Example {
    /// The message.
    pub text: String,
    /// Its language, where that is known. An example that says the same in another language teaches nothing about
    /// unseen messages, and is left out together with it.
    pub language: Option<String>,
}

/// What turns texts into unit vectors that are alike where meanings are.
pub trait Vectors: std::fmt::Debug + Send + Sync {
    /// The vector of a text; none where it does not know the text's script or language, or cannot tell in time.
    fn vector(&self, text: &str) -> Option<Vec<f32>>;
}

impl Vectors for Encoder {
    fn vector(&self, text: &str) -> Option<Vec<f32>> {
        self.encode(text)
    }
}
