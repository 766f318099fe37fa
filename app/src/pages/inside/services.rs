//! The services inside a VServer: how each is, and buttons that start, stop, enable them. Which of them are shown
//! stands in the address: `?q=` those whose name or description holds that, `?state=` those that are so.

use domain::authz::ActionKind;
use domain::command;
use domain::failure::Failure;
use domain::id::VServerName;
use domain::service::{
    Service, ServiceAction, ServiceManager, ServiceOrder, ServiceState, Services,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::components::alert;
use crate::components::vserver_pages::vserver_pages;
use crate::i18n::{Locale, service_action_text, service_state_text};
use crate::page::{Area, Content, For, Page, page};
use crate::pages::vservers::show::named;

/// The page.
pub(crate) fn services() -> impl IntoView {
    let name = use_params_map().with_untracked(|map| map.get("name")).unwrap_or_default();
    page(For::LoggedIn, async move |page: Page| {
        let t = page.locale;
        let permit = page.permit()?;
        let name = named(&name)?;
        let shown = match page.backend.services(permit, name.clone()).await {
            Ok(services) => listed(&page, &name, services),
            // What its page can mend, or nobody can, is no failure of this one.
            Err(
                failure @ (Failure::NotRunning { .. }
                | Failure::ProgramFailed { .. }
                | Failure::TimedOut { .. }
                | Failure::QueueFull { .. }),
            ) => alert::failure(t, &failure, &page.reference).into_any(),
            Err(failure) => return Err(failure),
        };
        let body = view! {
            {vserver_pages(&page, &name)}
            <p class="hint">{t.services_explained()}</p>
            {shown}
        };
        Ok(Content {
            title: t.services_of(name.as_str()),
            area: Area::VServers,
            subscription: None,
            body: body.into_any(),
        })
    })
}

fn listed(page: &Page, name: &VServerName, found: Services) -> AnyView {
    let t = page.locale;
    let Services { manager, services, is_incomplete } = found;
    let (Some(manager), Some(first)) = (manager, services.first()) else {
        return view! { <p class="nothing">{t.no_services()}</p> }.into_any();
    };
    let may = page.may(ActionKind::ManageServices);
    let example = command::service(&ServiceOrder {
        vserver: name.clone(),
        manager,
        service: first.name.clone(),
        action: ServiceAction::Restart,
    });
    let wanted = Wanted::of(page);
    let shown: Vec<_> = services.into_iter().filter(|one| wanted.is_met_by(one)).collect();
    let none = shown.is_empty().then(|| view! { <p class="nothing">{t.no_service_matches()}</p> });
    let rows = shown.into_iter().map(|one| row(page, name, manager, one, may)).collect_view();
    view! {
        {is_incomplete.then(|| view! { <p class="alert">{t.services_incomplete()}</p> })}
        {may.then(|| view! { <p class="hint">{t.equivalent_of(&example.line())}</p> })}
        {wanted.form(t, name)}
        {none}
        <div class="table-frame">
            <table class="services">
                <thead>
                    <tr>
                        <th scope="col">{t.service()}</th>
                        <th scope="col">{t.state_head()}</th>
                        <th scope="col">{t.at_start()}</th>
                        {may.then(|| view! { <th scope="col">{t.what_to_do()}</th> })}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Which services are shown.
struct Wanted {
    text: String,
    state: Option<ServiceState>,
}

impl Wanted {
    /// What the address says; what means nothing is as if it were not there.
    fn of(page: &Page) -> Self {
        Self {
            text: page.query("q").unwrap_or_default().trim().to_owned(),
            state: page.query("state").and_then(|state| state.parse().ok()),
        }
    }

    fn is_met_by(&self, service: &Service) -> bool {
        let text = self.text.to_lowercase();
        let holds = |part: &str| part.to_lowercase().contains(&text);
        (holds(service.name.as_str()) || holds(&service.description))
            && self.state.is_none_or(|state| state == service.state)
    }

    /// A plain form that asks for the same page.
    fn form(&self, t: Locale, name: &VServerName) -> impl IntoView + use<> {
        let states = ServiceState::ALL.map(|state| {
            view! {
                <option value=state.as_str() selected=self.state == Some(state)>
                    {service_state_text(t, state)}
                </option>
            }
        });
        view! {
            <form method="get" action=format!("/vservers/{name}/services") role="search" class="toolbar">
                <label>
                    {t.service()}
                    <input type="search" name="q" value=self.text.clone() autocomplete="off" />
                </label>
                <label>
                    {t.state_head()}
                    <select name="state">
                        <option value="">{t.any_state()}</option>
                        {states.into_iter().collect_view()}
                    </select>
                </label>
                <button>{t.filter()}</button>
            </form>
        }
    }
}

fn row(
    page: &Page,
    name: &VServerName,
    manager: ServiceManager,
    service: Service,
    may: bool,
) -> impl IntoView + use<> {
    let t = page.locale;
    let log = (manager == ServiceManager::Systemd).then(|| {
        let address = format!("/vservers/{name}/console?view=journal&unit={}", encoded(&service));
        let label = t.its_log(service.name.as_str());
        view! { <a href=address aria-label=label>{t.journal()}</a> }
    });
    let enabled = match service.is_enabled {
        Some(true) => t.started_at_boot(),
        Some(false) => t.not_started_at_boot(),
        None => "—",
    };
    let buttons = may.then(|| buttons(page, name, manager, &service));
    let Service { name: service_name, state, detail, description, .. } = service;
    view! {
        <tr>
            <th scope="row">
                {service_name.to_string()}
                <span class="row-note">{description} " " {log}</span>
            </th>
            <td data-label=t.state_head()>
                {pill(t, state)} <span class="row-note">{detail}</span>
            </td>
            <td data-label=t.at_start()>{enabled}</td>
            {buttons.map(|buttons| view! { <td class="row-actions" data-label=t.what_to_do()>{buttons}</td> })}
        </tr>
    }
}

/// The name in an address: `@`, `+` and `\` mean something else there.
fn encoded(service: &Service) -> String {
    let mut address = String::new();
    for character in service.name.as_str().chars() {
        match character {
            '@' => address.push_str("%40"),
            '+' => address.push_str("%2B"),
            '\\' => address.push_str("%5C"),
            ':' => address.push_str("%3A"),
            other => address.push(other),
        }
    }
    address
}

fn pill(t: Locale, state: ServiceState) -> impl IntoView {
    let name = match state {
        ServiceState::Active => "running",
        ServiceState::Inactive | ServiceState::Unknown => "stopped",
        ServiceState::Failed => "failed",
        ServiceState::Changing => "moving",
    };
    view! {
        <span class="pill" data-state=name>
            <span class="pill-mark" aria-hidden="true"></span>
            {service_state_text(t, state)}
        </span>
    }
}

fn buttons(
    page: &Page,
    name: &VServerName,
    manager: ServiceManager,
    service: &Service,
) -> impl IntoView + use<> {
    let t = page.locale;
    let mut actions = match service.state {
        ServiceState::Active | ServiceState::Changing => {
            vec![ServiceAction::Stop, ServiceAction::Restart, ServiceAction::Reload]
        }
        ServiceState::Inactive => vec![ServiceAction::Start],
        ServiceState::Failed => vec![ServiceAction::Start, ServiceAction::Restart],
        ServiceState::Unknown => {
            vec![ServiceAction::Start, ServiceAction::Stop, ServiceAction::Restart]
        }
    };
    actions.extend(match service.is_enabled {
        Some(true) => Some(ServiceAction::Disable),
        Some(false) => Some(ServiceAction::Enable),
        None => None,
    });
    let buttons = actions
        .into_iter()
        .map(|action| {
            let text = service_action_text(t, action);
            let label = t.do_to(text, service.name.as_str());
            view! {
                <button name="action" value=action.as_str() aria-label=label>{text}</button>
                " "
            }
        })
        .collect_view();
    view! {
        <form method="post" action="/api/services/order">
            <input type="hidden" name="csrf" value=page.csrf.clone() />
            <input type="hidden" name="name" value=name.to_string() />
            <input type="hidden" name="manager" value=manager.as_str() />
            <input type="hidden" name="service" value=service.name.to_string() />
            {buttons}
        </form>
    }
}
