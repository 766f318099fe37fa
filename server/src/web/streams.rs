//! How much of something one user, or one address, has open at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what is open, for each of many.
#[derive(Debug, Clone)]
pub(crate) struct Streams<K> {
    most: usize,
    counts: Arc<Mutex<HashMap<K, usize>>>,
}

/// One that is open; counted until dropped.
#[derive(Debug)]
pub(crate) struct Open<K: Hash + Eq> {
    streams: Streams<K>,
    whose: K,
}

impl<K: Hash + Eq + Clone> Streams<K> {
    /// Lets each have so many open.
    pub(crate) fn at_most(most: usize) -> Self {
        Self { most, counts: Arc::default() }
    }

    /// Counts one more, unless there are too many.
    pub(crate) fn open(&self, whose: K) -> Option<Open<K>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(whose.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Open { streams: self.clone(), whose })
    }
}

impl<K: Hash + Eq> Drop for Open<K> {
    fn drop(&mut self) {
        let mut counts = self.streams.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_so_many_and_may_open_another_when_one_is_closed() {
        let streams = Streams::at_most(3);
        let mut open: Vec<_> = (0..3).filter_map(|_| streams.open("one")).collect();
        assert_eq!(open.len(), 3);
        assert!(streams.open("one").is_none());
        assert!(streams.open("other").is_some());
        open.pop();
        assert!(streams.open("one").is_some());
        drop(open);
        assert!(streams.counts.lock().unwrap().is_empty());
    }
}
