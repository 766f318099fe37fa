//! The consoles of VServers: what one prints as it comes, for the page that shows it, and the console of a boot as a
//! file.
//!
//! Invariants: both take a permit to read inside; what is passed on is printable, the engine has seen to it; a file's
//! name is made of a VServer's name and a moment, and so holds nothing that a header could not.

use std::sync::Arc;

use app::backend::Reference;
use app::i18n::format;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use domain::authz::{Permit, ReadInside, authorize};
use domain::failure::Failure;
use domain::guest_log::{BootId, ConsolePiece, ConsolePlace};
use domain::id::VServerName;
use http::{HeaderMap, StatusCode, header};
use protocol::{MAX_FRAME_BYTES, Reply, Request};

use super::Site;
use super::follow::other_reply;
use super::packets::PacketSocket;
use super::refusal::{locale_of, refuse};
use super::session::{Tie, Visitor};

/// A console that is followed; closed when dropped.
pub(crate) struct Following {
    socket: PacketSocket,
    buffer: Vec<u8>,
}

impl Following {
    /// Begins to follow one from a place on.
    pub(crate) async fn open(
        site: &Site,
        permit: Permit<ReadInside>,
        name: VServerName,
        from: Option<ConsolePlace>,
    ) -> Result<Self, Failure> {
        let request = Request::FollowConsole { name, from };
        let answer = site.engine.ask(permit.identity(), request).await?;
        let (Reply::Done, Some(socket)) = (answer.reply, answer.descriptor) else {
            return Err(other_reply());
        };
        let socket = PacketSocket::new(socket)
            .map_err(|error| Failure::Unexpected { detail: error.to_string() })?;
        Ok(Self { socket, buffer: vec![0; MAX_FRAME_BYTES] })
    }

    /// The next piece; none when the engine tells no more.
    pub(crate) async fn next(&mut self) -> Option<ConsolePiece> {
        let received = self.socket.receive(&mut self.buffer).await.ok()?;
        let packet = self.buffer.get(..received.bytes).filter(|packet| !packet.is_empty())?;
        protocol::decode(packet).ok()
    }
}

/// Answers `GET /vservers/NAME/console/BOOT`: the console of that boot, to be kept.
pub(crate) async fn download(
    State(site): State<Arc<Site>>,
    Extension(visitor): Extension<Visitor>,
    Extension(Reference(reference)): Extension<Reference>,
    headers: HeaderMap,
    which: Result<Path<(VServerName, BootId)>, PathRejection>,
) -> Response {
    let read = async {
        let tie = Tie::of(&visitor)
            .filter(|_| !visitor.must_change_password())
            .ok_or(Failure::NotLoggedIn)?;
        let permit = authorize::<ReadInside>(Some(tie.identity()))?;
        let Ok(Path((name, boot))) = which else { return Ok(None) };
        let request = Request::ReadConsole { name: name.clone(), boot };
        match site.engine.ask(permit.identity(), request).await?.reply {
            Reply::Console(text) => Ok(text.map(|text| (name, boot, text))),
            _ => Err(other_reply()),
        }
    };
    match read.await {
        Ok(Some((name, boot, text))) => {
            let at: String =
                format::rfc3339(boot.0).chars().filter(char::is_ascii_alphanumeric).collect();
            let disposition = format!("attachment; filename=\"{name}-console-{at}.log\"");
            let headers = [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
                (header::CONTENT_DISPOSITION, disposition),
            ];
            (headers, text).into_response()
        }
        Ok(None) => {
            let text = locale_of(&headers).no_such_boot().to_owned() + "\n";
            (StatusCode::NOT_FOUND, text).into_response()
        }
        Err(failure) => refuse(failure, &headers, &reference),
    }
}
