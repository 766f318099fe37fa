//! The document around every page, and the table of routes. Nothing else.

use domain::user::Identity;
use http::{HeaderValue, header};
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::page::asset;
use crate::pages;
use crate::preferences;

/// What a page may load: its own site, and the one inline script that leptos adds. `wasm-unsafe-eval`
/// lets the browser compile the islands; `style-src-attr` is for xterm.js alone, which colours cells
/// with style attributes.
fn content_security_policy(nonce: &str, is_terminal: bool) -> String {
    let attributes = if is_terminal { "; style-src-attr 'unsafe-inline'" } else { "" };
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'nonce-{nonce}'; \
         style-src 'self' 'nonce-{nonce}'{attributes}; img-src 'self' data:; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The HTML document. `start.js` loads the islands' WebAssembly: it finds both addresses in the two
/// `<link>`s, so no inline script is needed and their names can be content-hashed.
pub fn shell(_options: LeptosOptions) -> impl IntoView {
    // Pages are not hydrated, islands are: no markers for what stays as it is.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    let (locale, theme) = preferences::of_request();
    let path = use_context::<http::request::Parts>().map(|parts| parts.uri.path().to_owned());
    let is_terminal = path.as_ref().is_some_and(|path| path.starts_with("/terminals"));
    // The form of a build comes with islands of its own size; no other page has to wait for them.
    let (script, wasm) = match path.as_deref() {
        Some("/build") => ("build-form.js", "build-form_bg.wasm"),
        _ => ("ulysse.js", "ulysse_bg.wasm"),
    };
    // Who is not logged in needs no island yet, but soon.
    let is_known = use_context::<Option<Identity>>().flatten().is_some();
    let nonce = use_nonce();
    if let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), nonce.as_ref()) {
        let policy = content_security_policy(nonce.as_inner(), is_terminal);
        if let Ok(policy) = HeaderValue::try_from(policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
    view! {
        <!DOCTYPE html>
        <html lang=locale.tag() data-theme=theme.as_str()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <link rel="icon" type="image/svg+xml" href=asset("favicon.svg") />
                <link rel="stylesheet" href=asset("main.css") />
                <link id="app-js" rel="modulepreload" href=asset(script) />
                <link
                    id="app-wasm"
                    rel=if is_known { "preload" } else { "prefetch" }
                    r#as="fetch"
                    r#type="application/wasm"
                    crossorigin="anonymous"
                    href=asset(wasm)
                />
                <script type="module" src=asset("start.js") nonce=nonce></script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The routes. Each page says itself whom it is for.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=pages::error::not_found>
                <Route path=path!("") ssr=SsrMode::Async view=pages::dashboard::dashboard />
                <Route path=path!("login") ssr=SsrMode::Async view=pages::auth::login::login />
                <Route
                    path=path!("setup/:token")
                    ssr=SsrMode::Async
                    view=pages::auth::setup::setup
                />
                <Route
                    path=path!("account/password")
                    ssr=SsrMode::Async
                    view=pages::auth::password::password
                />
                <Route path=path!("vservers") ssr=SsrMode::Async view=pages::vservers::list::list />
                <Route path=path!("build") ssr=SsrMode::Async view=pages::vservers::build::build />
                <Route
                    path=path!("vservers/:name")
                    ssr=SsrMode::Async
                    view=pages::vservers::show::show
                />
                <Route
                    path=path!("batch")
                    ssr=SsrMode::Async
                    view=pages::vservers::batch::batch
                />
                <Route
                    path=path!("vservers/:name/mounts")
                    ssr=SsrMode::Async
                    view=pages::vservers::mounts::mounts
                />
                <Route
                    path=path!("vservers/:name/delete")
                    ssr=SsrMode::Async
                    view=pages::vservers::delete::delete
                />
                <Route
                    path=path!("vservers/:name/config")
                    ssr=SsrMode::Async
                    view=pages::config::list::list
                />
                <Route
                    path=path!("vservers/:name/config/file")
                    ssr=SsrMode::Async
                    view=pages::config::file::file
                />
                <Route
                    path=path!("vservers/:name/config/history")
                    ssr=SsrMode::Async
                    view=pages::config::history::history
                />
                <Route path=path!("defaults") ssr=SsrMode::Async view=pages::config::list::list />
                <Route path=path!("defaults/file") ssr=SsrMode::Async view=pages::config::file::file />
                <Route
                    path=path!("defaults/history")
                    ssr=SsrMode::Async
                    view=pages::config::history::history
                />
                <Route
                    path=path!("distributions")
                    ssr=SsrMode::Async
                    view=pages::config::distributions::distributions
                />
                <Route
                    path=path!("distributions/file")
                    ssr=SsrMode::Async
                    view=pages::config::file::file
                />
                <Route
                    path=path!("distributions/history")
                    ssr=SsrMode::Async
                    view=pages::config::history::history
                />
                <Route
                    path=path!("vservers/:name/backups")
                    ssr=SsrMode::Async
                    view=pages::backups::of_vserver::of_vserver
                />
                <Route
                    path=path!("vservers/:name/packages")
                    ssr=SsrMode::Async
                    view=pages::packages::of_vserver::of_vserver
                />
                <Route path=path!("packages") ssr=SsrMode::Async view=pages::packages::list::list />
                <Route path=path!("backups") ssr=SsrMode::Async view=pages::backups::list::list />
                <Route
                    path=path!("backups/:backup")
                    ssr=SsrMode::Async
                    view=pages::backups::show::show
                />
                <Route
                    path=path!("vservers/:name/identity")
                    ssr=SsrMode::Async
                    view=pages::vservers::identity::identity
                />
                <Route path=path!("boot") ssr=SsrMode::Async view=pages::boot::boot />
                <Route
                    path=path!("vservers/:name/processes")
                    ssr=SsrMode::Async
                    view=pages::processes::list::of_vserver
                />
                <Route
                    path=path!("vservers/:name/processes/:process")
                    ssr=SsrMode::Async
                    view=pages::processes::show::show
                />
                <Route
                    path=path!("processes")
                    ssr=SsrMode::Async
                    view=pages::processes::list::all
                />
                <Route
                    path=path!("vservers/:name/events")
                    ssr=SsrMode::Async
                    view=pages::inside::happened::happened
                />
                <Route
                    path=path!("vservers/:name/console")
                    ssr=SsrMode::Async
                    view=pages::inside::logs::logs
                />
                <Route
                    path=path!("vservers/:name/services")
                    ssr=SsrMode::Async
                    view=pages::inside::services::services
                />
                <Route path=path!("host") ssr=SsrMode::Async view=pages::host::host />
                <Route
                    path=path!("vservers/:name/metrics")
                    ssr=SsrMode::Async
                    view=pages::vservers::metrics::metrics
                />
                <Route path=path!("bin") ssr=SsrMode::Async view=pages::bin::list::list />
                <Route path=path!("bin/:id") ssr=SsrMode::Async view=pages::bin::show::show />
                <Route
                    path=path!("operations")
                    ssr=SsrMode::Async
                    view=pages::operations::list::list
                />
                <Route
                    path=path!("operations/:id")
                    ssr=SsrMode::Async
                    view=pages::operations::show::show
                />
                <Route path=path!("terminals") ssr=SsrMode::Async view=pages::terminals::terminals />
                <Route
                    path=path!("terminals/:id")
                    ssr=SsrMode::Async
                    view=pages::terminals::terminals
                />
                <Route
                    path=path!("templates")
                    ssr=SsrMode::Async
                    view=pages::templates::templates
                />
                <Route path=path!("users") ssr=SsrMode::Async view=pages::users::list::list />
                <Route
                    path=path!("users/create")
                    ssr=SsrMode::Async
                    view=pages::users::create::create
                />
                <Route path=path!("users/:id") ssr=SsrMode::Async view=pages::users::show::show />
            </Routes>
        </Router>
    }
}
