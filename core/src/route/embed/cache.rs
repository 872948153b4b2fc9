//! Vectors of texts that were embedded before, in bounded memory.

use sha2::{Digest, Sha256};
use std::{collections::HashMap, mem};

/// Stands for a text. Long enough that nobody can find two texts with the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 16]);

impl Key {
    pub(super) fn of(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        Self(key)
    }
}

/// Forgets what was not used for longest, in two generations: when the young one is full it becomes the old one, and
/// what is used of the old one moves to the young one.
#[derive(Debug)]
pub(super) struct Cache {
    generation: usize,
    young: HashMap<Key, Vec<f32>>,
    old: HashMap<Key, Vec<f32>>,
}

impl Cache {
    /// Remembers the last half of `capacity` for certain, and never more than all of it.
    pub(super) fn new(capacity: usize) -> Self {
        Self { generation: (capacity / 2).max(1), young: HashMap::new(), old: HashMap::new() }
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Vec<f32>> {
        if let Some(vector) = self.young.get(key) {
            return Some(vector.clone());
        }
        let vector = self.old.remove(key)?;
        self.put(*key, vector.clone());
        Some(vector)
    }

    pub(super) fn put(&mut self, key: Key, vector: Vec<f32>) {
        if self.young.len() >= self.generation {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, vector);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_used_goes() {
        let mut cache = Cache::new(4);
        cache.put(Key::of("used"), vec![1.0]);
        cache.put(Key::of("unused"), vec![2.0]);
        for i in 0..20_u8 {
            cache.put(Key::of(&i.to_string()), vec![f32::from(i)]);
            assert_eq!(cache.get(&Key::of("used")), Some(vec![1.0]));
            assert!(cache.young.len() + cache.old.len() <= 4);
        }
        assert_eq!(cache.get(&Key::of("unused")), None);
    }
}
