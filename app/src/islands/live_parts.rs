//! Parts of a page that the server renders anew while it is open, put in the place of what was there. What somebody
//! uses at that moment is left alone until the next time: a part that holds the focus, or a list that was
//! opened in it.

use leptos::prelude::*;

use crate::events::PageEvent;
use crate::live;

/// What keeps those parts of the page current that its stream tells of. Shows nothing itself.
#[island]
pub fn LiveParts() -> impl IntoView {
    live::listen(|event| {
        if let PageEvent::Parts(parts) = event {
            parts.iter().for_each(show);
        }
    });
}

#[cfg(feature = "hydrate")]
fn show(part: &crate::events::Part) {
    let document = document();
    let Some(element) = document.get_element_by_id(&part.id) else { return };
    let is_used = element.contains(document.active_element().as_deref())
        || element.query_selector("details[open]").is_ok_and(|open| open.is_some());
    if !is_used {
        element.set_inner_html(&part.html);
    }
}

#[cfg(not(feature = "hydrate"))]
fn show(_part: &crate::events::Part) {}
