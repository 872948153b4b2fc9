//! Stage 1 with an embedder: what a message means, beside the words it is made of. The two views are combined by what
//! cross-validation on the examples says, language by language, so that an embedder that does not know a language does
//! no harm there.

use super::{
    embed::{
        EmbedError, Embedder,
        blend::{self, HeldOut, Weight, Weights},
        head::{Head, Sample},
        zero_shot::Descriptions,
    },
    language,
    lexical::{self, Shares},
    trust::Trust,
};
use crate::agents::Agent;
use std::{collections::HashMap, sync::Arc};

/// How much a description counts beside an example.
const DESCRIPTION_WEIGHT: f32 = 0.3;
/// How much each view counts where there are only descriptions to learn from; found on registries of sixteen tools.
const ZERO_SHOT_WEIGHT: Weight = Weight { lexical: 0.25, embedded: 0.9 };
/// How much an agent's name counts beside the sentences made of its description.
const NAME_WEIGHT: f32 = 0.4;

/// What the embedder learned of a roster.
#[derive(Debug)]
pub(crate) struct Meaning {
    embedder: Arc<Embedder>,
    view: View,
    /// How often words and meaning together are right where they are so sure.
    trust: Trust,
}

#[derive(Debug)]
enum View {
    Examples { head: Box<Head>, weights: Weights },
    Descriptions(Descriptions),
}

/// A text to learn from; the class after the last agent is nobody.
#[derive(Debug, Clone)]
struct Text {
    text: String,
    class: usize,
    is_message: bool,
}

impl Meaning {
    /// About how much memory it takes, without the embedder, which all have.
    pub(super) fn bytes(&self) -> usize {
        match &self.view {
            View::Examples { head, .. } => self.trust.bytes() + head.bytes(),
            View::Descriptions(descriptions) => descriptions.bytes(),
        }
    }

    pub(super) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Learns the agents, and how far meaning is to be trusted.
    pub(crate) async fn learn(
        embedder: Arc<Embedder>,
        agents: &[Arc<Agent>],
        nobody: &[String],
        model: &lexical::Model,
    ) -> Result<Self, EmbedError> {
        if agents.iter().all(|agent| agent.all_examples().next().is_none()) {
            let descriptions: Vec<String> = agents.iter().flat_map(|agent| as_asked_for(agent)).collect();
            let vectors = embedder.embed_examples(&refs(&descriptions)).await?;
            let view = View::Descriptions(Descriptions::new(&vectors, &WAYS));
            return Ok(Self { embedder, view, trust: Trust::default() });
        }
        let texts = texts(agents, nobody);
        let said: Vec<String> = texts.iter().map(|text| text.text.clone()).collect();
        let vectors = embedder.embed_examples(&refs(&said)).await?;
        let (classes, words) = (agents.len() + 1, by_words(model, &texts));
        let learned = tokio::task::spawn_blocking(move || fit(&texts, vectors, &words, classes)).await;
        let (head, weights, trust) = learned.map_err(|error| EmbedError::Failed(error.to_string()))?;
        let view = View::Examples { head: Box::new(head), weights };
        Ok(Self { embedder, view, trust })
    }

    /// What both views together say of some texts, each with what the words say of it; none of those that the embedder
    /// does not know.
    pub(crate) async fn shares(
        &self,
        texts: &[&str],
        lexical: &[Shares],
    ) -> Result<Vec<Option<Shares>>, EmbedError> {
        let vectors = self.embedder.embed(texts).await?;
        let rows = texts.iter().zip(lexical).zip(&vectors);
        let both = |((text, lexical), vector): ((&&str, &Shares), &Vec<f32>)| {
            (!vector.is_empty()).then(|| self.both(text, lexical, vector))
        };
        Ok(rows.map(both).collect())
    }

    fn both(&self, text: &str, lexical: &Shares, vector: &[f32]) -> Shares {
        match &self.view {
            View::Examples { head, weights } => {
                let weight = weights.of(language::of(text), |language| self.embedder.knows(language));
                let nearest = head.nearest(vector, 1).first().map_or(0.0, |near| near.cosine);
                combined(lexical, &head.score(vector), weight, nearest)
            }
            View::Descriptions(descriptions) => {
                let nearest = descriptions.cosines(vector).into_iter().fold(0.0, f64::max);
                let of_agents =
                    descriptions.score(vector).into_iter().map(|share| share * (1.0 - lexical.none));
                let shares: Vec<f64> = of_agents.chain([lexical.none]).collect();
                combined(lexical, &shares, ZERO_SHOT_WEIGHT, nearest)
            }
        }
    }
}

/// Words that were never seen may still be near an example in meaning: then the message is not new.
fn combined(lexical: &Shares, embedded: &[f64], weight: Weight, nearest: f64) -> Shares {
    let words: Vec<f64> = lexical.agents.iter().copied().chain([lexical.none]).collect();
    let mut agents = blend::combine(&words, embedded, weight);
    let none = agents.pop().unwrap_or(1.0);
    let known = if weight.embedded > 0.0 { lexical.known.max(nearest) } else { lexical.known };
    Shares { agents, none, known }
}

fn fit(
    texts: &[Text],
    vectors: Vec<Vec<f32>>,
    by_words: &[Option<lexical::HeldOut>],
    classes: usize,
) -> (Head, Weights, Trust) {
    let is_known: Vec<bool> = vectors.iter().map(|vector| !vector.is_empty()).collect();
    let samples: Vec<Sample> = texts
        .iter()
        .zip(vectors)
        .filter(|(_, vector)| !vector.is_empty())
        .map(|(text, vector)| Sample {
            vector,
            class: text.class,
            weight: if text.is_message { 1.0 } else { DESCRIPTION_WEIGHT },
            is_message: text.is_message,
        })
        .collect();
    let trained = Head::train(&samples, classes);
    let known = by_words.iter().zip(&is_known).filter(|(_, known)| **known).map(|(words, _)| words);
    let rows: Vec<(&lexical::HeldOut, HeldOut<'_>)> = known
        .zip(&trained.held_out)
        .filter_map(|(words, meaning)| {
            let words = words.as_ref()?;
            let row = HeldOut {
                language: language::of(&words.text),
                class: words.class,
                lexical: &words.shares,
                embedded: meaning.as_deref()?,
            };
            Some((words, row))
        })
        .collect();
    // What is nobody's says nothing about which view knows the agents.
    let of_agents = rows.iter().map(|(_, row)| *row).filter(|row| row.class + 1 < classes);
    let weights = Weights::fit(&of_agents.collect::<Vec<_>>());
    let both = |(words, row): &(&lexical::HeldOut, HeldOut<'_>)| {
        let weight = weights.of(row.language, |_| false);
        (words.only(), blend::combine(row.lexical, row.embedded, weight))
    };
    let together: Vec<(Option<usize>, Vec<f64>)> = rows.iter().map(both).collect();
    let trust = Trust::learn(together.iter().map(|(class, shares)| (*class, shares.as_slice())));
    (trained.head, weights, trust)
}

/// What the words alone make of each message when it was not learned; none of descriptions.
fn by_words(model: &lexical::Model, texts: &[Text]) -> Vec<Option<lexical::HeldOut>> {
    let held_out: HashMap<(usize, &str), &lexical::HeldOut> =
        model.held_out().iter().map(|held| ((held.class, held.text.as_str()), held)).collect();
    let of = |text: &Text| {
        let held = held_out.get(&(text.class, text.text.as_str())).filter(|_| text.is_message);
        held.map(|held| (*held).clone())
    };
    texts.iter().map(of).collect()
}

fn texts(agents: &[Arc<Agent>], nobody: &[String]) -> Vec<Text> {
    let mut texts = Vec::new();
    let examples = lexical::examples(agents);
    for (class, (agent, examples)) in agents.iter().zip(examples).enumerate() {
        texts.extend(examples.into_iter().map(|text| Text {
            text: text.to_owned(),
            class,
            is_message: true,
        }));
        texts.push(Text { text: described(agent), class, is_message: false });
    }
    let nobody = lexical::NEGATIVES.iter().copied().chain(nobody.iter().map(String::as_str));
    texts.extend(nobody.map(|text| Text { text: text.to_owned(), class: agents.len(), is_message: true }));
    texts
}

fn described(agent: &Agent) -> String {
    let description: String = agent.description.chars().take(300).collect();
    format!("{}: {description}", agent.name)
}

/// How much each way of saying what an agent does counts.
const WAYS: [f32; 4] = [1.0, 1.0, 1.0, NAME_WEIGHT];

/// What an agent does, said in several ways: a description alone is less like a question.
fn as_asked_for(agent: &Agent) -> [String; 4] {
    let description: String = agent.description.chars().take(300).collect();
    let name = lexical::spaced(&agent.name);
    [
        format!("{name}: {description}"),
        format!("Can you help me? {name} {description}"),
        if description.is_empty() { name.clone() } else { description },
        name,
    ]
}

fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::tests::agents, *};
    use crate::config::{Config, DEFAULTS, EmbedderConfig};
    use axum::{Json, Router, routing::post};
    use serde_json::{Value, json};
    use switchboard_shared::config::parse;
    use tokio_util::{sync::CancellationToken, sync::DropGuard, task::TaskTracker};

    /// Words that mean one thing, the last of each in a language that no example is in.
    const MEANINGS: [&[&str]; 3] = [
        &["weather", "rain", "warm", "umbrella", "forecast", "snow", "wetter", "regnet", "tiempo", "sää"],
        &["euro", "dollar", "rate", "yen", "francs", "franken", "wechselkurs", "pesos", "valuutta"],
        &["function", "bug", "code", "loop", "funktion", "koodi"],
    ];

    /// An endpoint whose vectors say which of the meanings a text has.
    pub(in crate::route) async fn embedder() -> (Arc<Embedder>, DropGuard) {
        let embed = async |Json(body): Json<Value>| {
            let texts =
                body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_lowercase());
            let vector = |text: String| {
                let has = |words: &&[&str]| f64::from(u8::from(words.iter().any(|word| text.contains(word))));
                MEANINGS.iter().map(has).chain([0.1]).collect::<Vec<f64>>()
            };
            let rows = texts.map(vector).enumerate().map(|(i, v)| json!({"index": i, "embedding": v}));
            Json(json!({"data": rows.collect::<Vec<_>>()}))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let server = axum::serve(listener, Router::new().route("/v1/embeddings", post(embed)));
        let server = server.with_graceful_shutdown(stop.clone().cancelled_owned());
        TaskTracker::new().spawn(server.into_future());
        let needed =
            "identity_key = \"0123456789abcdef0123456789abcdef\"\npostgres.urls = [\"postgres://h/d\"]\n";
        let config: Config = parse(DEFAULTS, "test", needed).unwrap();
        let config = EmbedderConfig { url, url_model: "m".into(), ..config.route.embedder };
        (Arc::new(Embedder::open(&config).unwrap().unwrap()), stop.drop_guard())
    }

    #[tokio::test]
    async fn a_message_in_words_never_seen_is_known_by_its_meaning() {
        let (embedder, _stop) = embedder().await;
        let agents = agents();
        let model = lexical::Model::train(&agents);
        let meaning = Meaning::learn(embedder, &agents, &[], &model).await.unwrap();
        let weather = agents.iter().position(|agent| agent.id.as_str() == "weather").unwrap();
        let text = "Kerro sää huomenna";
        let words = model.score(text);
        let both = meaning.shares(&[text], std::slice::from_ref(&words)).await.unwrap().remove(0).unwrap();
        assert!(both.known > words.known && both.known > 0.9, "{words:?} {both:?}");
        assert!(both.agents[weather] > words.agents[weather], "{words:?} {both:?}");
        let sum: f64 = both.agents.iter().sum::<f64>() + both.none;
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }

    #[tokio::test]
    async fn without_examples_the_descriptions_are_what_there_is() {
        let (embedder, _stop) = embedder().await;
        let bare = |agent: &Arc<Agent>| {
            let mut agent = (**agent).clone();
            agent.examples.clear();
            agent.skills.iter_mut().for_each(|skill| skill.examples.clear());
            Arc::new(agent)
        };
        let agents: Vec<_> = agents().iter().map(bare).collect();
        let model = lexical::Model::train(&agents);
        let meaning = Meaning::learn(embedder, &agents, &[], &model).await.unwrap();
        let words = [model.score("valuutta")];
        let shares = meaning.shares(&["valuutta"], &words).await.unwrap().remove(0).unwrap();
        let best = (0..agents.len()).max_by(|a, b| shares.agents[*a].total_cmp(&shares.agents[*b])).unwrap();
        assert_eq!(agents[best].id.as_str(), "money", "{shares:?}");
    }
}
