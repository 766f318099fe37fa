//! The order of a boot and of a shutdown, for whatever people write into `apps/init/depends`.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use domain::boot::schedule::OnFailure;
use domain::boot::{
    BootMember, BootPlan, Dependency, LeftOutBecause, ProblemKind, Schedule, Selection, simulate,
    with_mark,
};
use domain::id::VServerName;
use proptest::prelude::*;

fn name(text: &str) -> VServerName {
    text.parse().unwrap()
}

/// A VServer with a mark, if it shall have one, and what it needs.
fn member(own: &str, mark: &str, depends: &[&str]) -> BootMember {
    let depends = depends.iter().enumerate();
    BootMember {
        name: name(own),
        marks: mark.parse().into_iter().collect(),
        depends: depends.map(|(line, on)| Dependency { on: name(on), line: line + 1 }).collect(),
        is_disabled: false,
        is_running: false,
        problems: Vec::new(),
    }
}

fn at_boot(members: &[BootMember]) -> BootPlan {
    BootPlan::start(members, &Selection::at_boot().unwrap())
}

/// `wave name` for each step.
fn order(plan: &BootPlan) -> Vec<String> {
    plan.steps.iter().map(|step| format!("{} {}", step.wave, step.name)).collect()
}

#[test]
fn what_is_needed_comes_first_to_its_very_end_and_without_a_mark() {
    let members = [
        member("web", "default", &["db", "dns"]),
        member("db", "", &["disk"]),
        member("disk", "", &["dns"]),
        member("dns", "default", &[]),
        member("other", "later", &["db"]),
        member("off", "", &[]),
    ];
    let plan = at_boot(&members);
    assert_eq!(order(&plan), ["0 dns", "1 disk", "2 db", "3 web"]);
    assert_eq!(plan.steps[2].needed_by, [name("web")]);
    assert_eq!(plan.steps[3].after, [name("db"), name("dns")]);
    let told: Vec<_> = plan.problems.iter().map(|p| (p.file(), p.line, p.kind.clone())).collect();
    let not_marked = |on| ProblemKind::NotMarked { on: name(on) };
    assert_eq!(
        told,
        [
            ("db/apps/init/depends".to_owned(), 1, not_marked("disk")),
            ("web/apps/init/depends".to_owned(), 1, not_marked("db")),
        ]
    );
    let left: Vec<_> = plan.left_out.iter().map(|left| left.name.as_str()).collect();
    assert_eq!(left, ["off", "other"]);
}

#[test]
fn a_missing_name_and_a_circle_are_told_and_hold_nobody_up() {
    let members = [
        member("a", "default", &["ghost", "b"]),
        member("b", "default", &["c"]),
        member("c", "default", &["a"]),
        member("own", "default", &["own"]),
    ];
    let plan = at_boot(&members);
    assert_eq!(order(&plan), ["0 c", "0 own", "1 b", "2 a"]);
    let kinds: Vec<_> =
        plan.problems.iter().map(|p| (p.of.as_str(), p.line, p.kind.clone())).collect();
    let circle = |through: &[&str]| ProblemKind::Circle {
        through: through.iter().map(|one| name(one)).collect(),
    };
    assert_eq!(
        kinds,
        [
            ("a", 1, ProblemKind::Missing { on: name("ghost") }),
            ("c", 1, circle(&["a", "b", "c"])),
            ("own", 1, circle(&["own"])),
        ]
    );
}

#[test]
fn a_disabled_one_is_meant_by_its_name_alone() {
    let mut off = member("off", "default", &[]);
    off.is_disabled = true;
    let members = [off, member("on", "default", &[])];
    let plan = at_boot(&members);
    assert_eq!(order(&plan), ["0 on"]);
    assert_eq!(plan.left_out[0].because, LeftOutBecause::Disabled);
    let named = Selection::Names(vec![name("off"), name("ghost")]);
    let plan = BootPlan::start(&members, &named);
    assert_eq!(order(&plan), ["0 off"]);
    assert_eq!(plan.unknown, [name("ghost")]);
}

#[test]
fn a_shutdown_goes_the_other_way_and_over_those_that_do_not_run() {
    let running = |own, depends: &[&str]| BootMember {
        is_running: true,
        is_disabled: own == "db",
        ..member(own, "", depends)
    };
    let members = [running("web", &["app"]), member("app", "", &["db"]), running("db", &[])];
    let plan = BootPlan::stop(&members, &Selection::All);
    assert_eq!(order(&plan), ["0 web", "1 db"]);
    assert_eq!(plan.steps[1].after, [name("web")]);
}

#[test]
fn a_mark_is_written_beside_others_and_taken_away_alone() {
    let mark = "default".parse().unwrap();
    assert_eq!(with_mark("", &mark, true).unwrap(), "default\n");
    assert_eq!(with_mark("# mine\nlab\n", &mark, true).unwrap(), "# mine\nlab\ndefault\n");
    assert_eq!(with_mark("default", &mark, true).unwrap(), "default\n");
    assert_eq!(with_mark("lab\n default \n", &mark, false).unwrap(), "lab\n");
    assert_eq!(with_mark("default\n\n", &mark, false), None);
    assert_eq!(with_mark("# mine\ndefault\n", &mark, false).unwrap(), "# mine\n");
}

#[test]
fn a_failure_skips_who_needs_it_and_nobody_else() {
    let members = [
        member("a", "default", &[]),
        member("b", "default", &["a"]),
        member("c", "default", &["b"]),
        member("d", "default", &[]),
    ];
    let plan = at_boot(&members);
    let mut schedule = Schedule::new(&plan.steps, NonZeroUsize::MIN, OnFailure::Skip);
    assert_eq!(schedule.begin(), [name("a")]);
    assert_eq!(schedule.begin(), Vec::<VServerName>::new());
    let skipped = schedule.end(&name("a"), false);
    let because: Vec<_> =
        skipped.iter().map(|one| (one.name.as_str(), one.because.as_str())).collect();
    assert_eq!(because, [("b", "a"), ("c", "b")]);
    assert_eq!(schedule.begin(), [name("d")]);
    assert!(!schedule.is_done());
    assert!(schedule.end(&name("d"), true).is_empty() && schedule.is_done());

    let mut stop = Schedule::new(&plan.steps, NonZeroUsize::MAX, OnFailure::GoOn);
    assert_eq!(stop.begin(), [name("a"), name("d")]);
    assert!(stop.end(&name("a"), false).is_empty());
    assert_eq!(stop.begin(), [name("b")]);
    assert_eq!(stop.give_up(), [name("c")]);
}

#[test]
fn a_simulation_takes_as_long_as_the_longest_way() {
    let members = [
        member("db", "default", &[]),
        member("web", "default", &["db"]),
        member("a", "default", &[]),
        member("b", "default", &[]),
    ];
    let plan = at_boot(&members);
    let took: BTreeMap<_, _> = [("db", 300), ("web", 50), ("a", 100)].into();
    let took = |own: &VServerName| took.get(own.as_str()).copied();
    let shown = |at_once: usize| -> Vec<String> {
        let starts = simulate(&plan.steps, NonZeroUsize::new(at_once).unwrap(), took);
        let line = |s: &domain::boot::SimulatedStart| {
            let assumed = if s.is_assumed { "?" } else { "" };
            format!("{} {}-{}{assumed}", s.name, s.begins_ms, s.ready_ms)
        };
        starts.iter().map(line).collect()
    };
    assert_eq!(shown(9), ["a 0-100", "b 0-1000?", "db 0-300", "web 300-350"]);
    assert_eq!(shown(1), ["a 0-100", "b 100-1100?", "db 1100-1400", "web 1400-1450"]);
}

prop_compose! {
    /// Up to nine VServers that need each other in any way.
    fn any_members()(
        rows in prop::collection::vec((any::<bool>(), any::<bool>(), prop::collection::vec(0..11_usize, 0..5)), 1..9)
    ) -> Vec<BootMember> {
        let rows = rows.into_iter().enumerate().map(|(number, (marked, running, needs))| {
            let needs: Vec<String> = needs.iter().map(|other| format!("v{other}")).collect();
            let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
            let mark = if marked { "default" } else { "" };
            BootMember { is_running: running, ..member(&format!("v{number}"), mark, &needs) }
        });
        rows.collect()
    }
}

proptest! {
    #[test]
    fn whatever_a_step_waits_for_stands_before_it(members in any_members()) {
        for plan in [at_boot(&members), BootPlan::stop(&members, &Selection::All)] {
            let mut before = BTreeSet::new();
            for step in &plan.steps {
                prop_assert!(step.after.iter().all(|on| before.contains(on)), "{plan:?}");
                prop_assert!(before.insert(&step.name), "{} is there twice", step.name);
            }
        }
        let plan = at_boot(&members);
        for one in members.iter().filter(|one| !one.marks.is_empty()) {
            prop_assert!(plan.steps.iter().any(|step| step.name == one.name), "{}", one.name);
        }
        prop_assert_eq!(plan.steps.len() + plan.left_out.len(), members.len());
        // What is not waited for though it is named is told.
        for step in &plan.steps {
            let of = members.iter().find(|one| one.name == step.name).unwrap();
            for line in &of.depends {
                let is_told = plan.problems.iter().any(|p| p.of == of.name && match &p.kind {
                    ProblemKind::Missing { on } => *on == line.on,
                    ProblemKind::Circle { through } => through.first() == Some(&line.on),
                    ProblemKind::NotMarked { .. } => false,
                });
                prop_assert!(step.after.contains(&line.on) != is_told, "{plan:?}");
            }
        }
    }

    #[test]
    fn never_more_than_so_many_at_once_and_everybody_in_the_end(
        members in any_members(),
        at_once in 1..4_usize,
        fates in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 9),
    ) {
        let plan = at_boot(&members);
        let at_once = NonZeroUsize::new(at_once).unwrap();
        let mut schedule = Schedule::new(&plan.steps, at_once, OnFailure::Skip);
        let (mut under_way, mut ready, mut left) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for (is_ready, which) in fates {
            for begun in schedule.begin() {
                let step = plan.steps.iter().find(|step| step.name == begun).unwrap();
                prop_assert!(step.after.iter().all(|on| ready.contains(on)));
                under_way.push(begun);
            }
            prop_assert!(under_way.len() <= at_once.get());
            if under_way.is_empty() {
                break;
            }
            let ended = under_way.remove(which.index(under_way.len()));
            left.extend(schedule.end(&ended, is_ready).into_iter().map(|skipped| skipped.name));
            if is_ready { ready.insert(ended) } else { left.insert(ended) };
        }
        prop_assert!(schedule.is_done() && under_way.is_empty());
        prop_assert_eq!(ready.len() + left.len(), plan.steps.len());
        prop_assert!(ready.is_disjoint(&left));
    }
}
