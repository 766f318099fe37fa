//! A console while it is looked at: what is printed goes to the end of what the server rendered, and the line that
//! is being printed is replaced until it is whole. Text nodes are added by hand: a long log must not be laid out anew
//! for each line.

use core::cell::Cell;

use domain::guest_log::ConsolePiece;
use leptos::prelude::*;

use crate::events::PageEvent;
use crate::live;

/// What keeps `#console-lines` current, whose last child is `#last-line`. Shows nothing itself. Whoever reads at
/// the end stays there; whoever reads above is not moved.
#[island]
pub fn ConsoleTail() -> impl IntoView {
    let pieces = Cell::new(1);
    live::listen(move |event| {
        if let PageEvent::Console(piece) = event {
            live::go_on_from("place", piece.end);
            show(piece, &pieces);
        }
    });
    to_end();
}

/// How many pieces are kept: a guest that prints without end must not fill the browser.
#[cfg(feature = "hydrate")]
const MAX_PIECES: u32 = 1000;

#[cfg(feature = "hydrate")]
fn show(piece: &ConsolePiece, pieces: &Cell<u32>) {
    let document = document();
    let (Some(lines), Some(last)) =
        (document.get_element_by_id("console-lines"), document.get_element_by_id("last-line"))
    else {
        return;
    };
    let is_at_end = lines.scroll_top() + lines.client_height() + 8 >= lines.scroll_height();
    if !piece.lines.is_empty() && last.before_with_str_1(&piece.lines).is_ok() {
        pieces.set(pieces.get() + 1);
    }
    last.set_text_content(Some(&piece.begun));
    if pieces.get() > MAX_PIECES
        && let Some(first) = lines.first_child()
        && lines.remove_child(&first).is_ok()
    {
        pieces.set(pieces.get() - 1);
    }
    if is_at_end {
        lines.set_scroll_top(lines.scroll_height());
    }
}

#[cfg(feature = "hydrate")]
fn to_end() {
    if let Some(lines) = document().get_element_by_id("console-lines") {
        lines.set_scroll_top(lines.scroll_height());
    }
}

#[cfg(not(feature = "hydrate"))]
fn show(_piece: &ConsolePiece, _pieces: &Cell<u32>) {}

#[cfg(not(feature = "hydrate"))]
fn to_end() {}
