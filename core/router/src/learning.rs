//! Learns a model: fits every view, leaves every example out once, and finds from that how much each view counts, how
//! sure is sure, and when a message is for two.

use crate::{
    Agent, Vectors,
    chance::Chance,
    combine::{self, Views},
    kernels::{BY_ALL, BY_WORDS, Known, View},
    masks::Masks,
    matrix::Matrix,
    model::{Mix, Model},
    pairs::{self, Pair, Several},
    ridge::Ridge,
};

/// Texts that are learned at most: the cost grows with the cube of them. Each agent gives as many as the others where
/// there are more.
const MOST_TEXTS: usize = 3_000;
/// Examples of one agent in different languages that are at least so alike in meaning say the same. Translations by the
/// encoder's own measure are mostly above it, other messages of one agent mostly below.
const SAME: f32 = 0.8;
/// So many that say the same are left out together; each costs as much as all before it.
const MOST_ALONG: usize = 24;
/// One in so many examples may be less like the others than what is strange.
const STRANGE: usize = 100;

/// A text that is learned.
pub(crate) struct Text<'a> {
    pub(crate) text: &'a str,
    pub(crate) class: usize,
    language: Option<&'a str>,
    /// Whether it is a message, and no description.
    pub(crate) is_message: bool,
}

impl Text<'_> {
    /// Whether a person could have written both.
    pub(crate) fn speaks_like(&self, other: &Self) -> bool {
        self.language == other.language
    }
}

/// What fits to the texts, on the way to a model.
struct Left {
    views: Vec<Vec<Vec<f32>>>,
    pairs: Vec<Views>,
}

impl Model {
    /// Learns the agents, and messages that are for none of them. It takes milliseconds for some hundred examples, and a
    /// few seconds for the most that it learns.
    pub fn learn(agents: &[Agent], nobody: &[String], vectors: Option<&dyn Vectors>) -> Self {
        let texts = texts(agents, nobody);
        let classes = agents.len() + usize::from(!nobody.is_empty());
        let plain: Vec<&str> = texts.iter().map(|text| text.text).collect();
        let known = Known::learn(&plain, vectors);
        let words = known.space.likenesses(&plain);
        let meaning = known.vectors.as_ref().map(|vectors| {
            let mut meaning = vectors.times_turned(vectors);
            // What has no vector is like itself all the same.
            (0..texts.len()).for_each(|i| meaning.row_mut(i)[i] = 1.0);
            meaning
        });
        let along = along(&texts, meaning.as_ref());
        let views = if meaning.is_some() { BY_ALL } else { BY_WORDS };
        let mut truth = Matrix::zeros(texts.len(), classes);
        texts.iter().enumerate().for_each(|(i, text)| truth.row_mut(i)[text.class] = 1.0);

        let drawn = pairs::draw(&texts, agents.len());
        let likenesses: Vec<_> =
            drawn.iter().map(|pair| known.likeness(&pair.joined(&texts), vectors)).collect();
        let mut left = Left { views: vec![Vec::new(); texts.len()], pairs: vec![Vec::new(); drawn.len()] };
        let mut ridges = Vec::with_capacity(views.len());
        for view in views {
            let fitted = Ridge::fit(view.matrix(&words, meaning.as_ref()), &truth);
            let left_out = fitted.left_out(&truth, &along);
            left.views.iter_mut().enumerate().for_each(|(i, views)| views.push(left_out.row(i).to_vec()));
            for ((pair, likeness), views) in drawn.iter().zip(&likenesses).zip(&mut left.pairs) {
                views
                    .push(fitted.score_without(&padded(view.kernel(likeness), texts.len()), &pair.members()));
            }
            ridges.push(fitted.ridge);
        }
        let names = agents.iter().flat_map(|agent| agent.names.iter().map(String::as_str));
        let mut mixes = vec![Mix::learn(BY_WORDS, &texts, &left, &drawn, agents.len())];
        if meaning.is_some() {
            mixes.push(Mix::learn(BY_ALL, &texts, &left, &drawn, agents.len()));
        }
        Self {
            agents: agents.len(),
            masks: Masks::of(names, &plain),
            strange: strangest(&texts, &words, &along),
            known,
            ridges,
            mixes,
        }
    }
}

impl Mix {
    fn learn(views: &[View], texts: &[Text<'_>], left: &Left, drawn: &[Pair], agents: usize) -> Self {
        let of = |all: &Views| all[..views.len()].to_vec();
        let messages = texts.iter().zip(&left.views).filter(|(text, _)| text.is_message);
        let cases: Vec<(Views, usize)> = messages.map(|(text, views)| (of(views), text.class)).collect();
        let has_examples = texts.iter().any(|text| text.is_message && text.class < agents);
        let start = Self::start(views, has_examples);
        let weights = if has_examples { combine::learn(&cases, &start) } else { start };
        let shares: Vec<Vec<f64>> = cases.iter().map(|(views, _)| combine::shares(views, &weights)).collect();
        let of_pairs: Vec<Vec<f64>> =
            left.pairs.iter().map(|views| combine::means(&of(views), &weights)).collect();
        let singles: Vec<Vec<f64>> = cases.iter().map(|(views, _)| combine::means(views, &weights)).collect();
        let several = Several::learn(drawn, &of_pairs, &singles, texts);
        let judged = |(shares, (views, class)): (&Vec<f64>, &(Views, usize))| {
            let best = pairs::best(shares);
            let means = combine::means(views, &weights);
            let alone = several.as_ref().map_or(1.0, |several| 1.0 - several.chance_of_two(&means));
            // What is taken to be for nobody is never decided, and what is for nobody is never right.
            (best < agents).then_some((shares[best] * alone, best == *class))
        };
        let chance = if has_examples {
            Chance::learn(shares.iter().zip(&cases).filter_map(judged).collect())
        } else {
            Chance::default()
        };
        Self { weights, chance, several }
    }

    /// The weights before anything is learned: about those that the development cuts learn, and where there are
    /// descriptions alone those that made registries of sixteen tools likeliest.
    fn start(views: &[View], has_examples: bool) -> Vec<f64> {
        let weight = |view: &View| match (view, views.len(), has_examples) {
            (View::Words, 1, true) => 9.0,
            (View::Words, 1, false) => 40.0,
            (View::Words, _, true) => 3.0,
            (View::Words, _, false) => 10.0,
            (View::Meaning, _, true) => 4.0,
            (View::Meaning, _, false) => 35.0,
            (View::Both, _, true) => 3.0,
            (View::Both, _, false) => 0.0,
        };
        views.iter().map(weight).collect()
    }
}

fn texts<'a>(agents: &'a [Agent], nobody: &'a [String]) -> Vec<Text<'a>> {
    let mut by_class: Vec<Vec<Text<'a>>> = Vec::with_capacity(agents.len() + 1);
    for (class, agent) in agents.iter().enumerate() {
        let messages = agent.examples.iter().map(|example| Text {
            text: &example.text,
            class,
            language: example.language.as_deref(),
            is_message: true,
        });
        let about = agent.about.iter().map(|text| Text { text, class, language: None, is_message: false });
        by_class.push(about.chain(messages).collect());
    }
    let nobody =
        nobody.iter().map(|text| Text { text, class: agents.len(), language: None, is_message: true });
    by_class.push(nobody.collect());
    let (mut each, mut all) = (0, 0);
    while all < MOST_TEXTS && by_class.iter().any(|texts| texts.len() > each) {
        each += 1;
        all += by_class.iter().filter(|texts| texts.len() >= each).count();
    }
    by_class.into_iter().flat_map(|texts| texts.into_iter().take(each)).collect()
}

/// Of each example those that are left out with it: what says the same in another language, and itself once more.
fn along(texts: &[Text<'_>], meaning: Option<&Matrix>) -> Vec<Vec<usize>> {
    let says_the_same = |i: usize, j: usize| {
        let (one, other) = (&texts[i], &texts[j]);
        let translated =
            one.language != other.language && meaning.is_some_and(|meaning| meaning.at(i, j) >= SAME);
        i != j && one.class == other.class && (translated || one.text == other.text)
    };
    (0..texts.len())
        .map(|i| (0..texts.len()).filter(|j| says_the_same(i, *j)).take(MOST_ALONG).collect())
        .collect()
}

/// How little an example may be like the nearest other one by its words before it is strange.
fn strangest(texts: &[Text<'_>], words: &Matrix, along: &[Vec<usize>]) -> f32 {
    let messages = (0..texts.len()).filter(|i| texts[*i].is_message);
    let mut nearest: Vec<f32> = messages
        .map(|i| {
            let others = (0..texts.len()).filter(|j| *j != i && !along[i].contains(j));
            others.map(|j| words.at(i, j)).fold(0.0, f32::max)
        })
        .collect();
    nearest.sort_by(f32::total_cmp);
    nearest.get(nearest.len() / STRANGE).copied().unwrap_or_default()
}

/// A kernel of what has no vector is of nothing.
fn padded(mut kernel: Vec<f32>, length: usize) -> Vec<f32> {
    kernel.resize(length, 0.0);
    kernel
}

#[cfg(test)]
mod tests {
    use crate::{Agent, Example, Message, Model, Vectors};

    /// Knows no text that is not ASCII.
    #[derive(Debug)]
    struct Ascii;

    impl Vectors for Ascii {
        fn vector(&self, text: &str) -> Option<Vec<f32>> {
            let mut vector = vec![0.01; 26];
            for byte in text.bytes() {
                match byte {
                    b'a'..=b'z' => vector[usize::from(byte - b'a')] += 1.0,
                    128.. => return None,
                    _ => {}
                }
            }
            let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
            Some(vector.into_iter().map(|number| number / length).collect())
        }
    }

    fn agent(name: &str, what: &[&str]) -> Agent {
        let texts = what.iter().flat_map(|what| (0..60).map(move |i| format!("{what} {i} {}", i % 7)));
        let examples = texts.map(|text| Example { text, language: None }).collect();
        Agent { names: vec![name.into()], about: vec![], examples }
    }

    #[test]
    fn texts_without_a_vector_are_learned_beside_those_that_have_one() {
        let agents = [
            agent("weather", &["will it rain", "будет ли дождь"]),
            agent("money", &["what does it cost", "сколько это стоит"]),
        ];
        let model = Model::learn(&agents, &["hello there".to_owned()], Some(&Ascii));
        for (text, wanted) in [("rain today", 0), ("cost of it", 1), ("дождь", 0), ("сколько стоит", 1)]
        {
            let verdict = model.judge(Message { text, previous: &[] }, Some(&Ascii), 0.9);
            assert_eq!(verdict.scored()[0].agent, wanted, "{text}: {verdict:?}");
            assert!(verdict.chance().is_finite());
        }
    }
}
