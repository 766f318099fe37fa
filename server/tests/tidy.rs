//! What every file of the repository keeps to, where no compiler or lint looks.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a Rust file, its unit tests aside. The aim is 400; here is where it fails.
const MOST_LINES: usize = 600;

/// Names that say nothing about what is in them.
const EMPTY_NAMES: [&str; 8] =
    ["util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"];

/// What brings no file of ours, and what no file of ours is in.
const SKIPPED_FOLDERS: [&str; 4] = [".git", "target", "node_modules", "out"];

/// A text file of the repository, by its path from the top.
struct TextFile {
    path: String,
    text: String,
}

impl TextFile {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// What is wrong with each line, by this judge.
    fn judge_lines(&self, judge: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let judged = self.text.lines().enumerate().filter_map(|(index, line)| {
            Some(format!("{}:{}: {}", self.path, index + 1, judge(line)?))
        });
        judged.collect()
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All text files; pictures and the like are none.
fn files() -> Vec<TextFile> {
    let mut found = Vec::new();
    let mut ahead = vec![top()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(&folder).expect("a folder can be read") {
            let path = entry.expect("a folder can be read").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_symlink() || SKIPPED_FOLDERS.contains(&name) || name.starts_with("target-") {
                continue;
            }
            if path.is_dir() {
                ahead.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path.strip_prefix(top()).expect("below the top");
                found.push(TextFile { path: path.display().to_string(), text });
            }
        }
    }
    assert!(found.iter().any(|file| file.path == "server/tests/tidy.rs"));
    found
}

/// Asserts that a rule finds the offence in `bad`, nothing in `good`, and nothing in any file.
#[track_caller]
fn check(rule: fn(&TextFile) -> Vec<String>, bad: (&str, &str), good: (&str, &str)) {
    let file =
        |(path, text): (&str, &str)| TextFile { path: path.to_owned(), text: text.to_owned() };
    assert!(!rule(&file(bad)).is_empty(), "the rule finds nothing in {bad:?}");
    assert_eq!(rule(&file(good)), Vec::<String>::new());
    let found: Vec<String> = files().iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

/// The words of a line of code: what identifiers and keywords are made of.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

/// The parts of a name: `one_two` and `OneTwo` have the parts `one` and `two`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for character in name.chars() {
        if character == '_' || character == '-' || character.is_uppercase() {
            parts.push(String::new());
        }
        if let Some(last) = parts.last_mut() {
            last.extend(character.to_lowercase().filter(|lower| lower.is_alphanumeric()));
        }
    }
    parts
}

#[test]
fn every_rust_file_says_first_what_it_is() {
    fn rule(file: &TextFile) -> Vec<String> {
        let is_bare = file.is_rust() && !file.text.starts_with("//! ");
        is_bare.then(|| format!("{} does not begin with //!", file.path)).into_iter().collect()
    }
    check(rule, ("a.rs", "fn main() {}\n"), ("a.rs", "//! This.\n"));
}

#[test]
fn no_rust_file_is_too_long_to_read() {
    fn rule(file: &TextFile) -> Vec<String> {
        let lines = file.text.lines().take_while(|line| *line != "#[cfg(test)]").count();
        let is_long = file.is_rust() && lines > MOST_LINES;
        is_long.then(|| format!("{} has {lines} lines", file.path)).into_iter().collect()
    }
    let (long, tests) = ("\n".repeat(MOST_LINES + 1), "#[cfg(test)]\n".repeat(MOST_LINES + 1));
    check(rule, ("a.rs", &long), ("a.rs", &tests));
}

#[test]
fn unsafe_code_is_in_sys_alone_and_says_why_it_is_sound() {
    const UNSAFE: &str = concat!("uns", "afe");
    fn rule(file: &TextFile) -> Vec<String> {
        if !file.is_rust() {
            return Vec::new();
        }
        if !file.path.starts_with("server/sys/") {
            let is_unsafe = |line: &str| words(line).any(|word| word == UNSAFE);
            // The web's content security policy has a keyword of that name.
            let is_policy = |line: &str| {
                line.contains(&format!("'wasm-{UNSAFE}-eval'"))
                    || line.contains(&format!("'{UNSAFE}-inline'"))
            };
            return file.judge_lines(|line| {
                (is_unsafe(line) && !is_policy(line)).then(|| format!("{UNSAFE} outside sys"))
            });
        }
        // An explanation stands in the comment right above, or above the attributes in between.
        let lines: Vec<&str> = file.text.lines().collect();
        let opens = |line: &&str| {
            words(line).any(|word| word == UNSAFE)
                && !line.contains(&format!("{UNSAFE} fn"))
                && !line.contains(&format!("{UNSAFE} extern"))
                && !line.contains("allow(")
        };
        let explained = |index: usize| {
            let above = lines.iter().take(index + 1).rev().take(12);
            above.take_while(|line| !line.trim().is_empty()).any(|line| line.contains("SAFETY:"))
        };
        lines
            .iter()
            .enumerate()
            .filter(|(index, line)| opens(line) && !explained(*index))
            .map(|(index, _)| format!("{}:{}: no SAFETY", file.path, index + 1))
            .collect()
    }
    let block = format!("{UNSAFE} {{ f() }}\n");
    let explained = format!("// SAFETY: it is.\n{block}");
    check(rule, ("app/a.rs", &explained), ("server/sys/a.rs", &explained));
    check(rule, ("server/sys/a.rs", &block), ("app/a.rs", &format!("// {UNSAFE} is a word.\n")));
}

#[test]
fn names_say_what_is_in_them() {
    const DECLARE: [&str; 7] = ["mod", "struct", "enum", "trait", "fn", "type", "const"];
    fn is_empty_name(name: &str) -> bool {
        parts(name).iter().any(|part| EMPTY_NAMES.contains(&part.as_str()))
    }
    fn rule(file: &TextFile) -> Vec<String> {
        let mut found = Vec::new();
        let steps = file.path.split(['/', '.']);
        found.extend(
            steps
                .filter(|step| is_empty_name(step))
                .map(|step| format!("{}: {step} says nothing", file.path)),
        );
        if file.is_rust() {
            found.extend(file.judge_lines(|line| {
                let words: Vec<&str> = words(line).collect();
                let declared = words.windows(2).find_map(|pair| match pair {
                    [before, name] if DECLARE.contains(before) => Some(*name),
                    _ => None,
                })?;
                is_empty_name(declared).then(|| format!("{declared} says nothing"))
            }));
        }
        found
    }
    check(rule, ("app/src/utils.rs", ""), ("app/src/utilities_of_a_town.rs", ""));
    check(
        rule,
        ("a.rs", concat!("struct Net", "Helper;\n")),
        ("a.rs", "fn network() { common() }\n"),
    );
}

#[test]
fn nothing_is_left_for_later_without_an_issue() {
    const MARKS: [&str; 4] =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("HA", "CK:")];
    fn rule(file: &TextFile) -> Vec<String> {
        file.judge_lines(|line| {
            MARKS.iter().find(|mark| line.contains(**mark)).map(|mark| (*mark).to_owned())
        })
    }
    let left = format!("// {}: later", MARKS[0]);
    check(rule, ("a.css", &left), ("a.css", "/* done */"));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    const PLACES: [&str; 4] = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/."),
        concat!("registry.npm", "js"),
        concat!("static.cra", "tes.io"),
    ];
    fn rule(file: &TextFile) -> Vec<String> {
        file.judge_lines(|line| {
            PLACES.iter().find(|place| line.contains(**place)).map(|place| (*place).to_owned())
        })
    }
    let wrong = format!("cd {}main", PLACES[0]);
    check(rule, ("Makefile", &wrong), ("Makefile", "cd ./work"));
}

#[test]
fn locked_packages_name_no_place_to_fetch_them_from() {
    fn rule(file: &TextFile) -> Vec<String> {
        if !file.path.ends_with("package-lock.json") {
            return Vec::new();
        }
        file.judge_lines(|line| {
            line.contains("\"resolved\"").then(|| "an address of a registry".to_owned())
        })
    }
    let wrong = "\"resolved\": \"https://example.org/a.tgz\"";
    check(rule, ("a/package-lock.json", wrong), ("a/package.json", wrong));
}

#[test]
fn every_message_is_said_somewhere() {
    let files = files();
    // Of a list, what stands in its macro; the rest of its file is code.
    let list = |file: &TextFile| {
        let start = file.text.find("\nmessages! {").filter(|_| file.path.contains("/i18n/"))?;
        let end = file.text[start..].find("\n}").map_or(file.text.len(), |end| start + end);
        Some((start, end))
    };
    let languages = ["app/src/i18n/en/", "app/src/i18n/fr/"];
    let is_text = |file: &&TextFile| languages.iter().any(|start| file.path.starts_with(start));
    let mut code = String::new();
    for file in files.iter().filter(|file| file.is_rust() && !is_text(file)) {
        match list(file) {
            Some((start, end)) => code.extend([&file.text[..start], &file.text[end..]]),
            None => code.push_str(&file.text),
        }
    }
    let said: std::collections::BTreeSet<&str> =
        code.split(|character: char| !character.is_alphanumeric() && character != '_').collect();
    let mut unsaid = Vec::new();
    let mut count = 0;
    for (file, (start, end)) in files.iter().filter_map(|file| Some((file, list(file)?))) {
        let messages = file.text[start..end].lines().skip(2);
        for line in messages.map(str::trim).filter(|line| line.ends_with(';')) {
            let name = line.split(['(', ';']).next().unwrap_or_default();
            count += 1;
            if !said.contains(name) {
                unsaid.push(name);
            }
        }
    }
    assert!(count > 100, "only {count} messages found");
    assert!(unsaid.is_empty(), "nobody says {unsaid:?}");
}
