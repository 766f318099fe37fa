//! From what config trees say to an order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{BootMember, DEPENDS_FILE, Dependency, Selection};
use crate::config_change::FileProblem;
use crate::id::VServerName;

/// A VServer's place in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootStep {
    /// Which.
    pub name: VServerName,
    /// How many others it waits for, one after the other.
    pub wave: usize,
    /// What has to be done with before it begins.
    pub after: Vec<VServerName>,
    /// Who needs it, when it is only started because of that.
    pub needed_by: Vec<VServerName>,
    /// Whether it runs now.
    pub is_running: bool,
}

/// What is wrong with a line of `apps/init/depends`, or worth to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootProblem {
    /// Whose.
    pub of: VServerName,
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub kind: ProblemKind,
}

impl BootProblem {
    /// The file, with the VServer's name before it.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}/{DEPENDS_FILE}", self.of)
    }
}

/// What can be wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemKind {
    /// There is no such VServer; the line is passed over.
    Missing {
        /// The name.
        on: VServerName,
    },
    /// It closes a circle; the line is passed over.
    Circle {
        /// The circle, from the VServer that is named to the one with the line.
        through: Vec<VServerName>,
    },
    /// What is needed is not to be started by itself: it is, because it is needed.
    NotMarked {
        /// Its name.
        on: VServerName,
    },
}

/// A VServer that is not started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub name: VServerName,
    /// Why.
    pub because: LeftOutBecause,
}

/// Why a VServer is not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOutBecause {
    /// It is not among those that are meant.
    NotMeant,
    /// It is disabled.
    Disabled,
}

/// Who is started, or stopped, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootPlan {
    /// In order: by wave, then by name.
    pub steps: Vec<BootStep>,
    /// Who is not, by name.
    pub left_out: Vec<LeftOut>,
    /// What is to be told of dependencies.
    pub problems: Vec<BootProblem>,
    /// Lines of marks and dependencies that make no sense, of every VServer.
    pub unreadable: Vec<FileProblem>,
    /// Names that were asked for and that there is no VServer of.
    pub unknown: Vec<VServerName>,
}

/// What is needed, by name: for each VServer of an order, which others of it have to be done with before.
type Edges<'a> = BTreeMap<&'a VServerName, Vec<&'a VServerName>>;

impl BootPlan {
    /// The order in which those that are meant, and whatever they need, are started.
    #[must_use]
    pub fn start(members: &[BootMember], selection: &Selection) -> Self {
        let of = by_name(members);
        let meant: BTreeSet<_> =
            members.iter().filter(|member| selection.holds(member)).map(|m| &m.name).collect();
        let mut needed_by: BTreeMap<&VServerName, Vec<VServerName>> = BTreeMap::new();
        let mut edges = Edges::new();
        let mut problems = Vec::new();
        let mut ahead: Vec<_> = meant.iter().copied().collect();
        while let Some(name) = ahead.pop() {
            let Some(member) = of.get(name).filter(|_| !edges.contains_key(name)) else { continue };
            let own = edges.entry(&member.name).or_default();
            for Dependency { on, line } in &member.depends {
                let problem = |kind| BootProblem { of: member.name.clone(), line: *line, kind };
                match of.get(on) {
                    None => problems.push(problem(ProblemKind::Missing { on: on.clone() })),
                    Some(needed) if !own.contains(&&needed.name) => {
                        if !meant.contains(on) {
                            problems.push(problem(ProblemKind::NotMarked { on: on.clone() }));
                            needed_by.entry(&needed.name).or_default().push(member.name.clone());
                        }
                        own.push(&needed.name);
                        ahead.push(&needed.name);
                    }
                    Some(_) => {}
                }
            }
        }
        let circles = open_circles(&mut edges);
        for (name, on, through) in circles {
            let lines = of.get(name).into_iter().flat_map(|member| &member.depends);
            let line = lines.into_iter().find(|line| line.on == *on).map_or(1, |line| line.line);
            let through = through.into_iter().cloned().collect();
            let kind = ProblemKind::Circle { through };
            problems.push(BootProblem { of: name.clone(), line, kind });
        }
        problems.sort_by(|a, b| (&a.of, a.line).cmp(&(&b.of, b.line)));
        let because = |member: &BootMember| match member.is_disabled {
            true => LeftOutBecause::Disabled,
            false => LeftOutBecause::NotMeant,
        };
        let mut left_out: Vec<_> = members
            .iter()
            .filter(|member| !edges.contains_key(&member.name))
            .map(|member| LeftOut { name: member.name.clone(), because: because(member) })
            .collect();
        left_out.sort_by(|a, b| a.name.cmp(&b.name));
        let mut unreadable: Vec<_> =
            members.iter().flat_map(|member| member.problems.clone()).collect();
        unreadable.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        let mut steps = in_order(&edges, &of);
        for step in &mut steps {
            step.needed_by = needed_by.remove(&step.name).unwrap_or_default();
            step.needed_by.sort();
        }
        Self { steps, left_out, problems, unreadable, unknown: unknown(&of, selection) }
    }

    /// The order in which those that are meant and run are stopped: whoever needs another one first.
    #[must_use]
    pub fn stop(members: &[BootMember], selection: &Selection) -> Self {
        let of = by_name(members);
        let is_meant = |member: &&BootMember| {
            // What is disabled runs all the same.
            member.is_running && (selection.holds(member) || *selection == Selection::All)
        };
        let mut needs: Edges<'_> =
            members.iter().filter(is_meant).map(|member| (&member.name, Vec::new())).collect();
        let names: Vec<_> = needs.keys().copied().collect();
        for name in &names {
            for on in needed_and_running(&of, name, &needs) {
                needs.entry(name).or_default().push(on);
            }
        }
        open_circles(&mut needs);
        let mut before: Edges<'_> = names.iter().map(|name| (*name, Vec::new())).collect();
        for (name, needed) in &needs {
            for on in needed {
                before.entry(on).or_default().push(name);
            }
        }
        Self { steps: in_order(&before, &of), unknown: unknown(&of, selection), ..Self::default() }
    }
}

fn by_name(members: &[BootMember]) -> BTreeMap<&VServerName, &BootMember> {
    members.iter().map(|member| (&member.name, member)).collect()
}

fn unknown(of: &BTreeMap<&VServerName, &BootMember>, selection: &Selection) -> Vec<VServerName> {
    match selection {
        Selection::Names(names) => {
            names.iter().filter(|name| !of.contains_key(name)).cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// Those of an order that a VServer needs, be it over others that are not of it.
fn needed_and_running<'a>(
    of: &BTreeMap<&'a VServerName, &'a BootMember>,
    name: &VServerName,
    order: &Edges<'a>,
) -> Vec<&'a VServerName> {
    let lines = |name: &VServerName| of.get(name).into_iter().flat_map(|member| &member.depends);
    let mut ahead: Vec<_> = lines(name).map(|line| &line.on).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(on) = ahead.pop() {
        if !seen.insert(on) {
            continue;
        }
        match order.get_key_value(on) {
            Some((known, _)) => found.push(*known),
            None => ahead.extend(lines(on).map(|line| &line.on)),
        }
    }
    found
}

/// Takes away every edge that closes a circle; gives each with the circle that it closed. Looked through by
/// name, so that the same trees always give the same order.
fn open_circles<'a>(
    edges: &mut Edges<'a>,
) -> Vec<(&'a VServerName, &'a VServerName, Vec<&'a VServerName>)> {
    let mut circles = Vec::new();
    let mut done = BTreeSet::new();
    let roots: Vec<_> = edges.keys().copied().collect();
    for root in roots {
        // The way to where we are, each with how many of its edges were looked at.
        let mut way = vec![(root, 0)];
        while let Some((name, next)) = way.last().copied() {
            if done.contains(name) {
                way.pop();
                continue;
            }
            let Some(on) = edges.get(name).and_then(|needed| needed.get(next).copied()) else {
                done.insert(name);
                way.pop();
                continue;
            };
            if let Some(begin) = way.iter().position(|(other, _)| *other == on) {
                let through = way.iter().skip(begin).map(|(name, _)| *name).collect();
                circles.push((name, on, through));
                if let Some(needed) = edges.get_mut(name) {
                    needed.retain(|other| *other != on);
                }
            } else {
                if let Some((_, next)) = way.last_mut() {
                    *next += 1;
                }
                way.push((on, 0));
            }
        }
    }
    circles
}

/// The steps of a graph without circles.
fn in_order(edges: &Edges<'_>, of: &BTreeMap<&VServerName, &BootMember>) -> Vec<BootStep> {
    let mut waves: BTreeMap<&VServerName, usize> = BTreeMap::new();
    let mut steps = Vec::new();
    let mut wave = 0;
    while steps.len() < edges.len() {
        let is_next = |name: &&VServerName, needed: &[&VServerName]| {
            !waves.contains_key(*name) && needed.iter().all(|on| waves.contains_key(on))
        };
        let next: Vec<_> = edges
            .iter()
            .filter(|(name, needed)| is_next(name, needed))
            .map(|(name, needed)| (*name, needed))
            .collect();
        if next.is_empty() {
            break;
        }
        for (name, needed) in &next {
            let mut after: Vec<_> = needed.iter().map(|on| (*on).clone()).collect();
            after.sort();
            steps.push(BootStep {
                name: (*name).clone(),
                wave,
                after,
                needed_by: Vec::new(),
                is_running: of.get(name).is_some_and(|member| member.is_running),
            });
        }
        waves.extend(next.into_iter().map(|(name, _)| (name, wave)));
        wave += 1;
    }
    steps
}
