//! A model file that runs in this process: an ONNX encoder like MiniLM, by rten, which is pure Rust.

use super::{
    EmbedError,
    lanes::{self, Lanes},
    tokens::Tokens,
    vector,
};
use crate::config::EmbedderConfig;
use rten::{ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};

const WHAT: &str = "model";

/// A network with its tokenizer, and as many lanes as there are processors. A text takes one lane; one that comes alone
/// has the other processors' help.
pub(super) struct Model {
    network: rten::Model,
    tokens: Tokens,
    inputs: Vec<(NodeId, Input)>,
    output: NodeId,
    free: Mutex<Vec<Arc<ThreadPool>>>,
    /// Of all lanes together.
    wide: Arc<ThreadPool>,
    lanes: Lanes,
}

/// What a model of this kind may ask for, besides the tokens.
#[derive(Clone, Copy, Debug)]
enum Input {
    Tokens,
    Mask,
    Segments,
    Positions,
}

impl Model {
    pub(super) fn open(config: &EmbedderConfig, digest: &mut Sha256) -> Result<Self, EmbedError> {
        let path = &config.model;
        let unusable = |reason: String| EmbedError::Unusable { what: WHAT, path: path.clone(), reason };
        let bytes = std::fs::read(path).map_err(|source| EmbedError::Read {
            what: WHAT,
            path: path.clone(),
            source,
        })?;
        digest.update(&bytes);
        let network = ModelOptions::with_all_ops().prepack_weights(true).load(bytes);
        let network = network.map_err(|error| unusable(error.to_string()))?;
        let inputs = inputs(&network).map_err(unusable)?;
        let output = output(&network).map_err(unusable)?;
        let tokens = Tokens::open(config, digest)?;
        let pools = (0..lanes::count()).map(|_| Arc::new(ThreadPool::with_num_threads(1))).collect();
        let wide = Arc::new(ThreadPool::with_num_threads(lanes::count()));
        Ok(Self { network, tokens, inputs, output, free: Mutex::new(pools), wide, lanes: Lanes::new() })
    }

    /// Embeds a text off the runtime's threads.
    pub(super) async fn embed_in_lane(self: Arc<Self>, text: String) -> Result<Vec<f32>, EmbedError> {
        let model = Arc::clone(&self);
        self.lanes.run(move || model.embed(&text)).await
    }

    /// Embeds a text on this thread.
    pub(super) fn embed(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let tokens = self.tokens.of(text)?;
        let (lane, alone) = {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            let alone = free.len() == lanes::count();
            (free.pop(), alone)
        };
        let threads = if alone { Some(Arc::clone(&self.wide)) } else { lane.clone() };
        let hidden = self.run(&tokens, threads);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).extend(lane);
        let vector = pooled(hidden?)?;
        vector::unit(vector).ok_or_else(|| EmbedError::Nonsense("a vector has no direction".into()))
    }

    fn run(&self, tokens: &[i32], threads: Option<Arc<ThreadPool>>) -> Result<Value, EmbedError> {
        let failed = |error: &dyn std::error::Error| EmbedError::Failed(error.to_string());
        let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = Vec::with_capacity(self.inputs.len());
        for &(node, input) in &self.inputs {
            let value = Value::from_shape([1, tokens.len()], input.of(tokens));
            inputs.push((node, value.map_err(|error| failed(&error))?.into()));
        }
        let options = RunOptions::default().with_thread_pool(threads);
        let [hidden] =
            self.network.run_n(inputs, [self.output], Some(options)).map_err(|error| failed(&error))?;
        Ok(hidden)
    }
}

impl Input {
    fn of(self, tokens: &[i32]) -> Vec<i32> {
        match self {
            Self::Tokens => tokens.to_vec(),
            Self::Mask => vec![1; tokens.len()],
            Self::Segments => vec![0; tokens.len()],
            Self::Positions => (0..).take(tokens.len()).collect(),
        }
    }
}

fn inputs(network: &rten::Model) -> Result<Vec<(NodeId, Input)>, String> {
    let input = |&id: &NodeId| match name(network, id) {
        "input_ids" => Ok((id, Input::Tokens)),
        "attention_mask" => Ok((id, Input::Mask)),
        "token_type_ids" => Ok((id, Input::Segments)),
        "position_ids" => Ok((id, Input::Positions)),
        other => Err(format!("its input {other:?} is not one of a sentence encoder")),
    };
    let inputs = network.input_ids().iter().map(input).collect::<Result<Vec<_>, _>>()?;
    let reads_tokens = inputs.iter().any(|(_, input)| matches!(input, Input::Tokens));
    if reads_tokens { Ok(inputs) } else { Err("it has no input input_ids".into()) }
}

/// The sentence's vector where the model makes one, or else the tokens' vectors.
fn output(network: &rten::Model) -> Result<NodeId, String> {
    let ids = network.output_ids();
    let called = |wanted: &str| ids.iter().find(|&&id| name(network, id) == wanted);
    let first = called("sentence_embedding").or_else(|| called("last_hidden_state")).or(ids.first());
    first.copied().ok_or_else(|| "it has no output".into())
}

fn name(network: &rten::Model, id: NodeId) -> &str {
    network.node_info(id).and_then(|node| node.name()).unwrap_or_default()
}

fn pooled(hidden: Value) -> Result<Vec<f32>, EmbedError> {
    let wrong =
        || EmbedError::Nonsense("the model's output is not of numbers by sentence or by token".into());
    let Ok(([_, _, width], values)) = hidden.clone().into_shape_vec::<f32, 3>() else {
        return hidden.into_shape_vec::<f32, 2>().map(|(_, values)| values).map_err(|_| wrong());
    };
    if width == 0 { Err(wrong()) } else { Ok(vector::mean(&values, width)) }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("network", &self.network)
            .field("lanes", &self.lanes)
            .finish_non_exhaustive()
    }
}
