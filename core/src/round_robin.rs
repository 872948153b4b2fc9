//! Who waits is served in turn by whose it is, and not in order of arrival: however many of one come first, the next one
//! served is another's (round robin; every piece counts the same, so that no deficits need be kept).

use std::collections::VecDeque;

/// Lines of those who wait, one for each key; who has just been served is the last to be served again.
#[derive(Debug)]
pub(crate) struct RoundRobin<K, L>(VecDeque<(K, L)>);

/// What stands behind a key: a queue, or a round robin of its own.
pub(crate) trait Line: Default {
    /// Whether nobody waits in it.
    fn is_empty(&self) -> bool;
}

impl<T> Line for VecDeque<T> {
    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

impl<K, L> Line for RoundRobin<K, L> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K, L> Default for RoundRobin<K, L> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: PartialEq, L: Line> RoundRobin<K, L> {
    /// The line of a key; a new one is served last.
    pub(crate) fn line(&mut self, key: K) -> &mut L {
        let at = self.0.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            self.0.push_back((key, L::default()));
            self.0.len() - 1
        });
        &mut self.0[at].1
    }

    /// Takes the first thing that `take` gives for a line, line by line from whoever has waited longest for being served.
    pub(crate) fn serve<T>(&mut self, mut take: impl FnMut(&K, &mut L) -> Option<T>) -> Option<T> {
        let found = self.0.iter_mut().enumerate().find_map(|(at, (key, line))| Some((at, take(key, line)?)));
        let (at, thing) = found?;
        if let Some((key, line)) = self.0.remove(at).filter(|(_, line)| !line.is_empty()) {
            self.0.push_back((key, line));
        }
        Some(thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rows = RoundRobin<&'static str, VecDeque<u8>>;

    fn next(lines: &mut Rows) -> Option<u8> {
        lines.serve(|_, line| line.pop_front())
    }

    #[test]
    fn each_line_is_served_in_turn_and_each_in_its_own_order() {
        let mut lines = Rows::default();
        lines.line("a").extend([1, 2, 3, 4]);
        assert_eq!(next(&mut lines), Some(1));
        lines.line("b").extend([11, 12]);
        lines.line("c").extend([21]);
        let served: Vec<_> = std::iter::from_fn(|| next(&mut lines)).collect();
        assert_eq!(served, [2, 11, 21, 3, 12, 4]);
        assert!(lines.is_empty());
    }

    #[test]
    fn who_may_not_be_served_now_keeps_the_place_and_holds_nobody_up() {
        let mut lines = Rows::default();
        lines.line("a").push_back(1);
        lines.line("b").push_back(11);
        assert_eq!(lines.serve(|key, line| if *key == "a" { None } else { line.pop_front() }), Some(11));
        lines.line("b").push_back(12);
        assert_eq!(next(&mut lines), Some(1));
        assert_eq!(next(&mut lines), Some(12));
        assert!(next(&mut lines).is_none() && lines.is_empty());
    }
}
