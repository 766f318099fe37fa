//! What has changed between two texts, line by line.
//!
//! Invariant: the kept and removed lines are the old text, the kept and added ones the new text, each
//! in its order.

use similar::{Algorithm, ChangeTag, TextDiff};

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is in both.
    Kept,
    /// It is in the old text only.
    Removed,
    /// It is in the new text only.
    Added,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What became of it.
    pub fate: Fate,
    /// Its number in the old text, from 1.
    pub old: Option<usize>,
    /// Its number in the new text, from 1.
    pub new: Option<usize>,
    /// Its text, without the newline.
    pub text: String,
    /// Whether a newline ends it: the original needed one at the end of a file.
    pub ends: bool,
}

/// How many unchanged lines are shown around a change.
const AROUND: usize = 3;

/// Every line of both texts.
#[must_use]
pub fn lines(old: &str, new: &str) -> Vec<Line> {
    let diff = TextDiff::configure().algorithm(Algorithm::Myers).diff_lines(old, new);
    diff.iter_all_changes()
        .map(|change| {
            let value = change.value();
            let text = value.strip_suffix('\n');
            Line {
                fate: match change.tag() {
                    ChangeTag::Equal => Fate::Kept,
                    ChangeTag::Delete => Fate::Removed,
                    ChangeTag::Insert => Fate::Added,
                },
                old: change.old_index().map(|index| index + 1),
                new: change.new_index().map(|index| index + 1),
                text: text.unwrap_or(value).to_owned(),
                ends: text.is_some(),
            }
        })
        .collect()
}

/// The lines that have changed with a few around them, in groups; what lies between is left out.
#[must_use]
pub fn groups(old: &str, new: &str) -> Vec<Vec<Line>> {
    let lines = lines(old, new);
    let changed: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.fate != Fate::Kept)
        .map(|(index, _)| index)
        .collect();
    let mut groups: Vec<Vec<Line>> = Vec::new();
    let mut last_shown = None;
    for (index, line) in lines.into_iter().enumerate() {
        let is_near = {
            let next = changed.partition_point(|at| *at + AROUND < index);
            changed.get(next).is_some_and(|at| *at <= index + AROUND)
        };
        if !is_near {
            continue;
        }
        let follows = index > 0 && last_shown == Some(index - 1);
        match groups.last_mut() {
            Some(group) if follows => group.push(line),
            _ => groups.push(vec![line]),
        }
        last_shown = Some(index);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rebuilt(lines: &[Line], without: Fate) -> String {
        lines
            .iter()
            .filter(|line| line.fate != without)
            .map(|line| format!("{}{}", line.text, if line.ends { "\n" } else { "" }))
            .collect()
    }

    proptest! {
        #[test]
        fn both_texts_are_in_it(old in "[ab\n\té]{0,60}", new in "[ab\n\té]{0,60}") {
            let lines = lines(&old, &new);
            prop_assert_eq!(rebuilt(&lines, Fate::Added), &*old);
            prop_assert_eq!(rebuilt(&lines, Fate::Removed), &*new);
            let numbers: Vec<_> = lines.iter().filter_map(|line| line.old).collect();
            prop_assert_eq!(&numbers, &(1..=numbers.len()).collect::<Vec<_>>());
        }

        #[test]
        fn groups_hold_every_change_and_little_else(
            old in "([abc]\n){0,40}",
            new in "([abc]\n){0,40}",
        ) {
            let all = lines(&old, &new);
            let shown: Vec<Line> = groups(&old, &new).into_iter().flatten().collect();
            let changed = |lines: &[Line]| {
                lines.iter().filter(|line| line.fate != Fate::Kept).cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(changed(&all), changed(&shown));
            let kept = shown.len() - changed(&shown).len();
            prop_assert!(kept <= 2 * AROUND * changed(&shown).len());
        }
    }

    #[test]
    fn a_missing_newline_is_a_change() {
        let found = groups("24", "24\n");
        let shown: Vec<_> =
            found.iter().flatten().map(|line| (line.fate, line.text.as_str(), line.ends)).collect();
        assert_eq!(shown, [(Fate::Removed, "24", false), (Fate::Added, "24", true)]);
        assert!(groups("a\n", "a\n").is_empty());
    }
}
