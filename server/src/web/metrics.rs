//! `GET /metrics`: the numbers of the host and of its running VServers, for Prometheus, in the OpenMetrics
//! text format.
//!
//! Off unless the settings name a file with a token (`metrics.token_file`), which must be root's alone. It is
//! read before the process gives its rights up, and kept as a digest; a scraper shows it as a bearer token,
//! and is nobody else: no session, no role, no other address. What is answered was measured before, and not long
//! ago, so that asking often costs the engine nothing.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::failure::chain;
use domain::metrics::measure::{Holding, Measured, Measurement, Space};
use engine::roots::Settings;
use http::{HeaderMap, StatusCode, header};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use sha2::{Digest, Sha256};

use super::Site;
use super::measure::Samples;

/// The shortest token that nobody guesses.
const MIN_TOKEN: usize = 32;
const MAX_TOKEN: usize = 1024;
/// How long ago it may have been measured, in milliseconds: three of the periods in which is measured while nobody looks.
const OLDEST_MS: u64 = 30_000;
/// What the answer is.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why a file gives no token.
#[derive(Debug, thiserror::Error)]
enum TokenError {
    #[error("reading it")]
    Read(#[source] io::Error),
    #[error("it is not a file of root's alone: chown root and chmod 600 it")]
    NotRootsAlone,
    #[error(
        "its first line is no token of {} to {} visible ASCII characters",
        MIN_TOKEN,
        MAX_TOKEN
    )]
    NoToken,
}

/// Who may read the numbers: whoever knows the token.
pub(crate) struct Scraper([u8; 32]);

impl Scraper {
    /// Reads the token that the settings name. One that cannot be had keeps everybody out, and nothing else
    /// from working.
    pub(crate) fn of(settings: &Settings) -> Option<Self> {
        let path = settings.metrics.token_file.as_ref()?;
        read_token(path)
            .inspect_err(|error| {
                let error = chain(error);
                tracing::error!(path = %path.display(), error, "/metrics is closed to everybody");
            })
            .ok()
            .map(|token| Self::knowing(&token))
    }

    /// The one who knows this token.
    pub(crate) fn knowing(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether a request shows the token. The comparison of digests says nothing about it, however long it takes;
    /// it takes the same time all the same.
    fn is(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = shown.and_then(|value| value.strip_prefix("Bearer ")) else {
            return false;
        };
        let digest: [u8; 32] = Sha256::digest(token).into();
        let difference = digest.iter().zip(self.0).fold(0, |all, (a, b)| all | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

fn is_roots_alone(about: &Metadata) -> bool {
    about.is_file() && about.uid() == 0 && about.mode() & 0o077 == 0
}

fn read_token(path: &Path) -> Result<String, TokenError> {
    let file = File::open(path).map_err(TokenError::Read)?;
    if !is_roots_alone(&file.metadata().map_err(TokenError::Read)?) {
        return Err(TokenError::NotRootsAlone);
    }
    let mut text = String::new();
    file.take(MAX_TOKEN as u64 + 2).read_to_string(&mut text).map_err(TokenError::Read)?;
    let token = text.lines().next().unwrap_or_default().trim();
    let is_long = (MIN_TOKEN..=MAX_TOKEN).contains(&token.len());
    match is_long && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(token.to_owned()),
        false => Err(TokenError::NoToken),
    }
}

/// Answers `GET /metrics`.
pub(crate) async fn metrics(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let Some(scraper) = &site.scraper else { return StatusCode::NOT_FOUND.into_response() };
    if !scraper.is(&headers) {
        let how = [(header::WWW_AUTHENTICATE, "Bearer realm=\"ulysse\"")];
        return (StatusCode::UNAUTHORIZED, how).into_response();
    }
    let mut registry = Registry::default();
    let is_engine_up = *site.engine.up().borrow();
    let is_young = |at| site.clock.now().millis_since(at) <= OLDEST_MS;
    let samples = site.follow.last_samples().filter(|last| is_engine_up && is_young(last.at));
    registry.register_collector(Box::new(Exposition { is_engine_up, samples }));
    let mut body = String::new();
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "writing metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What is told.
#[derive(Debug)]
struct Exposition {
    is_engine_up: bool,
    samples: Option<Arc<Samples>>,
}

/// Names of labels and what they say, and the number that has them.
type Figure = (Vec<(&'static str, String)>, f64);

/// A number that goes up and down.
const GAUGE: fn(f64) -> ConstGauge<f64> = ConstGauge::new;
/// A number that only ever grows, until what it counts begins anew.
const COUNTER: fn(f64) -> ConstCounter<f64> = ConstCounter::new;

/// Tells a number of all that have it.
fn tell<M: EncodeMetric + TypedMetric>(
    encoder: &mut DescriptorEncoder,
    metric: fn(f64) -> M,
    (name, help): (&str, &str),
    unit: Option<Unit>,
    figures: Vec<Figure>,
) -> fmt::Result {
    if figures.is_empty() {
        return Ok(());
    }
    let mut family = encoder.encode_descriptor(name, help, unit.as_ref(), M::TYPE)?;
    for (labels, value) in figures {
        match labels.is_empty() {
            true => return metric(value).encode(family),
            false => metric(value).encode(family.encode_family(&labels)?)?,
        }
    }
    Ok(())
}

/// A count as Prometheus has all numbers.
#[expect(clippy::cast_precision_loss, reason = "beyond 2⁵³ the last bytes do not matter")]
fn number(count: u64) -> f64 {
    count as f64
}

fn seconds_of_ms(ms: u64) -> f64 {
    number(ms) / 1e3
}

fn seconds_of_us(us: u64) -> f64 {
    number(us) / 1e6
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let up = ("ulysse_engine_up", "Whether the engine answers");
        let is_up = vec![(Vec::new(), f64::from(u8::from(self.is_engine_up)))];
        tell(&mut encoder, GAUGE, up, None, is_up)?;
        let Some(samples) = &self.samples else { return Ok(()) };
        host(&mut encoder, samples)?;
        vservers(&mut encoder, &samples.measurement.vservers)
    }
}

/// The numbers of the host.
fn host(encoder: &mut DescriptorEncoder, samples: &Samples) -> fmt::Result {
    let Measurement { host, resources, vservers } = &samples.measurement;
    let one = |value: f64| vec![(Vec::new(), value)];
    let bytes = || Some(Unit::Bytes);
    let seconds = || Some(Unit::Seconds);
    let running = ("ulysse_vservers_running", "VServers that run");
    tell(encoder, GAUGE, running, None, one(number(vservers.len() as u64)))?;
    let cpus = ("ulysse_host_cpus", "CPUs of the host");
    tell(encoder, GAUGE, cpus, None, one(f64::from(resources.cpus)))?;
    let cpu = ("ulysse_host_cpu", "CPU time of everything on the host");
    tell(encoder, COUNTER, cpu, seconds(), one(seconds_of_ms(resources.cpu_ms)))?;
    let memory = ("ulysse_host_memory_used", "Memory of the host that is not available");
    tell(encoder, GAUGE, memory, bytes(), one(number(host.memory_bytes)))?;
    let memory = ("ulysse_host_memory", "Memory of the host");
    tell(encoder, GAUGE, memory, bytes(), one(number(resources.memory_bytes)))?;
    let swap = ("ulysse_host_swap_used", "Swap of the host that is used");
    tell(encoder, GAUGE, swap, bytes(), one(number(resources.swap_used_bytes)))?;
    let swap = ("ulysse_host_swap", "Swap of the host");
    tell(encoder, GAUGE, swap, bytes(), one(number(resources.swap_bytes)))?;
    let loads = ["1m", "5m", "15m"].into_iter().zip(resources.load_hundredths);
    let loads =
        loads.map(|(over, load)| (vec![("over", over.to_owned())], f64::from(load) / 100.0));
    let load = ("ulysse_host_load", "Processes that run or want to, on average");
    tell(encoder, GAUGE, load, None, loads.collect())?;
    let stalls = resources.pressure.map_or_else(Vec::new, |stall| {
        [("cpu", stall.cpu_us), ("memory", stall.memory_us), ("io", stall.io_us)]
            .map(|(resource, us)| (vec![("resource", resource.to_owned())], seconds_of_us(us)))
            .into()
    });
    let stall = ("ulysse_host_pressure", "Time in which some process waited for a resource");
    tell(encoder, COUNTER, stall, seconds(), stalls)?;
    let processes = ("ulysse_host_processes", "Processes of the host and of all VServers");
    tell(encoder, GAUGE, processes, None, one(f64::from(resources.processes)))?;
    let read = ("ulysse_host_disk_read", "Bytes read from the disks of the host");
    tell(encoder, COUNTER, read, bytes(), one(number(resources.read_bytes)))?;
    let written = ("ulysse_host_disk_written", "Bytes written to the disks of the host");
    tell(encoder, COUNTER, written, bytes(), one(number(resources.written_bytes)))?;
    let received = ("ulysse_host_network_received", "Bytes received by the host's own devices");
    tell(encoder, COUNTER, received, bytes(), one(number(host.received_bytes)))?;
    let sent = ("ulysse_host_network_sent", "Bytes sent by the host's own devices");
    tell(encoder, COUNTER, sent, bytes(), one(number(host.sent_bytes)))?;
    let of_filesystems = |value: fn(Space) -> u64| -> Vec<Figure> {
        let filesystems = resources.filesystems.iter();
        filesystems
            .map(|one| {
                let holds: Vec<_> = one.holds.iter().map(|one| word_of(*one)).collect();
                let labels = vec![("mount", one.mount.clone()), ("holds", holds.join(","))];
                (labels, number(value(one.space)))
            })
            .collect()
    };
    let size = ("ulysse_host_filesystem_size", "Filesystems that hold something of Ulysse's");
    tell(encoder, GAUGE, size, bytes(), of_filesystems(|space| space.bytes))?;
    let free = ("ulysse_host_filesystem_free", "What is free of them for others than root");
    tell(encoder, GAUGE, free, bytes(), of_filesystems(|space| space.free_bytes))
}

fn word_of(holding: Holding) -> &'static str {
    match holding {
        Holding::VServers => "vservers",
        Holding::Backups => "backups",
        Holding::Database => "database",
    }
}

/// The numbers of running VServers; one that the host does not count for one is left out for it.
fn vservers(encoder: &mut DescriptorEncoder, all: &[Measured]) -> fmt::Result {
    let of = |value: &dyn Fn(&Measured) -> Option<f64>| -> Vec<Figure> {
        let label = |one: &Measured| vec![("vserver", one.name.to_string())];
        all.iter().filter_map(|one| Some((label(one), value(one)?))).collect()
    };
    let mode = |mode: &'static str, value: fn(&Measured) -> u64| {
        let label = move |one: &Measured| {
            vec![("vserver", one.name.to_string()), ("mode", mode.to_owned())]
        };
        all.iter().map(move |one| (label(one), seconds_of_ms(value(one)))).collect::<Vec<Figure>>()
    };
    let bytes = || Some(Unit::Bytes);
    let seconds = || Some(Unit::Seconds);
    let mut cpu = mode("user", |one| one.usage.user_ms);
    cpu.extend(mode("system", |one| one.usage.system_ms));
    tell(encoder, COUNTER, ("ulysse_vserver_cpu", "CPU time of a VServer"), seconds(), cpu)?;
    let uptime = ("ulysse_vserver_uptime", "Since when a VServer runs");
    tell(encoder, GAUGE, uptime, seconds(), of(&|one| Some(seconds_of_ms(one.usage.uptime_ms))))?;
    let processes = ("ulysse_vserver_processes", "Processes of a VServer");
    tell(encoder, GAUGE, processes, None, of(&|one| Some(f64::from(one.usage.processes))))?;
    let memory = ("ulysse_vserver_memory", "Memory charged to a VServer, page cache included");
    tell(encoder, GAUGE, memory, bytes(), of(&|one| Some(number(one.usage.memory_bytes))))?;
    let limit = ("ulysse_vserver_memory_limit", "The most memory it may have");
    tell(encoder, GAUGE, limit, bytes(), of(&|one| one.resources.memory_limit_bytes.map(number)))?;
    let swap = ("ulysse_vserver_swap", "Memory of it that is swapped out");
    tell(encoder, GAUGE, swap, bytes(), of(&|one| one.resources.swap_bytes.map(number)))?;
    let stall = ("ulysse_vserver_memory_pressure", "Time in which some of it waited for memory");
    tell(
        encoder,
        COUNTER,
        stall,
        seconds(),
        of(&|one| one.resources.memory_stall_us.map(seconds_of_us)),
    )?;
    let kills = ("ulysse_vserver_oom_kills", "Processes of it ended for want of memory");
    tell(encoder, COUNTER, kills, None, of(&|one| one.resources.oom_kills.map(number)))?;
    let read = ("ulysse_vserver_disk_read", "Bytes it read from disks");
    tell(encoder, COUNTER, read, bytes(), of(&|one| one.resources.read_bytes.map(number)))?;
    let written = ("ulysse_vserver_disk_written", "Bytes it wrote to disks");
    tell(encoder, COUNTER, written, bytes(), of(&|one| one.resources.written_bytes.map(number)))?;
    let size = ("ulysse_vserver_volume_size", "The volume that its files fill");
    tell(
        encoder,
        GAUGE,
        size,
        bytes(),
        of(&|one| one.resources.disk.map(|disk| number(disk.bytes))),
    )?;
    let free = ("ulysse_vserver_volume_free", "What is free of it");
    tell(
        encoder,
        GAUGE,
        free,
        bytes(),
        of(&|one| one.resources.disk.map(|disk| number(disk.free_bytes))),
    )?;
    let received = ("ulysse_vserver_network_received", "Bytes it received");
    tell(encoder, COUNTER, received, bytes(), of(&|one| Some(number(one.usage.received_bytes))))?;
    let sent = ("ulysse_vserver_network_sent", "Bytes it sent");
    tell(encoder, COUNTER, sent, bytes(), of(&|one| Some(number(one.usage.sent_bytes))))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown};

    use http::HeaderValue;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_token_is_a_file_of_roots_alone() {
        let base = tempfile::tempdir().unwrap();
        let path = base.path().join("token");
        let attempt = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            read_token(&path)
        };
        assert_eq!(attempt(&format!("{TOKEN}\n"), 0o600).unwrap(), TOKEN);
        assert!(matches!(attempt(TOKEN, 0o640), Err(TokenError::NotRootsAlone)));
        assert!(matches!(attempt("short", 0o600), Err(TokenError::NoToken)));
        assert!(matches!(attempt("", 0o600), Err(TokenError::NoToken)));
        assert!(matches!(attempt(&format!("{TOKEN} {TOKEN}"), 0o600), Err(TokenError::NoToken)));
        attempt(TOKEN, 0o600).unwrap();
        chown(&path, Some(65_534), None).unwrap();
        assert!(matches!(read_token(&path), Err(TokenError::NotRootsAlone)));
        assert!(matches!(read_token(&base.path().join("none")), Err(TokenError::Read(_))));
        assert!(Scraper::of(&Settings::default()).is_none(), "off unless it is named");
    }

    #[test]
    fn only_the_token_opens() {
        let scraper = Scraper::knowing(TOKEN);
        let is = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            scraper.is(&headers)
        };
        assert!(is(&format!("Bearer {TOKEN}")));
        for wrong in ["", "Bearer ", TOKEN, "Bearer x", &format!("Basic {TOKEN}")] {
            assert!(!is(wrong), "{wrong}");
        }
        assert!(!scraper.is(&HeaderMap::new()));
    }
}
