//! The views of a text: how alike it is to the examples by its words, by its meaning, and by both together.

use crate::{Vectors, matrix::Matrix, space::Space};

/// A view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Words,
    Meaning,
    Both,
}

/// How fast a kernel falls off as texts are less alike: `exp(FALL (likeness - 1))`, a Gaussian on the unit sphere. One to
/// three differ by less than half a point on the development cuts; none at all (a linear kernel) costs 2 to 4 points.
const FALL: f32 = 2.0;
/// With half of it for each, the product falls as fast as one of them alone.
const HALF: f32 = FALL / 2.0;

/// Views without vectors, and with them.
pub(crate) const BY_WORDS: &[View] = &[View::Words];
pub(crate) const BY_ALL: &[View] = &[View::Words, View::Meaning, View::Both];

/// What texts are compared with.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) space: Space,
    /// The texts' vectors, if all of them have one.
    pub(crate) vectors: Option<Matrix>,
}

/// How alike a text is to every known one.
#[derive(Debug)]
pub(crate) struct Likeness {
    pub(crate) words: Vec<f32>,
    pub(crate) meaning: Option<Vec<f32>>,
}

impl Known {
    pub(crate) fn learn(texts: &[&str], vectors: Option<&dyn Vectors>) -> Self {
        let width =
            vectors.and_then(|vectors| vectors.vector("a").map(|vector| vector.len())).unwrap_or_default();
        // A text that has no vector is like nothing in meaning.
        let rows = vectors.filter(|_| width > 0).map(|vectors| {
            let row = |text: &&str| vectors.vector(text).unwrap_or_else(|| vec![0.0; width]);
            Matrix::of_rows(&texts.iter().map(row).collect::<Vec<_>>())
        });
        Self { space: Space::learn(texts), vectors: rows }
    }

    pub(crate) fn likeness(&self, text: &str, vectors: Option<&dyn Vectors>) -> Likeness {
        let vector = self.vectors.as_ref().and_then(|_| vectors?.vector(text));
        let meaning = self.vectors.as_ref().zip(vector).map(|(known, vector)| {
            let vector = Matrix::of(1, vector.len(), vector);
            vector.times_turned(known).numbers().to_vec()
        });
        Likeness { words: self.space.likeness(text), meaning }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.space.bytes() + self.vectors.as_ref().map_or(0, |vectors| size_of_val(vectors.numbers()))
    }
}

impl View {
    /// The kernel of one text to the known ones; meaning counts as nothing where it is not known.
    pub(crate) fn kernel(self, likeness: &Likeness) -> Vec<f32> {
        let none = Vec::new();
        let meaning = likeness.meaning.as_ref().unwrap_or(&none);
        match self {
            Self::Words => likeness.words.iter().map(|words| fall(FALL, *words)).collect(),
            Self::Meaning => meaning.iter().map(|meaning| fall(FALL, *meaning)).collect(),
            Self::Both => {
                let both = likeness.words.iter().zip(meaning);
                both.map(|(words, meaning)| fall(HALF, *words) * fall(HALF, *meaning)).collect()
            }
        }
    }

    /// The kernel of the known texts among each other.
    pub(crate) fn matrix(self, words: &Matrix, meaning: Option<&Matrix>) -> Matrix {
        let rows = (0..words.rows()).map(|row| {
            let meaning = meaning.map(|meaning| meaning.row(row).to_vec());
            self.kernel(&Likeness { words: words.row(row).to_vec(), meaning })
        });
        Matrix::of_rows(&rows.collect::<Vec<_>>())
    }
}

fn fall(how_fast: f32, likeness: f32) -> f32 {
    (how_fast * (likeness - 1.0)).exp()
}
