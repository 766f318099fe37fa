//! The `/events` stream: what a page asks for and what it is sent, shared by server and browser.
//!
//! One `EventSource` a page: `GET /events?…` with a [`Subscription`] as its query; every message is
//! one `data:` line holding a [`PageEvent`] as JSON. The first messages after connecting bring the
//! page up to date ([`PageEvent::Engine`], then what the subscription asked for), so a stream that
//! was lost and is opened again leaves no gap and needs no memory on the server. What is sent is in the
//! words of whoever looks ([`crate::shown`]).
//!
//! This file holds data only; `crate::live` is the browser's end, `server::web::events` the other.

use domain::guest_log::{ConsolePiece, ConsolePlace};
use domain::id::{OperationId, VServerName};
use domain::metrics::slot::Range;
use domain::time::UnixMillis;
use domain::vserver::{Sample, Usage};
use serde::{Deserialize, Serialize};

use crate::process_view::ProcessView;
use crate::shown::{ShownLog, ShownOperation, ShownVServer, Tile, TileGroup};

/// What a page wants to be told. Nobody is told what their role may not see.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subscription {
    /// Every VServer: [`PageEvent::VServers`] first, then each change, and samples of all.
    #[serde(skip_serializing_if = "is_false")]
    pub vservers: bool,
    /// One VServer: its row first, then its changes, its samples, its operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vserver: Option<VServerName>,
    /// Every operation as it moves.
    #[serde(skip_serializing_if = "is_false")]
    pub operations: bool,
    /// One operation: as it is first, then as it moves, and its log from `from` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// From which byte of that operation's log on.
    #[serde(skip_serializing_if = "is_zero")]
    pub from: u64,
    /// Processes of VServers: the rows of the table, anew whenever they were measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<ProcessView>,
    /// The host and how many VServers are in which state: [`PageEvent::Tiles`].
    #[serde(skip_serializing_if = "is_false")]
    pub host: bool,
    /// What the dashboard says beside its numbers: [`PageEvent::Parts`].
    #[serde(skip_serializing_if = "is_false")]
    pub dashboard: bool,
    /// Charts of the host, or of the one VServer: a [`PageEvent::Parts`] every now and then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charts: Option<ChartsView>,
    /// What this VServer prints on its console, boot after boot, from `place` on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub console: Option<VServerName>,
    /// Up to where the page has that console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<ConsolePlace>,
}

/// Which charts a page shows: what stands in the address of its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChartsView {
    /// All there are, or those that matter most.
    pub all: bool,
    /// The span of time.
    pub range: Range,
}

impl TryFrom<String> for ChartsView {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (which, range) = text.split_once('-').ok_or("no range")?;
        let all = match which {
            "all" => true,
            "few" => false,
            _ => return Err("neither all nor few"),
        };
        Ok(Self { all, range: Range::of_word(range).ok_or("no such range")? })
    }
}

impl From<ChartsView> for String {
    fn from(view: ChartsView) -> Self {
        format!("{}-{}", if view.all { "all" } else { "few" }, view.range.as_str())
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Subscription {
    /// The address of the stream. Names and ids need no escaping: their types hold nothing that
    /// would; what somebody searches for does.
    #[must_use]
    pub fn url(&self) -> String {
        let mut url = "/events".to_owned();
        let mut separator = '?';
        let mut add = |key: &str, value: &str| {
            url.push(separator);
            url.push_str(key);
            url.push('=');
            url.push_str(value);
            separator = '&';
        };
        if self.vservers {
            add("vservers", "true");
        }
        if self.host {
            add("host", "true");
        }
        if self.dashboard {
            add("dashboard", "true");
        }
        if let Some(view) = self.charts {
            add("charts", &String::from(view));
        }
        if let Some(name) = &self.vserver {
            add("vserver", name.as_str());
        }
        if self.operations {
            add("operations", "true");
        }
        if let Some(id) = &self.operation {
            add("operation", id.as_str());
            add("from", &self.from.to_string());
        }
        if let Some(view) = &self.processes {
            add("processes", &encoded(&view.to_string()));
        }
        if let (Some(name), Some(place)) = (&self.console, &self.place) {
            add("console", name.as_str());
            add("place", &place.to_string());
        }
        url
    }
}

/// A value as it stands in a query.
pub(crate) fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The rows of a table of processes, as its page is rendered with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownProcesses {
    /// The rows in HTML.
    pub rows: String,
    /// How many there are.
    pub counts: String,
}

/// A part of a page: what stands in the element of this id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The id.
    pub id: String,
    /// What stands in it, in HTML.
    pub html: String,
}

/// One message of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageEvent {
    /// Whether the engine answers. First after connecting, then when it changes.
    Engine {
        /// True when it does.
        up: bool,
    },
    /// All VServers as they are; replaces what the page knew.
    VServers(Vec<ShownVServer>),
    /// One VServer as it is now.
    VServer {
        /// Which.
        name: VServerName,
        /// Its row; none when it is gone.
        summary: Option<ShownVServer>,
    },
    /// What is used now. After connecting there may be older ones first, for the charts.
    Samples {
        /// When.
        at: UnixMillis,
        /// The host.
        host: Usage,
        /// Running VServers: all, or the one subscribed to.
        vservers: Vec<Sample>,
    },
    /// An operation as it is now.
    Operation(ShownOperation),
    /// More of the log of the operation subscribed to.
    Log {
        /// Which operation.
        id: OperationId,
        /// The piece; it begins where the one before ended, or where the stream was asked to begin.
        log: ShownLog,
    },
    /// The processes of the view that was subscribed to.
    Processes(ShownProcesses),
    /// Numbers of the host, or of all VServers together, as they are now.
    Tiles {
        /// Which.
        of: TileGroup,
        /// All of them.
        tiles: Vec<Tile>,
    },
    /// Parts of the page as the server would render them now.
    Parts(Vec<Part>),
    /// What the console subscribed to has more; it begins where the piece before ended, or where the stream was
    /// asked to begin.
    Console(ConsolePiece),
    /// Whoever looks may see less or more than when the page was loaded, or is logged out. The last
    /// message of its stream: the page is to be loaded anew.
    RightsChanged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_encoded() {
        assert_eq!(encoded("a b&é"), "a%20b%26%C3%A9");
    }

    #[test]
    fn the_address_names_what_is_wanted() {
        assert_eq!(Subscription::default().url(), "/events");
        let one = Subscription { vserver: "web1".parse().ok(), ..Subscription::default() };
        assert_eq!(one.url(), "/events?vserver=web1");
        let view = ProcessView { text: "a&b".to_owned(), ..ProcessView::default() };
        let processes = Subscription { processes: Some(view), ..Subscription::default() };
        assert_eq!(processes.url(), "/events?processes=vserver%3A0%3A0%3A%3Aa%26b");
        let charts = ChartsView { all: true, range: Range::Week };
        let of_charts = Subscription { charts: Some(charts), ..Subscription::default() };
        assert_eq!(of_charts.url(), "/events?charts=all-1w");
        assert_eq!(ChartsView::try_from("all-1w".to_owned()), Ok(charts));
        assert!(ChartsView::try_from("all-1x".to_owned()).is_err());
        let operation = Subscription {
            operation: "01JADQ8Z9XKXQ5Y7D2M3N4P5R6".parse().ok(),
            from: 42,
            ..Subscription::default()
        };
        assert_eq!(operation.url(), "/events?operation=01JADQ8Z9XKXQ5Y7D2M3N4P5R6&from=42");
        let console = Subscription {
            console: "web1".parse().ok(),
            place: "17-42".parse().ok(),
            ..Subscription::default()
        };
        assert_eq!(console.url(), "/events?console=web1&place=17-42");
    }
}
