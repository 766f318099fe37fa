//! `ulysse …` in the language of whoever calls it: clap parses, and what it would say in English is said
//! in the words of `app::i18n`.
//!
//! Not here: `vserver` and `vserver-stat`, which speak as the original did (`cli::help`, `cli::options`).

use std::ffi::OsString;
use std::process::ExitCode;

use app::i18n::{Locale, program_does, program_takes};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command, Parser};

/// Understands a command line; what was asked for instead, or what is wrong with it, is said, and gives
/// the exit status.
pub(crate) fn parse<P: Parser>(arguments: &[OsString], locale: Locale) -> Result<P, ExitCode> {
    let mut command = worded(P::command(), "", locale);
    let error = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => match P::from_arg_matches(&matches) {
            Ok(understood) => return Ok(understood),
            Err(error) => error,
        },
        Err(error) => error,
    };
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
        }
        _ => {
            let (path, of) = called(&command, arguments);
            eprintln!("{path}: {}\n  {}", explained(locale, &error, of), locale.see_help(&path));
        }
    }
    Err(ExitCode::from(code))
}

/// A command, and all below it, with the words of a language. `path` is how it is called.
pub(crate) fn worded(command: Command, path: &str, locale: Locale) -> Command {
    let of = |argument: &str| program_takes(locale, path, argument).unwrap_or_default();
    let flag = |name: &'static str, action| {
        Arg::new(name)
            .long(name)
            .action(action)
            .help(of(name).1)
            .help_heading(locale.options_head())
    };
    let names: Vec<String> =
        command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    let command = command
        .about(program_does(locale, path).unwrap_or_default())
        .help_template(format!(
            "{{about-with-newline}}\n{}\n\n{{all-args}}",
            locale.usage_of("{usage}")
        ))
        .subcommand_help_heading(locale.commands_head())
        .subcommand_value_name(locale.command_word())
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .mut_args(|argument| {
            let (value, means) = of(argument.get_id().as_str());
            let head = match argument.is_positional() {
                true => locale.arguments_head(),
                false => locale.options_head(),
            };
            let argument = argument.help(means).help_heading(head);
            match value {
                "" => argument,
                value => argument.value_name(value).hide_default_value(true),
            }
        })
        .arg(flag("help", ArgAction::Help).short('h'))
        .arg(flag("version", ArgAction::Version).short('V'));
    names.into_iter().fold(command, |command, name| {
        let path = format!("{path} {name}");
        command.mut_subcommand(&name, |below| worded(below, path.trim_start(), locale))
    })
}

/// How far the words of a command line name commands, and the last of these.
fn called<'a>(command: &'a Command, arguments: &[OsString]) -> (String, &'a Command) {
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    words.fold(("ulysse".to_owned(), command), |(path, at), word| match at.find_subcommand(word) {
        Some(below) => (format!("{path} {word}"), below),
        None => (path, at),
    })
}

fn explained(locale: Locale, error: &clap::Error, of: &Command) -> String {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(all)) => all.join(" "),
        _ => String::new(),
    };
    let option = || said(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            locale.command_unknown(&said(ContextKind::InvalidSubcommand))
        }
        ErrorKind::UnknownArgument if option().starts_with('-') => {
            let there: Vec<String> = of
                .get_arguments()
                .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
                .collect();
            locale.option_unknown(&option(), &there.join(", "))
        }
        ErrorKind::UnknownArgument => locale.word_not_expected(&option()),
        ErrorKind::MissingRequiredArgument => locale.words_missing(&option()),
        ErrorKind::ArgumentConflict => locale.option_twice(&option()),
        ErrorKind::TooManyValues => locale.option_takes_no_value(&option()),
        ErrorKind::InvalidValue | ErrorKind::NoEquals | ErrorKind::TooFewValues => {
            locale.option_without_value(&option())
        }
        ErrorKind::ValueValidation => {
            locale.option_value_wrong(&option(), &said(ContextKind::InvalidValue))
        }
        ErrorKind::InvalidUtf8 => locale.words_not_text().to_owned(),
        ErrorKind::MissingSubcommand => locale.command_missing().to_owned(),
        _ => locale.line_not_understood().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::invocation::Arguments;

    /// All commands as they are called.
    fn all(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        found.push((path.to_owned(), command.clone()));
        for below in command.get_subcommands() {
            all(below, format!("{path} {}", below.get_name()).trim_start(), found);
        }
    }

    #[test]
    fn every_command_and_option_has_its_words_in_both_languages() {
        for locale in Locale::ALL {
            worded(Arguments::command(), "", locale).debug_assert();
        }
        let mut found = Vec::new();
        all(&Arguments::command(), "", &mut found);
        assert!(found.len() > 30, "{}", found.len());
        for (path, command) in &found {
            for locale in [Locale::English, Locale::French] {
                assert!(program_does(locale, path).is_some(), "“{path}” has no words");
                for argument in command.get_arguments() {
                    let id = argument.get_id().as_str();
                    let takes = program_takes(locale, path, id);
                    assert!(takes.is_some(), "{id} of “{path}” has no words");
                    let has_value = argument.get_action().takes_values();
                    assert_eq!(!takes.unwrap().0.is_empty(), has_value, "{id} of “{path}”");
                }
            }
        }
    }

    fn help(locale: Locale, words: &[&str]) -> String {
        let mut command = worded(Arguments::command(), "", locale);
        let words = std::iter::once("ulysse").chain(words.iter().copied());
        command.try_get_matches_from_mut(words).unwrap_err().render().to_string()
    }

    #[test]
    fn help_is_in_one_language() {
        insta::assert_snapshot!("program-help-en", help(Locale::English, &["--help"]));
        let french = ["--help", "backup --help", "backup import --help", "bin restore -h"];
        let all = french.map(|line| help(Locale::French, &line.split(' ').collect::<Vec<_>>()));
        let all = all.join("\n----\n");
        for word in ["Usage:", "Options:", "Commands:", "Arguments:", "Print", "default"] {
            assert!(!all.contains(word), "“{word}” is no French: {all}");
        }
        insta::assert_snapshot!("program-help-fr", all);
    }

    #[test]
    fn what_is_typed_wrongly_is_said_in_ones_language() {
        let said = |line: &str| {
            let mut command = worded(Arguments::command(), "", Locale::French);
            let words: Vec<OsString> =
                std::iter::once("ulysse").chain(line.split(' ')).map(OsString::from).collect();
            let error = command.try_get_matches_from_mut(&words).unwrap_err();
            let (path, of) = called(&command, &words);
            // French sets off its quotes and colons with blanks that do not break.
            format!("{path}: {}", explained(Locale::French, &error, of)).replace('\u{a0}', " ")
        };
        for (line, expected) in [
            ("backups", "ulysse: Il n’y a pas de commande « backups »."),
            ("backup show", "ulysse backup show: Il manque : <SAUVEGARDE>."),
            ("bin remove x y", "ulysse bin remove: « y » est un mot de trop."),
            (
                "backup import a b --target",
                "ulysse backup import: L’option « --target <CIBLE> » attend une valeur.",
            ),
        ] {
            assert_eq!(said(line), expected, "{line}");
        }
        assert!(said("doctor --mend").contains("--repair"), "{}", said("doctor --mend"));
    }
}
