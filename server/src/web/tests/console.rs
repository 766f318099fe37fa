//! A console as it goes on, and as a file.

use app::events::PageEvent;
use domain::guest_log::ConsolePiece;
use http::{StatusCode, header};
use protocol::{Request, encode};
use sys::seqpacket;

use super::engine_end::{CONSOLE_BOOT, web1};
use super::live::Stream;
use super::{TestSite, until};

fn piece(end: &str, lines: &str, begun: &str) -> ConsolePiece {
    let (lines, begun) = (lines.to_owned(), begun.to_owned());
    ConsolePiece { end: end.parse().unwrap(), lines, begun }
}

/// From where on consoles were asked for.
fn asked(site: &TestSite) -> Vec<String> {
    let world = site.engine.world();
    let requests = world.asked.iter().map(|frame| &frame.request);
    let places = requests.filter_map(|request| match request {
        Request::FollowConsole { name, from } if *name == web1() => *from,
        _ => None,
    });
    places.map(|place| place.to_string()).collect()
}

#[tokio::test]
async fn a_console_goes_on_also_with_another_engine() {
    let site = TestSite::with_users().await;
    let mut otto = site.logged_in("otto").await;
    let mut stream = Stream::open(&mut otto, "console=web1&place=17-4").await;
    let print = async |piece: ConsolePiece| {
        until("it is followed", async || site.engine.world().consoles.len() == 1).await;
        let world = site.engine.world();
        seqpacket::send(&world.consoles[0], &encode(&piece).unwrap(), &[]).unwrap();
    };
    // A stream goes on while it is read.
    let first = piece("17-9", "Ready\n", "web1 lo");
    let is_first = |event: &PageEvent| *event == PageEvent::Console(first.clone());
    tokio::join!(stream.first("a line", is_first), print(first.clone()));
    // Another boot is told as such.
    let is_next = |event: &PageEvent| {
        matches!(event, PageEvent::Console(piece) if piece.lines.ends_with(" —\nBoot\n")
            && piece.lines.contains("Boot of 26"))
    };
    let next = piece("1764160000000-5", "Boot\n", "");
    tokio::join!(stream.first("the next boot", is_next), print(next));
    // Its end is that of the engine; another one goes on where the page is.
    site.engine.world().consoles.clear();
    site.engine.begin_anew();
    let last = piece("1764160000000-9", "more\n", "");
    let is_last = |event: &PageEvent| *event == PageEvent::Console(last.clone());
    tokio::join!(stream.first("what follows", is_last), print(last.clone()));
    assert_eq!(asked(&site), ["17-4", "1764160000000-5"]);
}

#[tokio::test]
async fn a_console_is_a_file_with_a_name_that_is_one() {
    let site = TestSite::with_users().await;
    let mut otto = site.logged_in("otto").await;
    let answer = otto.get(&format!("/vservers/web1/console/{CONSOLE_BOOT}")).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "Ready\n"));
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/plain; charset=utf-8");
    let disposition = "attachment; filename=\"web1-console-20251126T122640Z.log\"";
    assert_eq!(answer.header(header::CONTENT_DISPOSITION), disposition);
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    for none in ["web1/console/1", "web1/console/x", "..%2Fweb1/console/1", "-x/console/1"] {
        let answer = otto.get(&format!("/vservers/{none}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{none}");
        assert!(answer.text.contains("Nothing is kept"), "{none}: {}", answer.text);
    }
}
