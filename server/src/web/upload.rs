//! `POST /api/templates/add` and `/api/backups/import`: an archive from a browser's plain form, passed on
//! to the engine as it comes.
//!
//! No server functions, because those hold a form whole: these bodies are as large as an archive. They
//! are `multipart/form-data` with the short fields before `archive`, as the pages have them. Nothing of it
//! touches a disk here; the engine counts, checks and keeps it.
//!
//! Invariants: nothing is passed on before the session, its token, the permit and the fields were judged;
//! an upload that ends early is never taken for a whole one ([`protocol::upload`]).

use std::sync::Arc;
use std::time::Duration;

use app::backend::{Account, Flash, Outcome, Reference};
use axum::body::Bytes;
use axum::extract::multipart::{Field as Part, Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use domain::authz::{ManageTemplates, Permit, RestoreBackup, authorize};
use domain::backup::BackupOrder;
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::{OperationId, VServerName};
use domain::retention::judge_target;
use domain::template::NewTemplate;
use domain::user::Identity;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use leptos::config::LeptosOptions;
use protocol::upload::{MAX_PACKET_BYTES, ToEngine};
use tokio::time::timeout;

use super::Site;
use super::account::RequestAccount;
use super::packets::PacketSocket;
use super::refusal::{refuse, wants_text};
use super::session::Visitor;

/// The longest that an upload may take.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How long the browser may send nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the rest of a form that was refused is taken in, so that the browser hears the answer.
const REST: Duration = Duration::from_secs(20);
/// The longest of the short fields, in bytes.
const FIELD_BYTES: usize = 4096;

/// What is uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// A template.
    Template,
    /// What somebody saved by hand of a VServer.
    Import,
}

impl Upload {
    /// Each of them.
    pub(crate) const ALL: [Self; 2] = [Self::Template, Self::Import];

    /// Where it goes.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Template => "/api/templates/add",
            Self::Import => "/api/backups/import",
        }
    }

    /// What its form is called in what the next page shows, and that page.
    fn form(self) -> (&'static str, &'static str) {
        match self {
            Self::Template => ("templates/add", "/templates"),
            Self::Import => ("backups/import", "/backups"),
        }
    }

    /// The field of its name.
    fn name_field(self) -> Field {
        match self {
            Self::Template => Field::Template,
            Self::Import => Field::Name,
        }
    }

    /// Whether somebody may.
    fn authorize(self, identity: Option<&Identity>) -> Result<(), Failure> {
        match self {
            Self::Template => authorize::<ManageTemplates>(identity).map(drop),
            Self::Import => authorize::<RestoreBackup>(identity).map(drop),
        }
    }
}

/// The route, without a limit of its own: the engine counts.
pub(crate) fn route(what: Upload, site: Arc<Site>) -> MethodRouter<LeptosOptions> {
    post(upload).with_state((what, site)).layer(DefaultBodyLimit::disable())
}

/// The form so far.
#[derive(Default)]
struct Form {
    csrf: String,
    name: String,
    description: String,
    target: String,
}

/// A form that was judged, by somebody who may.
enum Judged {
    Template(Permit<ManageTemplates>, NewTemplate),
    Import(Permit<RestoreBackup>, BackupOrder),
}

async fn upload(
    State((what, site)): State<(Upload, Arc<Site>)>,
    Extension(visitor): Extension<Visitor>,
    Extension(Reference(reference)): Extension<Reference>,
    headers: HeaderMap,
    multipart: Result<Multipart, MultipartRejection>,
) -> Response {
    let account = RequestAccount { site: site.clone(), visitor: visitor.clone() };
    let mut form = Form::default();
    let result = match multipart {
        // Who may not hears that first, whatever it is that they send.
        _ if visitor.must_change_password() => {
            let action = "change-password-first".to_owned();
            Err(Failure::NotAllowed { action })
        }
        Ok(mut multipart) => {
            let taken = take(what, &site, &account, &headers, &mut form, &mut multipart).await;
            if taken.is_err() {
                let _ = timeout(REST, drain(&mut multipart)).await;
            }
            taken
        }
        Err(_) => {
            let may = what.authorize(visitor.identity().as_ref());
            may.and(Err(missing(Field::Archive)))
        }
    };
    answer(what, &account, &headers, &reference, form, result).await
}

async fn take(
    what: Upload,
    site: &Site,
    account: &RequestAccount,
    headers: &HeaderMap,
    form: &mut Form,
    multipart: &mut Multipart,
) -> Result<OperationId, Failure> {
    // Before anything is read.
    what.authorize(account.visitor.identity().as_ref())?;
    loop {
        let part = timeout(SILENCE, multipart.next_field()).await;
        let part = part.map_err(|_| broken(0))?.map_err(|_| broken(0))?;
        let Some(part) = part else {
            let judged = judge(what, site, account, form).await;
            return Err(judged.err().unwrap_or(missing(Field::Archive)));
        };
        match part.name() {
            Some("csrf") => form.csrf = short(part, Field::Name).await?,
            Some("name") => form.name = short(part, what.name_field()).await?,
            Some("description") => form.description = short(part, Field::Description).await?,
            Some("target") => form.target = short(part, Field::BackupTarget).await?,
            Some("archive") => {
                let mut judged = judge(what, site, account, form).await?;
                if let Judged::Template(_, new) = &mut judged {
                    new.bytes = headers
                        .get(header::CONTENT_LENGTH)
                        .and_then(|length| length.to_str().ok()?.parse().ok());
                }
                return pass_on(site, judged, part).await;
            }
            // A field that no page of ours has.
            _ => {}
        }
    }
}

/// Judges all but the archive.
async fn judge(
    what: Upload,
    site: &Site,
    account: &RequestAccount,
    form: &Form,
) -> Result<Judged, Failure> {
    if !account.csrf_matches(&form.csrf).await {
        return Err(Failure::CrossSite);
    }
    let identity = account.visitor.identity();
    match what {
        Upload::Template => {
            let mut errors = FieldErrors::default();
            let name = errors.take(Field::Template, form.name.trim().parse());
            let description = errors.take(Field::Description, form.description.parse());
            let (Some(name), Some(description)) = (name, description) else {
                return Err(Failure::Invalid { errors });
            };
            let new = NewTemplate { name, description, bytes: None };
            Ok(Judged::Template(authorize(identity.as_ref())?, new))
        }
        Upload::Import => {
            let permit = authorize(identity.as_ref())?;
            let vserver: VServerName = form
                .name
                .trim()
                .parse()
                .map_err(|problem| Failure::of_field(Field::Name, problem))?;
            let targets = site.backup_targets(&permit, &vserver).await?;
            let target = judge_target(&form.target, &targets)
                .map_err(|problem| Failure::of_field(Field::BackupTarget, problem))?;
            Ok(Judged::Import(permit, BackupOrder { vserver, target, pause: false }))
        }
    }
}

/// Passes the archive on. What the engine does not want any more is not passed on, and its operation
/// says why.
async fn pass_on(
    site: &Site,
    judged: Judged,
    mut archive: Part<'_>,
) -> Result<OperationId, Failure> {
    // A form without a file has an empty one.
    let Some(first) = next(&mut archive, 0).await? else { return Err(missing(Field::Archive)) };
    let (operation, socket) = match judged {
        Judged::Template(permit, new) => site.queue_template(permit, new).await?,
        Judged::Import(permit, order) => site.queue_import(permit, order).await?,
    };
    let socket = PacketSocket::new(socket)
        .map_err(|error| Failure::Unexpected { detail: error.to_string() })?;
    let mut bytes = 0_u64;
    let mut part = Some(first);
    while let Some(piece) = part {
        for packet in piece.chunks(MAX_PACKET_BYTES - 1) {
            if socket.send(&ToEngine::Part(packet).to_bytes()).await.is_err() {
                let rest = async { while let Ok(Some(_)) = archive.chunk().await {} };
                let _ = timeout(REST, rest).await;
                return Ok(operation.id);
            }
        }
        bytes = bytes.saturating_add(piece.len() as u64);
        part = next(&mut archive, bytes).await?;
    }
    // One that cannot be told that this was all takes it for broken off.
    let _ = socket.send(&ToEngine::End.to_bytes()).await;
    Ok(operation.id)
}

/// The next bytes; none at the end.
async fn next(archive: &mut Part<'_>, bytes: u64) -> Result<Option<Bytes>, Failure> {
    loop {
        let chunk = timeout(SILENCE, archive.chunk()).await.map_err(|_| broken(bytes))?;
        match chunk.map_err(|_| broken(bytes))? {
            Some(empty) if empty.is_empty() => {}
            other => return Ok(other),
        }
    }
}

async fn short(mut part: Part<'_>, field: Field) -> Result<String, Failure> {
    let mut text = Vec::new();
    while let Some(chunk) = next(&mut part, 0).await? {
        text.extend_from_slice(&chunk);
        if text.len() > FIELD_BYTES {
            let problem = Problem::TooLong { max: FIELD_BYTES, actual: text.len() };
            return Err(Failure::of_field(field, problem));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

async fn drain(multipart: &mut Multipart) {
    while let Ok(Some(mut part)) = multipart.next_field().await {
        while let Ok(Some(_)) = part.chunk().await {}
    }
}

fn broken(bytes: u64) -> Failure {
    Failure::UploadBroken { bytes }
}

fn missing(field: Field) -> Failure {
    Failure::of_field(field, Problem::Missing)
}

/// Answers as server functions do: a page goes on somewhere, a program hears a status.
async fn answer(
    what: Upload,
    account: &RequestAccount,
    headers: &HeaderMap,
    reference: &str,
    form: Form,
    result: Result<OperationId, Failure>,
) -> Response {
    if !wants_text(headers) {
        return match result {
            Ok(id) => (StatusCode::OK, axum::Json(id)).into_response(),
            Err(failure) => refuse(failure, headers, reference),
        };
    }
    let to = match result {
        Ok(id) => format!("/operations/{id}"),
        Err(Failure::NotLoggedIn) => "/login".to_owned(),
        Err(Failure::NotAllowed { .. }) if account.visitor.must_change_password() => {
            "/account/password".to_owned()
        }
        Err(failure) => {
            let Form { name, description, target, .. } = form;
            let values = [("name", name), ("description", description), ("target", target)];
            let values = values.map(|(name, value)| (name.to_owned(), value)).to_vec();
            let (form, page) = what.form();
            let (form, reference) = (form.to_owned(), reference.to_owned());
            let outcome = Outcome::Refused(failure);
            account.put_flash(Flash { form, values, outcome, reference }).await;
            page.to_owned()
        }
    };
    let location = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
