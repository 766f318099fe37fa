//! Numbers with what they are, replaced as they change. Their words come from the server.

use leptos::prelude::*;

use crate::events::PageEvent;
use crate::live;
use crate::shown::{Tile, TileGroup};

/// The numbers of a group.
#[island]
pub fn Tiles(of: TileGroup, tiles: Vec<Tile>) -> impl IntoView {
    let tiles = RwSignal::new(tiles);
    live::listen(move |event| {
        if let PageEvent::Tiles { of: group, tiles: fresh } = event
            && *group == of
        {
            tiles.set(fresh.clone());
        }
    });
    let all = move || tiles.get().into_iter().map(tile).collect_view();
    view! { <ul class="tiles">{all}</ul> }
}

fn tile(tile: Tile) -> impl IntoView {
    let Tile { label, value, note, href, permille, is_bad } = tile;
    view! {
        <li class="tile" class:bad=is_bad>
            <a href=href>
                <span class="tile-label">{label}</span>
                <strong class="tile-value">{is_bad.then_some("⚠ ")} {value}</strong>
            </a>
            {permille
                .map(|share| {
                    view! {
                        <svg class="meter" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true">
                            <path class="meter-all" d="M0 5h1000" />
                            <path class="meter-used" d=format!("M0 5h{share}") />
                        </svg>
                    }
                })}
            <span class="tile-note">{note}</span>
        </li>
    }
}
