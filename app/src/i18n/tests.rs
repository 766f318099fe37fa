//! Languages, logs and steps of traces, in words.

use domain::note::Note;
use domain::trace::StepKind;

use super::Locale::{self, English, French};
use super::log_text;

#[test]
fn a_log_says_our_own_lines_in_the_readers_language() {
    let log = format!("I: Retrieving\n{}\n{{\"put_right\":1}}", Note::WaitingForBase.line());
    let [en, fr] = [English, French].map(|locale| log_text(locale, &log));
    assert_eq!(
        en,
        "I: Retrieving\nAnother build is making this base; waiting for it.\n{\"put_right\":1}"
    );
    assert!(fr.starts_with("I: Retrieving\nUne autre construction") && !fr.contains('\u{1e}'));
}

#[test]
fn every_step_says_what_it_names() {
    for kind in StepKind::ALL {
        for sentence in [super::en::trace::step(*kind), super::fr::trace::step(*kind)] {
            let places = (0..5).filter(|n| sentence.contains(&format!("{{{n}}}"))).count();
            assert_eq!(places, kind.names(), "{sentence}");
            let named: Vec<String> = (0..places).map(|n| format!("{{x{n}")).collect();
            let text = super::filled(sentence, &named);
            assert!(named.iter().all(|name| text.contains(name)), "{text}");
            assert!(!text.contains("{0}"), "{text}");
        }
    }
    // What is missing is left out, whatever a log says.
    assert_eq!(super::filled("a {0} {1} {", &["b".to_owned()]), "a b  ");
}

#[test]
fn a_chosen_language_wins_over_the_browsers() {
    assert_eq!(Locale::negotiate(Some("fr"), Some("en-GB,en;q=0.9")), French);
    assert_eq!(Locale::negotiate(Some("xx"), Some("fr-CA")), French);
}

#[test]
fn the_heaviest_known_language_is_taken() {
    assert_eq!(Locale::negotiate(None, Some("de, en;q=0.5, fr;q=0.8")), French);
    assert_eq!(Locale::negotiate(None, Some("fr;q=0, en;q=0.1")), English);
    assert_eq!(Locale::negotiate(None, Some("fr, en")), French);
    assert_eq!(Locale::negotiate(None, Some("de")), English);
    assert_eq!(Locale::negotiate(None, None), English);
}

#[test]
fn a_posix_locale_is_understood() {
    assert_eq!(Locale::from_tag("fr_FR.UTF-8"), Some(French));
    assert_eq!(Locale::from_tag("C"), None);
}
