//! The rows of the table of processes, kept current: the server sends them as it would render them, and
//! here only what is another by then is put in their place. A link that has the focus keeps it.

use leptos::prelude::*;

use crate::events::PageEvent;
use crate::live;

/// What keeps the rows of `#process-rows` and the text of `#process-counts` current. Shows nothing itself.
#[island]
pub fn LiveRows() -> impl IntoView {
    live::listen(|event| {
        if let PageEvent::Processes(shown) = event {
            show(shown);
        }
    });
}

#[cfg(feature = "hydrate")]
fn show(shown: &crate::events::ShownProcesses) {
    use std::collections::HashMap;

    use wasm_bindgen::JsCast;
    use web_sys::{Element, HtmlElement};

    let document = document();
    let (Some(rows), Ok(fresh)) =
        (document.get_element_by_id("process-rows"), document.create_element("tbody"))
    else {
        return;
    };
    if let Some(counts) = document.get_element_by_id("process-counts") {
        counts.set_text_content(Some(&shown.counts));
    }
    fresh.set_inner_html(&shown.rows);
    let key = |row: &Element| row.get_attribute("data-process").unwrap_or_default();
    let focused = document.active_element();
    let mut new: HashMap<String, ()> = HashMap::new();
    each(&fresh, |row| {
        new.insert(key(&row), ());
    });
    let mut known = HashMap::new();
    each(&rows, |row| {
        if new.contains_key(&key(&row)) {
            known.insert(key(&row), row);
        } else {
            row.remove();
        }
    });
    let mut place = rows.first_element_child();
    each(&fresh, |row| {
        let Some(old) = known.remove(&key(&row)) else {
            let _ = rows.insert_before(&row, place.as_deref());
            return;
        };
        let mut cells = Vec::new();
        each(&row, |cell| cells.push(cell));
        let mut cells = cells.into_iter();
        each(&old, |cell| {
            if let Some(new) = cells.next().filter(|new| new.inner_html() != cell.inner_html()) {
                cell.set_inner_html(&new.inner_html());
            }
        });
        if place.as_ref() == Some(&old) {
            place = old.next_element_sibling();
        } else {
            let _ = rows.insert_before(&old, place.as_deref());
        }
    });
    // What is moved loses the focus.
    if let Some(focused) = focused.filter(|focused| rows.contains(Some(focused)))
        && let Some(focused) = focused.dyn_ref::<HtmlElement>()
    {
        let _ = focused.focus();
    }
}

/// Calls `found` with each child, which may take it away.
#[cfg(feature = "hydrate")]
fn each(parent: &web_sys::Element, mut found: impl FnMut(web_sys::Element)) {
    let mut next = parent.first_element_child();
    while let Some(child) = next {
        next = child.next_element_sibling();
        found(child);
    }
}

#[cfg(not(feature = "hydrate"))]
fn show(_shown: &crate::events::ShownProcesses) {}
