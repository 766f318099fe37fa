//! The numbers of the host, and of all VServers together, in words: for the dashboard and for its stream.

use domain::metrics::Metric;
use domain::metrics::measure::{Filesystem, Holding, Space, permille};
use domain::vserver::State;

use crate::backend::HostNow;
use crate::i18n::{Locale, format, state_text};
use crate::shown::Tile;

/// From here on a filesystem is nearly full, in per mille.
const NEARLY_FULL: u16 = 900;
/// Below so many bytes it is in any case.
const TOO_LITTLE: u64 = 256 << 20;
/// From here on something waits too often, in per mille of the time.
const WAITS_OFTEN: u64 = 500;

/// Whether there is so little room that somebody ought to do something.
#[must_use]
pub fn is_nearly_full(space: Space) -> bool {
    space.used_permille() >= NEARLY_FULL || space.free_bytes < TOO_LITTLE
}

fn tile(label: impl Into<String>, value: String, note: String) -> Tile {
    let href = "/host".to_owned();
    Tile { label: label.into(), value, note, href, permille: None, is_bad: false }
}

/// Hundredths as a decimal number.
pub(crate) fn hundredths(locale: Locale, number: u64) -> String {
    let point = format::tenths(locale, 0).chars().nth(1).unwrap_or('.');
    format!("{}{point}{:02}", format::integer(locale, number / 100), number % 100)
}

/// The host as it was measured last.
#[must_use]
pub fn host_tiles(t: Locale, now: &HostNow) -> Vec<Tile> {
    let resources = &now.resources;
    let of = |metric| now.values.get(metric);
    let mut tiles = Vec::new();

    let cpus = u64::from(resources.cpus.max(1));
    // As charts have it: a CPU is 100 %. Two clocks measure, so that a whisker more than all of them can come out.
    let cpu = of(Metric::Cpu).map(|cpu| cpu.min(cpus * 1000));
    tiles.push(Tile {
        permille: cpu.map(|cpu| permille(cpu, cpus * 1000)),
        ..tile(
            t.cpu(),
            cpu.map_or_else(|| "–".to_owned(), |cpu| format::percent(t, cpu)),
            t.cpus_count(&format::integer(t, cpus)),
        )
    });
    let load = resources.load_hundredths.map(u64::from);
    tiles.push(Tile {
        is_bad: load[1] > cpus * 400,
        ..tile(
            t.load(),
            hundredths(t, load[0]),
            t.load_of(&hundredths(t, load[1]), &hundredths(t, load[2])),
        )
    });
    tiles.push(Tile {
        permille: Some(permille(now.usage.memory_bytes, resources.memory_bytes)),
        ..tile(
            t.memory(),
            format::bytes(t, now.usage.memory_bytes),
            t.of_total(&format::bytes(t, resources.memory_bytes)),
        )
    });
    if resources.swap_bytes > 0 {
        tiles.push(Tile {
            permille: Some(permille(resources.swap_used_bytes, resources.swap_bytes)),
            ..tile(
                t.swap(),
                format::bytes(t, resources.swap_used_bytes),
                t.of_total(&format::bytes(t, resources.swap_bytes)),
            )
        });
    }
    for (metric, label) in [
        (Metric::MemoryPressure, t.memory_pressure()),
        (Metric::CpuPressure, t.cpu_pressure()),
        (Metric::DiskPressure, t.disk_pressure()),
    ] {
        if let Some(share) = of(metric) {
            tiles.push(Tile {
                permille: Some(permille(share, 1000)),
                is_bad: metric == Metric::MemoryPressure && share >= WAITS_OFTEN,
                ..tile(label, format::percent(t, share), String::new())
            });
        }
    }
    let rate = |metric| {
        of(metric).map_or_else(|| "–".to_owned(), |bytes| format!("{}/s", format::bytes(t, bytes)))
    };
    tiles.push(tile(
        t.network(),
        format!("↓ {}", rate(Metric::Received)),
        format!("↑ {}", rate(Metric::Sent)),
    ));
    tiles.extend(resources.filesystems.iter().map(|one| filesystem(t, one)));
    tiles
}

/// What a filesystem holds, in words.
pub(crate) fn held(t: Locale, filesystem: &Filesystem) -> String {
    let words = filesystem.holds.iter().map(|holding| match holding {
        Holding::VServers => t.holds_vservers(),
        Holding::Backups => t.holds_backups(),
        Holding::Database => t.holds_database(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn filesystem(t: Locale, filesystem: &Filesystem) -> Tile {
    let space = filesystem.space;
    let free = t.free_of(&format::bytes(t, space.free_bytes), &format::bytes(t, space.bytes));
    Tile {
        permille: Some(space.used_permille()),
        is_bad: is_nearly_full(space),
        ..tile(
            t.filesystem_at(&filesystem.mount),
            t.is_full_to(&format::percent(t, space.used_permille().into())),
            format!("{free} · {}", held(t, filesystem)),
        )
    }
}

/// How many VServers are in which state; those states that none is in are left out, but for the two that last.
#[must_use]
pub fn state_tiles(t: Locale, states: impl Iterator<Item = State>) -> Vec<Tile> {
    let states: Vec<State> = states.collect();
    State::ALL
        .into_iter()
        .map(|state| (state, states.iter().filter(|one| **one == state).count() as u64))
        .filter(|(state, count)| *count > 0 || matches!(state, State::Running | State::Stopped))
        .map(|(state, count)| Tile {
            href: format!("/vservers?state={}", state.as_str()),
            ..tile(state_text(t, state), format::integer(t, count), String::new())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::metrics::Values;
    use domain::metrics::measure::HostResources;
    use domain::vserver::Usage;

    use super::*;

    #[test]
    fn numbers_have_units_and_say_what_is_wrong() {
        let space = Space { bytes: 100 << 30, free_bytes: 5 << 30 };
        let filesystems = vec![Filesystem {
            mount: "/srv".to_owned(),
            holds: vec![Holding::VServers, Holding::Backups],
            space,
        }];
        let resources = HostResources {
            cpus: 4,
            memory_bytes: 8 << 30,
            load_hundredths: [5, 120, 1234],
            filesystems,
            ..HostResources::default()
        };
        let usage = Usage { memory_bytes: 2 << 30, ..Usage::default() };
        let values = Values::default().with(Metric::Cpu, 2000).with(Metric::Received, 2048);
        let tiles = host_tiles(Locale::English, &HostNow { usage, resources, values });
        let find = |label: &str| tiles.iter().find(|tile| tile.label == label).unwrap();
        assert_eq!((find("CPU").value.as_str(), find("CPU").permille), ("200.0\u{a0}%", Some(500)));
        assert_eq!(find("CPU").note, "of 4 CPUs, 100\u{a0}% each");
        let over = Values::default().with(Metric::Cpu, 4012);
        let resources = HostResources { cpus: 4, ..HostResources::default() };
        let over = host_tiles(Locale::English, &HostNow { usage, resources, values: over });
        assert_eq!(over.first().unwrap().value, "400.0\u{a0}%");
        assert_eq!(find("Load").value, "0.05");
        assert_eq!(find("Memory").permille, Some(250));
        assert!(find("Network").value.contains("2.0\u{a0}KiB/s"));
        let disk = find("Disk /srv");
        assert!(disk.is_bad && disk.value.starts_with("95.0"), "{disk:?}");
        assert!(disk.note.ends_with("VServers, backups"), "{disk:?}");
        assert!(!tiles.iter().any(|tile| tile.label == "Swap"), "there is none");
    }

    #[test]
    fn states_lead_to_the_list_of_those_in_them() {
        let states = [State::Running, State::Building, State::Running];
        let tiles = state_tiles(Locale::French, states.into_iter());
        let shown: Vec<_> = tiles.iter().map(|tile| (tile.value.as_str(), &*tile.href)).collect();
        assert_eq!(
            shown,
            [
                ("2", "/vservers?state=running"),
                ("0", "/vservers?state=stopped"),
                ("1", "/vservers?state=building"),
            ]
        );
    }
}
