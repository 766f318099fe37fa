//! The gate at the log-in: checks passwords, slowly and one after the other, and keeps out whoever
//! fails too often.
//!
//! Failures are counted for the name and for the address they come from. A check, its count and
//! its outcome happen under one of few permits, so that many attempts at once do not all pass before
//! the first is counted. Whether a name exists cannot be told from an answer, nor from its time.

use std::net::IpAddr;
use std::time::Duration;

use domain::failure::Failure;
use domain::id::UserName;
use domain::time::UnixMillis;
use domain::user::{Password, User};
use store::Store;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::password;

/// How many passwords are checked at the same time; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// How long an attempt waits for its turn.
const TURN: Duration = Duration::from_secs(10);
/// How long a failure counts, in milliseconds.
const WINDOW_MS: i64 = 3600 * 1000;
/// The first lock-out, in milliseconds; it doubles with each further failure.
const FIRST_LOCK_MS: i64 = 30 * 1000;
/// The longest lock-out, in milliseconds.
const LONGEST_LOCK_MS: i64 = 15 * 60 * 1000;
/// How many failures of one name are let pass.
const FAILURES_OF_NAME: u32 = 5;
/// How many failures from one address are let pass: a whole class may sit behind it.
const FAILURES_OF_PEER: u32 = 20;

/// The gate; one for the process.
pub(crate) struct LoginGate {
    turns: Semaphore,
}

/// Who is counted for an attempt.
struct Subjects([(String, u32); 2]);

impl Subjects {
    fn of(name: &UserName, peer: Option<IpAddr>) -> Self {
        let peer = match peer.map(|peer| peer.to_canonical()) {
            // Whoever has one IPv6 address has 2⁶⁴.
            Some(IpAddr::V6(address)) => {
                let [a, b, c, d, ..] = address.segments();
                format!("peer:{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
            Some(IpAddr::V4(address)) => format!("peer:{address}"),
            None => "peer:unknown".to_owned(),
        };
        Self([(format!("user:{name}"), FAILURES_OF_NAME), (peer, FAILURES_OF_PEER)])
    }
}

/// How long a subject stays locked out, in milliseconds.
fn locked_for(failures: u32, last: UnixMillis, free: u32, now: UnixMillis) -> Option<i64> {
    let beyond = failures.checked_sub(free)?;
    let lock = FIRST_LOCK_MS.saturating_mul(1 << beyond.min(10)).min(LONGEST_LOCK_MS);
    let left = last.plus_millis(lock).0 - now.0;
    (left > 0).then_some(left.min(lock))
}

impl LoginGate {
    pub(crate) fn new() -> Self {
        Self { turns: Semaphore::new(AT_ONCE) }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Failure> {
        match tokio::time::timeout(TURN, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Failure::LockedOut { seconds: TURN.as_secs() }),
        }
    }

    /// The hash of a new password.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, Failure> {
        let _turn = self.turn().await?;
        off_thread(move || Ok(password::hash(&password)?)).await
    }

    /// The user with this name and password.
    pub(crate) async fn check(
        &self,
        store: &Store,
        now: UnixMillis,
        peer: Option<IpAddr>,
        name: &UserName,
        password: Password,
    ) -> Result<User, Failure> {
        let _turn = self.turn().await?;
        let subjects = Subjects::of(name, peer);
        let since = now.plus_millis(-WINDOW_MS);
        for (subject, free) in &subjects.0 {
            let (failures, last) = store.failed_logins(subject, since).await?;
            let left = last.and_then(|last| locked_for(failures, last, *free, now));
            if let Some(left) = left {
                let seconds = u64::try_from(left).unwrap_or_default().div_ceil(1000);
                return Err(Failure::LockedOut { seconds });
            }
        }
        let user = store.user_by_name(name).await?.filter(|user| !user.disabled);
        let stored = match &user {
            Some(user) => store.password_hash(user.id).await?,
            None => None,
        };
        let is_right = off_thread(move || match stored {
            Some(stored) => Ok(password::verify(&password, &stored)?),
            None => {
                password::verify_nobody(&password)?;
                Ok(false)
            }
        })
        .await?;
        match user {
            Some(user) if is_right => {
                // Not the address's: who has an account could otherwise go on guessing others'.
                let [(by_name, _), _] = &subjects.0;
                store.clear_failed_logins(by_name).await?;
                Ok(user)
            }
            _ => {
                for (subject, _) in &subjects.0 {
                    store.note_failed_login(subject, now).await?;
                }
                Err(Failure::WrongCredentials)
            }
        }
    }
}

/// Runs what takes long off the async threads.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Failure::Unexpected { detail: error.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_begins_at_30_seconds_and_doubles_to_15_minutes() {
        let last = UnixMillis(1_000_000);
        let seconds = |failures| locked_for(failures, last, 5, last).map(|millis| millis / 1000);
        assert_eq!(seconds(4), None);
        assert_eq!(
            (5..12).map(seconds).collect::<Vec<_>>(),
            [30, 60, 120, 240, 480, 900, 900].map(Some)
        );
        assert_eq!(locked_for(5, last, 5, last.plus_millis(30_000)), None);
        assert_eq!(locked_for(5, last, 5, last.plus_millis(29_000)), Some(1000));
        // A clock that was set back locks nobody out for longer.
        assert_eq!(locked_for(5, last, 5, last.plus_millis(-1_000_000)), Some(30_000));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_peer() {
        let name: UserName = "ada".parse().unwrap();
        let of = |peer: &str| Subjects::of(&name, Some(peer.parse().unwrap())).0[1].0.clone();
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
