//! The browser's end of `/events`: one `EventSource` a page, opened by the first island that
//! listens, at the address the page's frame gives in `data-events`.
//!
//! A stream that breaks is opened again, after 1, 2, 4 … 30 seconds; its first messages bring the
//! page up to date (see [`crate::events`]). In the server everything here does nothing.

use crate::events::PageEvent;

/// How the page is connected to the server.
#[cfg_attr(
    not(feature = "hydrate"),
    expect(dead_code, reason = "the server renders a page that is about to connect")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connection {
    /// Not yet.
    Connecting,
    /// Everything shown is current.
    Live,
    /// The server does not answer; what is shown may be old.
    Lost,
    /// The server answers, and does not let this page listen.
    Refused,
    /// The server speaks of things that this page, loaded before an update, does not know.
    Outdated,
    /// The server answers, the engine does not.
    EngineDown,
}

#[cfg(not(feature = "hydrate"))]
mod end {
    use super::{Connection, PageEvent};

    pub(crate) fn listen(_handler: impl Fn(&PageEvent) + 'static) {}
    pub(crate) fn on_connection(_handler: impl Fn(Connection) + 'static) {}
    pub(crate) fn go_on_from(_key: &'static str, _place: impl core::fmt::Display) {}
    pub(crate) fn clock_offset_ms(_server_now: domain::time::UnixMillis) -> i64 {
        0
    }
    pub(crate) fn every_second(_tick: impl Fn(domain::time::UnixMillis) + 'static, _offset: i64) {}
}

#[cfg(feature = "hydrate")]
mod end {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;
    use std::time::Duration;

    use domain::time::UnixMillis;
    use leptos::prelude::{document, set_interval, set_timeout};
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;
    use web_sys::{EventSource, MessageEvent};

    use super::{Connection, PageEvent};

    /// How long a page that is being left takes for it.
    const ON_ITS_WAY: Duration = Duration::from_secs(1);

    type Listener = Rc<dyn Fn(&PageEvent)>;
    type Watcher = Rc<dyn Fn(Connection)>;

    /// Those who want to be told, and how the stream is.
    #[derive(Default)]
    struct Stream {
        is_open: Cell<bool>,
        failures: Cell<u32>,
        /// Up to where the page has the log it follows, beyond what it was rendered with: the last value of the
        /// stream's address, and its key.
        place: RefCell<Option<(&'static str, String)>>,
        listeners: RefCell<Vec<Listener>>,
        watchers: RefCell<Vec<Watcher>>,
    }

    thread_local! {
        static STREAM: Stream = Stream::default();
    }

    /// Calls `handler` with every message, until the page is left.
    pub(crate) fn listen(handler: impl Fn(&PageEvent) + 'static) {
        STREAM.with(|stream| stream.listeners.borrow_mut().push(Rc::new(handler)));
        start();
    }

    /// Calls `handler` whenever the connection changes, until the page is left.
    pub(crate) fn on_connection(handler: impl Fn(Connection) + 'static) {
        STREAM.with(|stream| stream.watchers.borrow_mut().push(Rc::new(handler)));
        start();
    }

    /// Opens the stream once, after all islands of the page had their turn to listen.
    fn start() {
        if !STREAM.with(|stream| stream.is_open.replace(true)) {
            set_timeout(open, Duration::from_millis(0));
        }
    }

    /// Has the stream, when it is opened again, go on at this place of the log.
    pub(crate) fn go_on_from(key: &'static str, place: impl core::fmt::Display) {
        STREAM.with(|stream| stream.place.replace(Some((key, place.to_string()))));
    }

    fn tell(connection: Connection) {
        let watchers = STREAM.with(|stream| stream.watchers.borrow().clone());
        for watcher in watchers {
            watcher(connection);
        }
    }

    fn open() {
        let address = document()
            .query_selector("[data-events]")
            .ok()
            .flatten()
            .and_then(|element| element.get_attribute("data-events"));
        let Some(mut address) = address else { return };
        if let Some((key, place)) = STREAM.with(|stream| stream.place.borrow().clone())
            && let Some(start) = address.rfind(&format!("{key}="))
        {
            address.truncate(start);
            address.push_str(&format!("{key}={place}"));
        }
        let Ok(source) = EventSource::new(&address) else {
            return;
        };

        let on_message = Closure::<dyn Fn(MessageEvent)>::new(|message: MessageEvent| {
            let Some(text) = message.data().as_string() else {
                return;
            };
            let Ok(event) = serde_json::from_str::<PageEvent>(&text) else {
                tell(Connection::Outdated);
                return;
            };
            STREAM.with(|stream| stream.failures.set(0));
            match event {
                PageEvent::Engine { up: true } => tell(Connection::Live),
                PageEvent::Engine { up: false } => tell(Connection::EngineDown),
                // The server sends whoever is logged out to the log-in. The tab in which they did it is on its way
                // there already, and must not be called back.
                PageEvent::RightsChanged => {
                    let reload = || {
                        let _ = document().location().map(|location| location.reload());
                    };
                    set_timeout(reload, ON_ITS_WAY);
                    return;
                }
                _ => {}
            }
            let listeners = STREAM.with(|stream| stream.listeners.borrow().clone());
            for listener in listeners {
                listener(&event);
            }
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget();

        let broken = source.clone();
        let on_error = Closure::<dyn Fn()>::new(move || {
            let was_refused = broken.ready_state() == EventSource::CLOSED;
            // Not left to the browser: it gives up for good after an answer such as 502.
            broken.close();
            tell(if was_refused { Connection::Refused } else { Connection::Lost });
            let failures = STREAM.with(|stream| {
                let failures = stream.failures.get();
                stream.failures.set(failures.saturating_add(1));
                failures
            });
            let seconds = 2_u64.saturating_pow(failures.min(5)).min(30);
            set_timeout(open, Duration::from_secs(seconds));
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        on_error.forget();
    }

    fn browser_now_ms() -> i64 {
        // Whole milliseconds far below 2⁵³.
        #[expect(clippy::cast_possible_truncation, reason = "a date is far within i64")]
        let now = js_sys::Date::now() as i64;
        now
    }

    /// What to add to the browser's clock to get the server's.
    pub(crate) fn clock_offset_ms(server_now: UnixMillis) -> i64 {
        server_now.0 - browser_now_ms()
    }

    /// Calls `tick` each second with the server's time.
    pub(crate) fn every_second(tick: impl Fn(UnixMillis) + 'static, offset: i64) {
        set_interval(move || tick(UnixMillis(browser_now_ms() + offset)), Duration::from_secs(1));
    }
}

pub(crate) use end::{clock_offset_ms, every_second, go_on_from, listen, on_connection};
