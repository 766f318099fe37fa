//! Real connections: TLS, both versions of HTTP, WebSockets, and what is none of them.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::backend::Clock;
use domain::id::TerminalId;
use futures::{SinkExt, StreamExt};
use http::{StatusCode, header};
use protocol::terminal::{FromHolder, MAX_PACKET_BYTES, Size, ToHolder};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};
use sys::seqpacket;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::tungstenite::{self, client::IntoClientRequest};

use super::super::listener;
use super::super::tls::Certificate;
use super::engine_end::{OPERATION, TERMINAL, terminal};
use super::{Browser, TestSite};

/// A site that listens.
struct Listening {
    site: TestSite,
    address: SocketAddr,
    certificate: Certificate,
    serving: JoinHandle<()>,
}

impl Listening {
    async fn new() -> Self {
        let site = TestSite::with_users().await;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let now = site.clock.now();
        let certificate = Certificate::load_or_make(site.directory.path(), names, now).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, shutdown) = (site.router.clone(), site.site.shutdown.clone());
        let config = certificate.config.clone();
        let serving = tokio::spawn(listener::serve(listener, config, router, shutdown));
        Self { site, address, certificate, serving }
    }

    async fn tls(&self, protocol: &[u8]) -> (TlsStream<TcpStream>, Vec<u8>) {
        let seen = Arc::new(Seen::default());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(seen.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::from(self.address.ip());
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let certificate = seen.certificate.lock().unwrap().clone();
        (stream, certificate)
    }

    /// A terminal's WebSocket, as this browser's page opens it.
    async fn socket(
        &self,
        browser: &Browser,
        id: &str,
    ) -> Result<WebSocketStream<TlsStream<TcpStream>>, tungstenite::Error> {
        let (stream, _) = self.tls(b"http/1.1").await;
        let address = self.address;
        let mut request =
            format!("wss://{address}/terminals/{id}/socket").into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::ORIGIN, format!("https://{address}").parse().unwrap());
        if let Some(session) = browser.session() {
            let cookie = format!("{}={session}", super::super::session::COOKIE);
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        tokio_tungstenite::client_async(request, stream).await.map(|(socket, _)| socket)
    }

    fn holder(&self) -> OwnedFd {
        self.site.engine.world().holders.pop().unwrap()
    }
}

/// Takes any certificate and remembers it.
#[derive(Debug, Default)]
struct Seen {
    certificate: Mutex<Vec<u8>>,
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.certificate.lock().unwrap() = end_entity.to_vec();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

#[tokio::test]
async fn a_browser_sees_the_certificate_whose_fingerprint_was_printed() {
    let site = Listening::new().await;
    let (mut stream, certificate) = site.tls(b"http/1.1").await;
    let seen: Vec<_> =
        Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(site.certificate.fingerprint, seen.join(":"));
    let request =
        format!("GET /login HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", site.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // Ends without a TLS farewell when the server closes first.
    let _ = stream.read_to_string(&mut answer).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");

    // The pair is kept: another start shows the same fingerprint. The key is its user's alone.
    let directory = site.site.directory.path();
    let again = Certificate::load_or_make(directory, Vec::new(), site.site.clock.now()).unwrap();
    assert_eq!(again.fingerprint, site.certificate.fingerprint);
    let mode = std::fs::metadata(directory.join("tls.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn http_2_is_spoken() {
    let site = Listening::new().await;
    let (stream, _) = site.tls(b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    let driving = tokio::spawn(connection);
    for (host, expected) in [
        (site.address.to_string(), StatusCode::OK),
        ("evil.example".to_owned(), StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = http::Request::get(format!("https://{host}/login")).body(()).unwrap();
        let (response, _) = client.send_request(request, true).unwrap();
        assert_eq!(response.await.unwrap().status(), expected, "{host}");
    }
    drop(client);
    driving.abort();
}

#[tokio::test]
async fn who_speaks_plain_http_is_told_to_use_https() {
    let site = Listening::new().await;
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains(&format!("https://{}/", site.address)), "{answer}");
    assert!(!answer.to_ascii_lowercase().contains("set-cookie"), "{answer}");
}

#[tokio::test]
async fn the_server_ends_when_told_to_though_a_page_listens() {
    let site = Listening::new().await;
    let vera = site.site.logged_in("vera").await;
    let (mut stream, _) = site.tls(b"http/1.1").await;
    let request = format!(
        "GET /events?operations=true HTTP/1.1\r\nHost: {}\r\nCookie: {}={}\r\n\r\n",
        site.address,
        super::super::session::COOKIE,
        vera.session().unwrap()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
    site.site.end.send_replace(true);
    tokio::time::timeout(Duration::from_secs(20), site.serving).await.unwrap().unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn a_terminals_packets_pass_both_ways_unchanged() {
    let site = Listening::new().await;
    let otto = site.site.logged_in("otto").await;
    let mut socket = site.socket(&otto, TERMINAL).await.unwrap();
    let holder = site.holder();
    let exchange = tokio::task::spawn_blocking(move || {
        let mut buffer = vec![0; MAX_PACKET_BYTES];
        for packet in [FromHolder::Scrollback(3), FromHolder::Output(b"old")] {
            seqpacket::send(&holder, &packet.to_bytes(), &[]).unwrap();
        }
        let mut heard = Vec::new();
        for _ in 0..2 {
            let bytes = seqpacket::receive(&holder, &mut buffer).unwrap().bytes;
            heard.push(buffer[..bytes].to_vec());
        }
        let exited = FromHolder::Exited(3).to_bytes();
        seqpacket::send(&holder, &exited, &[]).unwrap();
        (heard, holder)
    });
    let sent = [
        ToHolder::Resize(Size::new(132, 50).unwrap()).to_bytes(),
        ToHolder::Input("é\x03".as_bytes()).to_bytes(),
    ];
    for packet in &sent {
        socket.send(Message::Binary(packet.clone().into())).await.unwrap();
    }
    let mut received = Vec::new();
    let mut code = None;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(packet) => received.push(packet.to_vec()),
            Message::Close(frame) => code = frame.map(|frame| u16::from(frame.code)),
            _ => {}
        }
    }
    let packets = [FromHolder::Scrollback(3), FromHolder::Output(b"old"), FromHolder::Exited(3)];
    assert_eq!(received, packets.map(|packet| packet.to_bytes()));
    assert_eq!(exchange.await.unwrap().0, sent);
    assert_eq!(code, Some(1000));
}

/// With which code the server closes.
async fn close_code(socket: &mut WebSocketStream<TlsStream<TcpStream>>) -> Option<u16> {
    let closing = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| u16::from(frame.code));
            }
        }
        None
    };
    tokio::time::timeout(Duration::from_secs(20), closing).await.unwrap()
}

#[tokio::test]
async fn a_terminal_is_its_owners_and_nobody_elses() {
    let site = Listening::new().await;
    let nobody = site.site.browser();
    let mut socket = site.socket(&nobody, TERMINAL).await.unwrap();
    assert_eq!(close_code(&mut socket).await, Some(4403));
    let vera = site.site.logged_in("vera").await;
    let mut socket = site.socket(&vera, TERMINAL).await.unwrap();
    assert_eq!(close_code(&mut socket).await, Some(4403));
    let ada = site.site.logged_in("ada").await;
    let mut socket = site.socket(&ada, TERMINAL).await.unwrap();
    assert_eq!(close_code(&mut socket).await, Some(4404));
    let otto = site.site.logged_in("otto").await;
    for id in [OPERATION, "x"] {
        let mut socket = site.socket(&otto, id).await.unwrap();
        assert_eq!(close_code(&mut socket).await, Some(4404), "{id}");
    }
    assert!(site.site.engine.world().holders.is_empty(), "nobody got to a holder");
}

#[tokio::test]
async fn what_is_no_packet_ends_the_connection_and_reaches_no_shell() {
    let site = Listening::new().await;
    let otto = site.site.logged_in("otto").await;
    let long = [b"i".to_vec(), vec![b'x'; MAX_PACKET_BYTES]].concat();
    for message in [
        Message::Binary(b"zzz".to_vec().into()),
        Message::Binary(b"r\0\0\0\0".to_vec().into()),
        Message::Binary(long.into()),
        Message::Text("ls".into()),
    ] {
        let mut socket = site.socket(&otto, TERMINAL).await.unwrap();
        let holder = site.holder();
        socket.send(message).await.unwrap();
        assert_ne!(close_code(&mut socket).await, Some(4403));
        let heard = tokio::task::spawn_blocking(move || {
            seqpacket::receive(&holder, &mut [0; MAX_PACKET_BYTES]).map(|received| received.bytes)
        });
        assert_eq!(heard.await.unwrap().unwrap(), 0, "the holder sees the end and nothing else");
    }
}

#[tokio::test]
async fn who_is_disabled_loses_an_open_terminal_at_once() {
    let site = Listening::new().await;
    let otto = site.site.logged_in("otto").await;
    let mut ada = site.site.logged_in("ada").await;
    let mut socket = site.socket(&otto, TERMINAL).await.unwrap();
    let holder = site.holder();
    let id = site.site.find("otto").await.id.to_string();
    let answer = ada.post("/api/users/set-disabled", &[("user", &id), ("disabled", "true")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(close_code(&mut socket).await, Some(4403));
    drop(holder);
}

#[tokio::test]
async fn a_terminal_opened_by_a_form_can_be_connected_to() {
    let site = Listening::new().await;
    let mut ada = site.site.logged_in("ada").await;
    site.site.engine.world().terminals.clear();
    let answer = ada.submit("/api/terminals/open", &[("vserver", "web1")]).await;
    let path = format!("/terminals/{TERMINAL}");
    assert_eq!(answer.header(header::LOCATION), path, "{}", answer.text);
    assert_eq!(ada.get(&path).await.status, StatusCode::OK);
    let socket = site.socket(&ada, TERMINAL).await.unwrap();
    drop(socket);
    // Another's of the same VServer stays out of reach of the form that ends terminals.
    let otto = site.site.find("otto").await.id;
    let others: TerminalId = OPERATION.parse().unwrap();
    site.site.engine.world().terminals.push(terminal(OPERATION, otto));
    let answer = ada.post("/api/terminals/close", &[("id", others.as_str())]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}
