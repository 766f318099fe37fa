//! When backups are taken and what is kept of them.

use std::collections::BTreeSet;

use domain::backup::BackupId;
use domain::id::TargetName;
use domain::retention::{Frequency, Judged, Reason, Retention, Schedule, ScheduleForm};
use domain::time::UnixMillis;
use proptest::prelude::*;

/// 2026-11-24, 05:43:04 UTC; a Tuesday.
const NOW: UnixMillis = UnixMillis(1_795_498_984_000);
const DAY: i64 = 86_400_000;

fn id(text: &str) -> BackupId {
    text.parse().unwrap()
}

fn kept(judged: &[Judged]) -> BTreeSet<BackupId> {
    judged.iter().filter(|one| one.is_kept()).map(|one| one.id).collect()
}

#[test]
fn a_backup_is_named_by_its_moment() {
    let one = BackupId::taken_at(NOW).unwrap();
    assert_eq!(one.to_string(), "20261124T054304000Z");
    assert_eq!(id("20261124T054304000Z").at(), NOW);
    for wrong in [
        "",
        "20261124T054304000",
        "20261124T054304000z",
        "20261131T054304000Z",
        "20260230T054304000Z",
        "19691231T235959999Z",
        "20261124T244304000Z",
        "../../../etc/shadow",
        "+0261124T054304000Z",
        "20261124T054304000Zé",
    ] {
        assert!(wrong.parse::<BackupId>().is_err(), "{wrong}");
    }
    assert!(BackupId::taken_at(UnixMillis(i64::MAX)).is_none());
}

#[test]
fn the_last_of_each_day_week_and_month_is_kept() {
    let policy: Retention = "last=1 daily=2 weekly=2 monthly=2".parse().unwrap();
    let backups = [
        "20261124T020000000Z",
        "20261124T010000000Z",
        "20261123T020000000Z",
        "20261122T020000000Z",
        "20261121T020000000Z",
        "20261031T020000000Z",
        "20260901T020000000Z",
    ]
    .map(id);
    let shown: Vec<String> = policy
        .preview(&backups)
        .iter()
        .map(|one| {
            let reasons: Vec<&str> = one.reasons.iter().map(|reason| reason.as_str()).collect();
            format!("{} {}", one.id, reasons.join("+"))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "20261124T020000000Z last+daily+weekly+monthly",
            "20261124T010000000Z ",
            "20261123T020000000Z daily",
            "20261122T020000000Z weekly",
            "20261121T020000000Z ",
            "20261031T020000000Z monthly",
            "20260901T020000000Z ",
        ]
    );
}

#[test]
fn texts_are_read_as_they_are_written() {
    for text in ["last=3 daily=7 weekly=4 monthly=12", "monthly=1", "last=1000"] {
        assert_eq!(text.parse::<Retention>().unwrap().to_string(), text);
    }
    assert_eq!("daily=7,last=3".parse::<Retention>().unwrap().to_string(), "last=3 daily=7");
    for wrong in ["", "last=0", "last", "last=-1", "last=1001", "yearly=3", "last=1 last=2"] {
        assert!(wrong.parse::<Retention>().is_err(), "{wrong}");
    }
    for text in ["hourly :15", "daily 02:30", "weekly sun 23:59"] {
        assert_eq!(text.parse::<Frequency>().unwrap().to_string(), text);
    }
    for wrong in
        ["", "daily", "daily 2:30", "daily 24:00", "weekly 02:30", "hourly 15", "hourly :60"]
    {
        assert!(wrong.parse::<Frequency>().is_err(), "{wrong}");
    }
}

#[test]
fn moments_of_a_schedule() {
    let latest = |text: &str| {
        BackupId::taken_at(text.parse::<Frequency>().unwrap().latest(NOW)).unwrap().to_string()
    };
    assert_eq!(latest("hourly :43"), "20261124T054300000Z");
    assert_eq!(latest("hourly :44"), "20261124T044400000Z");
    assert_eq!(latest("daily 05:43"), "20261124T054300000Z");
    assert_eq!(latest("daily 06:00"), "20261123T060000000Z");
    assert_eq!(latest("weekly tue 05:00"), "20261124T050000000Z");
    assert_eq!(latest("weekly tue 06:00"), "20261117T060000000Z");
    assert_eq!(latest("weekly wed 05:00"), "20261118T050000000Z");
}

#[test]
fn one_is_due_once_and_tried_again_after_a_while() {
    let schedule = Schedule {
        target: "local".parse().unwrap(),
        when: "daily 05:00".parse().unwrap(),
        keep: "last=1".parse().unwrap(),
    };
    let since = NOW.plus_millis(-2 * DAY);
    let five = schedule.when.latest(NOW);
    assert!(schedule.is_due(NOW, since, None, None));
    assert!(schedule.is_due(NOW, since, Some(five.plus_millis(-1)), None));
    assert!(!schedule.is_due(NOW, since, Some(five.plus_millis(60_000)), None));
    // Made after the moment: the next one is the first.
    assert!(!schedule.is_due(NOW, NOW.plus_millis(-60_000), None, None));
    // It was tried just now and failed: an hour's rest.
    let tried = Some(five.plus_millis(60_000));
    assert!(!schedule.is_due(NOW, since, None, tried));
    assert!(schedule.is_due(five.plus_millis(62 * 60_000), since, None, tried));
    // Said to be missing only when it had time to be made.
    assert_eq!(schedule.missing(NOW, since, Some(five.plus_millis(-1))), None);
    let later = five.plus_millis(3 * 3_600_000);
    assert_eq!(schedule.missing(later, since, Some(five.plus_millis(-1))), Some(five));
    assert_eq!(schedule.missing(later, since, Some(five)), None);
}

#[test]
fn a_schedule_is_judged_field_by_field() {
    let targets: Vec<TargetName> = vec!["local".parse().unwrap(), "far".parse().unwrap()];
    let form = |target: &str, when: &str, keep: &str| ScheduleForm {
        target: target.into(),
        when: when.into(),
        keep: keep.into(),
    };
    assert_eq!(form("", "", "").judge(&targets), Ok(None));
    assert!(form("local", "daily 02:30", "last=3").judge(&targets).unwrap().is_some());
    assert!(form("", "daily 02:30", "last=3").judge(&targets[..1]).unwrap().is_some());
    assert_eq!(form("else", "often", "all").judge(&targets).unwrap_err().0.len(), 3);
}

fn policies() -> impl Strategy<Value = Retention> {
    (0_u16..9, 0_u16..9, 0_u16..9, 0_u16..9)
        .prop_filter_map("keeps nothing", |(a, b, c, d)| Retention::new(a, b, c, d).ok())
}

fn moments() -> impl Strategy<Value = Vec<BackupId>> {
    proptest::collection::vec(0_i64..200 * DAY, 0..60).prop_map(|all| {
        all.into_iter()
            .filter_map(|ms| BackupId::taken_at(NOW.plus_millis(ms - 200 * DAY)))
            .collect()
    })
}

proptest! {
    #[test]
    fn the_newest_stays_and_applying_twice_is_applying_once(
        policy in policies(), backups in moments(),
    ) {
        let judged = policy.preview(&backups);
        let once = kept(&judged);
        prop_assert_eq!(judged.len(), backups.iter().collect::<BTreeSet<_>>().len());
        if let Some(newest) = backups.iter().max() {
            prop_assert!(once.contains(newest));
        }
        let left: Vec<BackupId> = once.iter().copied().collect();
        prop_assert_eq!(kept(&policy.preview(&left)), once);
    }

    #[test]
    fn a_new_backup_never_brings_a_removed_one_back_nor_loses_the_last_ones(
        policy in policies(), mut backups in moments(), extra in 1_i64..40 * DAY,
    ) {
        let before = kept(&policy.preview(&backups));
        let new = BackupId::taken_at(NOW.plus_millis(extra)).unwrap();
        backups.push(new);
        let after = kept(&policy.preview(&backups));
        prop_assert!(after.contains(&new));
        for one in after.iter().filter(|one| **one != new) {
            prop_assert!(before.contains(one));
        }
    }

    #[test]
    fn no_more_is_kept_than_was_said(
        last in 1_u16..9, daily in 0_u16..9, weekly in 0_u16..9, monthly in 0_u16..9,
        backups in moments(),
    ) {
        let judged = Retention::new(last, daily, weekly, monthly).unwrap().preview(&backups);
        let of = |reason| judged.iter().filter(|one| one.reasons.contains(&reason)).count();
        prop_assert!(of(Reason::Last) <= usize::from(last));
        prop_assert!(of(Reason::Daily) <= usize::from(daily));
        prop_assert!(of(Reason::Weekly) <= usize::from(weekly));
        prop_assert!(of(Reason::Monthly) <= usize::from(monthly));
    }

    #[test]
    fn names_of_backups_are_read_as_they_are_written(ms in 0_i64..253_402_300_799_999) {
        let one = BackupId::taken_at(UnixMillis(ms)).unwrap();
        prop_assert_eq!(one.at(), UnixMillis(ms));
        prop_assert_eq!(one.to_string().parse::<BackupId>(), Ok(one));
    }
}
