//! Terminals: one tab each, of the caller's own. What happens in them is `public/terminal.js`'s,
//! over `/terminals/ID/socket`; this page says where everything is.
//!
//! The only page that needs JavaScript: a terminal is a program in the browser.

use domain::authz::EnterVServer;
use domain::failure::Failure;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::page::{Area, Content, For, Page, asset, page};
use crate::shared::instant;

/// The page: `/terminals` shows the newest, `/terminals/ID` that one.
pub(crate) fn terminals() -> impl IntoView {
    let wanted = use_params_map().with_untracked(|map| map.get("id"));
    let nonce = use_nonce();
    let assets =
        ["terminal.js", "xterm.js", "xterm.css", "addon-fit.js", "addon-unicode11.js"].map(asset);
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let all = page.backend.terminals(page.permit::<EnterVServer>()?).await?;
        let chosen = match &wanted {
            Some(id) => {
                let found = all.iter().find(|terminal| terminal.id.as_str() == id);
                Some(found.ok_or(Failure::NoSuchTerminal)?.id.clone())
            }
            None => all.last().map(|terminal| terminal.id.clone()),
        };
        let Some(chosen) = chosen else {
            return Ok(Content {
                title: t.terminals().to_owned(),
                area: Area::Terminals,
                subscription: None,
                body: view! {
                    <div class="empty-state">
                        <p>{t.no_terminals()}</p>
                        <p><a class="button" href="/vservers">{t.to_the_list()}</a></p>
                    </div>
                }
                .into_any(),
            });
        };
        let here = all.iter().find(|terminal| terminal.id == chosen).cloned();
        let tabs = all
            .iter()
            .map(|terminal| {
                let is_here = terminal.id == chosen;
                view! {
                    <li>
                        <a
                            href=format!("/terminals/{}", terminal.id)
                            aria-current=is_here.then_some("page")
                            data-terminal=terminal.id.to_string()
                        >
                            {terminal.vserver.to_string()}
                            " "
                            <small>{instant(t, terminal.opened_at)}</small>
                        </a>
                    </li>
                }
            })
            .collect_view();
        let [script, xterm, style, fit, unicode] = assets;
        let vserver = here.map(|terminal| terminal.vserver.to_string()).unwrap_or_default();
        let csrf = page.csrf.clone();
        let body = view! {
            <link rel="stylesheet" href=style />
            <nav class="tabs" aria-label=t.terminals()>
                <ul>{tabs}</ul>
                <form method="post" action="/api/terminals/open">
                    <input type="hidden" name="csrf" value=csrf.clone() />
                    <input type="hidden" name="vserver" value=vserver.clone() />
                    <button class="quiet">{t.another_terminal(&vserver)}</button>
                </form>
            </nav>
            <p class="terminal-status" role="status" data-terminal-status></p>
            <div
                class="terminal-screen"
                data-terminal-screen=chosen.to_string()
                data-xterm=xterm
                data-fit=fit
                data-unicode=unicode
                data-label=t.terminal_in(&vserver)
                data-connecting=t.terminal_connecting()
                data-connected=t.terminal_connected()
                data-lost=t.terminal_lost()
                data-exited=t.terminal_exited()
                data-hung-up=t.terminal_hung_up()
                data-denied=t.terminal_denied()
            ></div>
            <noscript>
                <p class="alert">{t.terminal_needs_js()}</p>
            </noscript>
            <div class="actions">
                <form method="post" action="/api/terminals/close">
                    <input type="hidden" name="csrf" value=csrf />
                    <input type="hidden" name="id" value=chosen.to_string() />
                    <button class="danger">{t.end_the_terminal()}</button>
                </form>
                <a class="button" href=format!("/vservers/{vserver}")>{t.to_vserver(&vserver)}</a>
                <p class="hint">{t.terminal_hint()}</p>
            </div>
            <script type="module" src=script nonce=nonce data-terminal-script></script>
        };
        Ok(Content {
            title: t.terminal_in(&vserver),
            area: Area::Terminals,
            subscription: None,
            body: body.into_any(),
        })
    })
}
