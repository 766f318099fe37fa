//! The certificate of the site: made on the first start, kept beside the database.
//!
//! It is signed by itself, so people compare its SHA-256 fingerprint, which is printed at each start,
//! with what their browser shows. An administrator may put another pair of files in its place. The
//! key never leaves its file, which only the web process's user can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::time::UnixMillis;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// How long a certificate of ours is valid. Its fingerprint is what people trust, so a change is
/// what they should be spared.
const VALIDITY: time::Duration = time::Duration::days(10 * 365);

/// Why there is no certificate to serve with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// It could not be made.
    #[error("making a certificate")]
    Make(#[from] rcgen::Error),
    /// A file could not be read.
    #[error("reading {path}")]
    Read { path: PathBuf, source: io::Error },
    /// A file could not be written.
    #[error("writing {path}")]
    Write { path: PathBuf, source: io::Error },
    /// A file holds something else.
    #[error("understanding {path}")]
    Parse { path: PathBuf, source: rustls::pki_types::pem::Error },
    /// The file of the certificate holds none.
    #[error("{path} holds no certificate")]
    NoCertificate { path: PathBuf },
    /// Certificate and key do not belong together, or cannot be used.
    #[error("using the certificate")]
    Use(#[from] rustls::Error),
}

/// What the site is served with.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    /// For each connection.
    pub(crate) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as browsers show it.
    pub(crate) fingerprint: String,
}

impl Certificate {
    /// Reads the certificate and its key from `directory`; makes both, for these names, when there
    /// are none.
    pub(crate) fn load_or_make(
        directory: &Path,
        names: Vec<String>,
        now: UnixMillis,
    ) -> Result<Self, TlsError> {
        let (certificate, key) = (directory.join("tls.crt"), directory.join("tls.key"));
        if !(certificate.exists() && key.exists()) {
            make(&certificate, &key, names, now)?;
        }
        Self::load(&certificate, &key)
    }

    fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
        };
        let parse = |path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Parse { path, source }
        };
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(parse(certificate))?;
        let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(parse(key))?;
        let own = chain
            .first()
            .ok_or_else(|| TlsError::NoCertificate { path: certificate.to_owned() })?;
        let fingerprint = fingerprint(own);
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), fingerprint })
    }
}

/// The SHA-256 of a certificate: pairs of hexadecimal digits with colons between them.
fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn make(
    certificate: &Path,
    key: &Path,
    names: Vec<String>,
    now: UnixMillis,
) -> Result<(), TlsError> {
    let made_at =
        OffsetDateTime::from_unix_timestamp(now.0 / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "Ulysse");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // A browser whose clock is behind this one's should see it as valid, too.
    params.not_before = made_at.saturating_sub(time::Duration::DAY);
    params.not_after = made_at.saturating_add(VALIDITY);
    let pair = KeyPair::generate()?;
    let text = params.self_signed(&pair)?.pem();
    write(key, &pair.serialize_pem())?;
    write(certificate, &text)
}

/// Writes a file that nobody else can read, whole or not at all.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    let new = path.with_extension("new");
    let write = || {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().map_err(|source| TlsError::Write { path: path.to_owned(), source })
}
