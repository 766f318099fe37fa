//! The command line of a plain form, filled in by the server and kept up to date as somebody types.
//!
//! It stands inside its form and reads the fields that [`Command`] names; it knows no form by itself.

use domain::command::Command;
use leptos::html::P;
use leptos::prelude::*;

use crate::i18n::Locale;

/// The command that does what the form around it does.
#[island]
pub fn FormCommand(locale: Locale, command: Command) -> impl IntoView {
    let node = NodeRef::<P>::new();
    let line = RwSignal::new(command.line());
    follow(node, command, line);
    view! {
        <p node_ref=node>
            {locale.command()} {locale.colon()} <code>{line}</code>
        </p>
    }
}

#[cfg(feature = "hydrate")]
fn follow(node: NodeRef<P>, mut command: Command, line: RwSignal<String>) {
    use wasm_bindgen::JsCast;
    use wasm_bindgen::closure::Closure;

    let fields = command.fields();
    node.on_load(move |paragraph| {
        let form = paragraph.closest("form").ok().flatten();
        let Some(form) = form.and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok())
        else {
            return;
        };
        let read = form.clone();
        let mut fill = move || {
            let Ok(data) = web_sys::FormData::new_with_form(&read) else { return };
            for field in &fields {
                // A box that is not ticked is not there; a file is no text.
                let values = data.get_all(field);
                let texts = values.iter().filter_map(|value| value.as_string());
                command.fill(field, &texts.collect::<Vec<_>>().join(","));
            }
            line.set(command.line());
        };
        // A browser may have put back what was typed before the page was left.
        fill();
        let listener = Closure::<dyn FnMut()>::new(fill);
        let _ = form.add_event_listener_with_callback("input", listener.as_ref().unchecked_ref());
        // It lives as long as the page does.
        listener.forget();
    });
}

#[cfg(not(feature = "hydrate"))]
fn follow(_node: NodeRef<P>, _command: Command, _line: RwSignal<String>) {}
