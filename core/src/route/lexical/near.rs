//! The examples that a message is like: what is shown where a decision is explained.

use super::{Features, Model};

/// An example that is like a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Near<'a> {
    /// The agent, in the order of the roster; none: it is for nobody.
    pub(crate) agent: Option<usize>,
    pub(crate) text: &'a str,
    /// 0 to 1.
    pub(crate) likeness: f64,
}

impl Model {
    /// The examples that are most like a message, the likest first.
    pub(crate) fn nearest(&self, text: &str, count: usize) -> Vec<Near<'_>> {
        let likeness = self.likeness_to_all(text);
        let mut order: Vec<usize> = (0..self.messages).filter(|&i| likeness[i] > 0.0).collect();
        order.sort_by(|&a, &b| likeness[b].total_cmp(&likeness[a]).then(a.cmp(&b)));
        order.into_iter().take(count).map(|i| self.near(i, &likeness)).collect()
    }

    /// The example of one agent that is most like a message, if one has anything in common with it.
    pub(crate) fn nearest_of(&self, agent: usize, text: &str) -> Option<Near<'_>> {
        let likeness = self.likeness_to_all(text);
        let own = (0..self.messages).filter(|&i| self.texts[i].class == agent && likeness[i] > 0.0);
        own.max_by(|&a, &b| likeness[a].total_cmp(&likeness[b]).then(b.cmp(&a)))
            .map(|i| self.near(i, &likeness))
    }

    /// How unlike a message is to everything that the agents brought, 0 to 1.
    pub(crate) fn novelty(&self, text: &str) -> f64 {
        let likeness = self.likeness_to_all(text);
        let of_agents = self.texts.iter().zip(&likeness).filter(|(text, _)| text.class + 1 < self.classes);
        let nearest = of_agents.map(|(_, likeness)| *likeness).fold(0.0, f32::max);
        1.0 - f64::from(nearest.min(1.0))
    }

    fn likeness_to_all(&self, text: &str) -> Vec<f32> {
        self.likeness.to_all(&self.space.vector(&self.vocabulary.find(&Features::of(text))))
    }

    fn near(&self, i: usize, likeness: &[f32]) -> Near<'_> {
        Near {
            agent: Some(self.texts[i].class).filter(|class| class + 1 < self.classes),
            text: &self.texts[i].text,
            likeness: f64::from(likeness[i]),
        }
    }
}
