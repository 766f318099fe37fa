//! `/metrics` as a scraper reads it, and histories as pages do.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use domain::metrics::slot::{Aggregate, Range, Tier};
use domain::metrics::{Metric, Series};
use domain::operation::{Kind, Operation, Progress};
use http::{StatusCode, header};
use protocol::Event;

use super::engine_end::{operation, web1};
use super::{TOKEN, TestSite, until};

/// Every line of the format: what it is a number of, with its labels, and the number. Anything that is no line
/// of it fails.
fn parsed(text: &str) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut units: BTreeMap<String, String> = BTreeMap::new();
    let (text, rest) = text.split_once("# EOF\n").expect("it ends");
    assert_eq!(rest, "");
    for line in text.lines() {
        if let Some(about) = line.strip_prefix("# ") {
            let mut words = about.splitn(3, ' ');
            let (what, name) = (words.next().unwrap(), words.next().unwrap().to_owned());
            let word = words.next().unwrap().to_owned();
            match what {
                "TYPE" => assert!(types.insert(name, word).is_none(), "twice: {line}"),
                "UNIT" => assert!(units.insert(name, word).is_none(), "twice: {line}"),
                "HELP" => {}
                other => panic!("{other}"),
            }
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let name = sample.split('{').next().unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        let family = name.strip_suffix("_total").unwrap_or(name);
        let kind = types.get(family).unwrap_or_else(|| panic!("of no type: {line}"));
        assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        if let Some(unit) = units.get(family) {
            assert!(family.ends_with(unit), "{line} in {unit}");
        }
        assert!(numbers.insert(sample.to_owned(), value.parse().unwrap()).is_none(), "{line}");
    }
    numbers
}

#[tokio::test]
async fn a_scraper_reads_numbers_with_names_units_and_labels() {
    let site = TestSite::new().await;
    until("something is measured", async || site.site.follow.last_samples().is_some()).await;
    let scrape = async || {
        let mut scraper = site.browser();
        let request = scraper
            .request("GET", "/metrics")
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .body(Body::empty())
            .unwrap();
        scraper.send(request).await
    };
    let answer = scrape().await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header(header::CONTENT_TYPE).starts_with("application/openmetrics-text"));
    assert!(answer.header(header::SET_COOKIE).is_empty(), "it has no session");
    let numbers = parsed(&answer.text);
    let number = |sample: &str| {
        *numbers.get(sample).unwrap_or_else(|| panic!("no {sample} in {}", answer.text))
    };
    let is = |sample: &str, expected: f64| {
        assert!((number(sample) - expected).abs() < 1e-9, "{sample} {}", number(sample));
    };
    is("ulysse_engine_up", 1.0);
    is("ulysse_vservers_running", 1.0);
    is("ulysse_vserver_processes{vserver=\"web1\"}", 7.0);
    is("ulysse_vserver_memory_bytes{vserver=\"web1\"}", 0.0);
    is("ulysse_vserver_oom_kills_total{vserver=\"web1\"}", 1.0);
    is("ulysse_vserver_cpu_seconds_total{vserver=\"web1\",mode=\"user\"}", 0.0);
    let free = "ulysse_host_filesystem_free_bytes{mount=\"/\",holds=\"vservers\"}";
    is(free, f64::from(1 << 29));
    let is_limit = |sample: &String| sample.starts_with("ulysse_vserver_memory_limit");
    assert!(!numbers.keys().any(is_limit), "what is not counted is not told");
    // What was measured a minute ago is not what is now.
    site.clock.set_forward(Duration::from_secs(60));
    let numbers = parsed(&scrape().await.text);
    assert_eq!(numbers.keys().collect::<Vec<_>>(), ["ulysse_engine_up"]);
}

#[tokio::test]
async fn what_is_measured_is_kept_and_follows_its_vserver() {
    let site = TestSite::new().await;
    let follow = &site.site.follow;
    until("something is measured", async || follow.last_samples().is_some()).await;
    let processes = async |name: &str| {
        let series = Series::VServer(name.parse().unwrap());
        let until = site.site.clock.now();
        let kept = site.site.store.metric_history(&series, Range::Hour, until, &[]).await.unwrap();
        kept.slots.last().and_then(|(_, slot)| slot.get(Metric::Processes)).map(Aggregate::mean)
    };
    assert_eq!(processes("web1").await, None, "not before its time is over");
    let series = Series::VServer(web1());
    assert_eq!(follow.recent_slots(&series).len(), 1, "but it is known");
    // Ten seconds later its slot is over.
    site.clock.set_forward(Duration::from_millis(Tier::Seconds.period_ms().unsigned_abs()));
    follow.keep_all_measured().await;
    assert_eq!(processes("web1").await, Some(7));

    let renamed = Operation {
        renamed_to: "www".parse().ok(),
        ..operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R7", Kind::Rename, Progress::Succeeded)
    };
    site.engine.tell(Event::Operation(renamed.clone()));
    until("its history follows", async || processes("www").await == Some(7)).await;
    assert_eq!(processes("web1").await, None);

    // Another VServer is built that has the name.
    let built = Operation {
        target: "www".parse().unwrap(),
        ..operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R8", Kind::Build, Progress::Succeeded)
    };
    site.engine.tell(Event::Operation(built));
    until("it begins with none", async || processes("www").await.is_none()).await;

    // And one that has the old name; the renaming that is told again is not done again.
    let _looking = follow.listen(true);
    until("it is measured", async || !follow.recent_slots(&series).is_empty()).await;
    site.engine.tell(Event::Operation(renamed));
    let later = operation("01JADQ8Z9XKXQ5Y7D2M3N4P5R9", Kind::Start, Progress::Succeeded);
    site.engine.tell(Event::Operation(later.clone()));
    let is_kept = async || site.site.store.operation(&later.id).await.unwrap().is_some();
    until("what was told after it is kept", is_kept).await;
    let www = Series::VServer("www".parse().unwrap());
    assert!(follow.recent_slots(&www).is_empty());
}
