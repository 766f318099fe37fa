//! What each command does to a database, and what it says in both languages.

use clap::Parser as _;
use domain::field::Problem;
use tempfile::TempDir;

use super::*;

const NOW: UnixMillis = UnixMillis(1_795_498_984_000);

#[derive(Debug, clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    arguments: UserArguments,
}

fn parse(words: &str) -> UserArguments {
    let words = std::iter::once("user").chain(words.split_whitespace());
    CommandLine::try_parse_from(words).unwrap().arguments
}

struct Fixture {
    store: Store,
    _directory: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join(DATABASE)).await.unwrap();
        Self { store, _directory: directory }
    }

    /// What a command line prints, or how it is refused. The password is always the same.
    async fn run_in(&self, locale: Locale, words: &str) -> Result<String, String> {
        let password = || Ok(Password::attempt("correct horse battery".to_owned()).unwrap());
        let listen = "0.0.0.0:8443".parse().unwrap();
        let done = match judge(parse(words).command, |_| password()) {
            Ok(request) => carry_out(&self.store, request, locale, listen, NOW).await,
            Err(error) => Err(error),
        };
        done.map_err(|error| explain(locale, &error))
    }

    async fn run(&self, words: &str) -> Result<String, String> {
        self.run_in(Locale::English, words).await
    }

    async fn user(&self, name: &str) -> User {
        self.store.user_by_name(&name.parse().unwrap()).await.unwrap().unwrap()
    }
}

#[test]
fn the_command_line_is_sound() {
    <CommandLine as clap::CommandFactory>::command().debug_assert();
    for words in ["", "create anna", "create --role viewer", "role anna", "disable", "delete anna"]
    {
        let words = std::iter::once("user").chain(words.split_whitespace());
        assert!(CommandLine::try_parse_from(words).is_err());
    }
    assert_eq!(parse("list --lang fr").lang.as_deref(), Some("fr"));
    assert_eq!(parse("--lang fr list").lang.as_deref(), Some("fr"));
}

#[test]
fn the_language_is_the_one_chosen_else_the_environments() {
    let of = |chosen: Option<&str>, variables: &[(&str, &str)]| {
        locale(chosen, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name)?;
            Some(found.1.to_owned())
        })
    };
    assert_eq!(of(None, &[]), Locale::English);
    assert_eq!(of(None, &[("LANG", "fr_FR.UTF-8")]), Locale::French);
    assert_eq!(of(None, &[("LC_ALL", ""), ("LANG", "fr_FR.UTF-8")]), Locale::French);
    assert_eq!(of(None, &[("LC_ALL", "C.UTF-8"), ("LANG", "fr_FR.UTF-8")]), Locale::English);
    assert_eq!(of(Some("en"), &[("LC_ALL", "fr")]), Locale::English);
    assert_eq!(of(Some("tlh"), &[("LC_MESSAGES", "fr")]), Locale::French);
}

#[tokio::test]
async fn users_are_made_changed_and_listed() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.run("list").await.unwrap(), "User  Role  Access  Created  Last log-in\n");
    assert_eq!(fixture.run("create zoe --role administrator").await.unwrap(), "zoe was created.\n");
    fixture.run("create adam --role viewer").await.unwrap();
    fixture.run("role adam operator").await.unwrap();
    fixture.run("disable adam").await.unwrap();
    fixture.store.note_login(fixture.user("zoe").await.id, NOW).await.unwrap();
    assert_eq!(
        fixture.run("list").await.unwrap(),
        "\
User  Role           Access                    Created               Last log-in
adam  operator       disabled                  2026-11-24T05:43:04Z  never
zoe   administrator  must change the password  2026-11-24T05:43:04Z  2026-11-24T05:43:04Z
"
    );
    assert_eq!(
        fixture.run_in(Locale::French, "list").await.unwrap().lines().nth(1).unwrap(),
        "adam         operator       désactivé                     2026-11-24T05:43:04Z  jamais"
    );
    fixture.run("enable adam").await.unwrap();
    assert!(!fixture.user("adam").await.disabled);

    let hash = fixture.store.password_hash(fixture.user("zoe").await.id).await.unwrap().unwrap();
    let right = Password::attempt("correct horse battery".to_owned()).unwrap();
    assert!(password::verify(&right, &hash).unwrap());
}

#[tokio::test]
async fn a_reset_ends_sessions_and_lock_outs() {
    let fixture = Fixture::new().await;
    fixture.run("create anna --role viewer").await.unwrap();
    let anna = fixture.user("anna").await;
    fixture.store.set_password(anna.id, "old", false, None).await.unwrap();
    fixture.store.note_failed_login("user:anna", NOW).await.unwrap();
    let session = store::SessionRow {
        key: "k".to_owned(),
        user: Some(anna.id),
        data: Vec::new(),
        expires_at: NOW.plus_millis(1),
    };
    assert!(fixture.store.create_session(session).await.unwrap());
    let said = fixture.run("reset-password anna").await.unwrap();
    assert!(said.starts_with("anna was changed. "), "{said}");
    assert_ne!(fixture.store.password_hash(anna.id).await.unwrap().unwrap(), "old");
    assert!(fixture.user("anna").await.must_change_password);
    assert!(fixture.store.session("k", NOW).await.unwrap().is_none());
    assert_eq!(fixture.store.failed_logins("user:anna", NOW).await.unwrap(), (0, None));
}

#[tokio::test]
async fn a_setup_link_works_until_there_is_an_administrator() {
    let fixture = Fixture::new().await;
    let said = fixture.run("setup-link").await.unwrap();
    let link = said.lines().next().unwrap();
    let token = SetupToken::parse(link.strip_prefix("https://localhost:8443/setup/").unwrap());
    let hash = token.unwrap().hash();
    let almost = NOW.plus_millis(SetupToken::LIFETIME_MILLIS - 1);
    assert!(fixture.store.setup_token_is_valid(&hash, almost).await.unwrap());
    assert!(!fixture.store.setup_token_is_valid(&hash, almost.plus_millis(1)).await.unwrap());
    fixture.run("create anna --role administrator").await.unwrap();
    let refused = fixture.run("setup-link").await.unwrap_err();
    assert!(refused.contains("reset-password"), "{refused}");
}

#[tokio::test]
async fn refusals_name_the_field_in_both_languages() {
    let fixture = Fixture::new().await;
    fixture.run("create anna --role administrator").await.unwrap();
    let refused = fixture.run("create Anna --role king").await.unwrap_err();
    let lines: Vec<&str> = refused.lines().collect();
    assert_eq!(lines.len(), 2, "{refused}");
    assert!(lines[0].starts_with("User name: “A” at position 1"), "{refused}");
    assert_eq!(lines[1], "Role: Must be one of: administrator, operator, viewer.");
    let refused = fixture.run_in(Locale::French, "role anna roi").await.unwrap_err();
    assert!(refused.contains("administrator, operator, viewer"), "{refused}");

    for words in ["disable anna", "role anna viewer"] {
        for locale in Locale::ALL {
            let expected = failure_text(locale, &Failure::LastAdministrator);
            let refused = fixture.run_in(locale, words).await.unwrap_err();
            assert_eq!(refused, format!("{} {}", expected.what, expected.remedy));
        }
    }
    for words in ["disable bert", "enable bert", "role bert viewer", "reset-password bert"] {
        let refused = fixture.run(words).await.unwrap_err();
        assert!(refused.starts_with("There is no such user."), "{words}: {refused}");
    }
    let taken = fixture.run("create anna --role viewer").await.unwrap_err();
    let expected = problem_text(Locale::English, &Problem::NameTaken);
    assert_eq!(taken, format!("User name: {expected}"));
}
