//! `POST /api/templates/add`: an archive from a browser's plain form, passed on to the engine as it comes.
//!
//! No server function, because those hold a form whole: this body is as large as an archive. It is
//! `multipart/form-data` with the fields `csrf`, `name` and `description` before `archive`, as the page
//! has them. Nothing of it touches a disk here; the engine counts, checks and keeps it.
//!
//! Invariants: nothing is passed on before the session, its token, the permit and the name were judged;
//! an upload that ends early is never taken for a whole one ([`protocol::upload`]).

use std::sync::Arc;
use std::time::Duration;

use app::backend::{Account, Flash, Outcome, Reference};
use axum::body::Bytes;
use axum::extract::multipart::{Field as Part, Multipart, MultipartRejection};
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use domain::authz::{ManageTemplates, Permit, authorize};
use domain::failure::Failure;
use domain::field::{Field, FieldErrors, Problem};
use domain::id::OperationId;
use domain::template::NewTemplate;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use leptos::config::LeptosOptions;
use protocol::upload::{MAX_PACKET_BYTES, ToEngine};
use tokio::time::timeout;

use super::Site;
use super::account::RequestAccount;
use super::packets::PacketSocket;
use super::refusal::{refuse, wants_text};
use super::session::Visitor;

/// Where it is.
pub(crate) const PATH: &str = "/api/templates/add";
/// The longest that an upload may take.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// What the form is called in what the next page shows.
const FORM: &str = "templates/add";
/// The page of the form.
const PAGE: &str = "/templates";
/// How long the browser may send nothing.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the rest of a form that was refused is taken in, so that the browser hears the answer.
const REST: Duration = Duration::from_secs(20);
/// The longest of the short fields, in bytes.
const FIELD_BYTES: usize = 4096;

/// The route, without a limit of its own: the engine counts.
pub(crate) fn route(site: Arc<Site>) -> MethodRouter<LeptosOptions> {
    post(upload).with_state(site).layer(DefaultBodyLimit::disable())
}

/// The form so far.
#[derive(Default)]
struct Form {
    csrf: String,
    name: String,
    description: String,
}

async fn upload(
    State(site): State<Arc<Site>>,
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
            let taken = take(&site, &account, &headers, &mut form, &mut multipart).await;
            if taken.is_err() {
                let _ = timeout(REST, drain(&mut multipart)).await;
            }
            taken
        }
        Err(_) => {
            let permit = authorize::<ManageTemplates>(visitor.identity().as_ref());
            permit.and(Err(missing(Field::Archive)))
        }
    };
    answer(&account, &headers, &reference, form, result).await
}

async fn take(
    site: &Site,
    account: &RequestAccount,
    headers: &HeaderMap,
    form: &mut Form,
    multipart: &mut Multipart,
) -> Result<OperationId, Failure> {
    let identity = account.visitor.identity();
    // Before anything is read.
    let _: Permit<ManageTemplates> = authorize(identity.as_ref())?;
    loop {
        let part = timeout(SILENCE, multipart.next_field()).await;
        let part = part.map_err(|_| broken(0))?.map_err(|_| broken(0))?;
        let Some(part) = part else {
            return Err(judged(account, form).await.err().unwrap_or(missing(Field::Archive)));
        };
        match part.name() {
            Some("csrf") => form.csrf = short(part).await?,
            Some("name") => form.name = short(part).await?,
            Some("description") => form.description = short(part).await?,
            Some("archive") => {
                let mut new = judged(account, form).await?;
                new.bytes = headers
                    .get(header::CONTENT_LENGTH)
                    .and_then(|length| length.to_str().ok()?.parse().ok());
                return pass_on(site, authorize(identity.as_ref())?, new, part).await;
            }
            // A field that no page of ours has.
            _ => {}
        }
    }
}

/// Judges all but the archive.
async fn judged(account: &RequestAccount, form: &Form) -> Result<NewTemplate, Failure> {
    if !account.csrf_matches(&form.csrf).await {
        return Err(Failure::CrossSite);
    }
    let mut errors = FieldErrors::default();
    let name = errors.take(Field::Template, form.name.trim().parse());
    let description = errors.take(Field::Description, form.description.parse());
    match (name, description) {
        (Some(name), Some(description)) => Ok(NewTemplate { name, description, bytes: None }),
        _ => Err(Failure::Invalid { errors }),
    }
}

/// Passes the archive on. What the engine does not want any more is not passed on, and its operation
/// says why.
async fn pass_on(
    site: &Site,
    permit: Permit<ManageTemplates>,
    new: NewTemplate,
    mut archive: Part<'_>,
) -> Result<OperationId, Failure> {
    // A form without a file has an empty one.
    let Some(first) = next(&mut archive, 0).await? else { return Err(missing(Field::Archive)) };
    let (operation, socket) = site.queue_template(permit, new).await?;
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

async fn short(mut part: Part<'_>) -> Result<String, Failure> {
    let mut text = Vec::new();
    while let Some(chunk) = next(&mut part, 0).await? {
        text.extend_from_slice(&chunk);
        if text.len() > FIELD_BYTES {
            let field = match part.name() {
                Some("name") => Field::Template,
                _ => Field::Description,
            };
            let problem = Problem::TooLong { max: FIELD_BYTES, actual: text.len() };
            return Err(wrong(field, problem));
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
    wrong(field, Problem::Missing)
}

fn wrong(field: Field, problem: Problem) -> Failure {
    let mut errors = FieldErrors::default();
    errors.push(field, problem);
    Failure::Invalid { errors }
}

/// Answers as server functions do: a page goes on somewhere, a program hears a status.
async fn answer(
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
            let values = [("name", form.name), ("description", form.description)];
            let values = values.map(|(name, value)| (name.to_owned(), value)).to_vec();
            let (form, reference) = (FORM.to_owned(), reference.to_owned());
            let outcome = Outcome::Refused(failure);
            account.put_flash(Flash { form, values, outcome, reference }).await;
            PAGE.to_owned()
        }
    };
    let location = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
