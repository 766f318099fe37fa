//! What a config tree says about the boot of the host, however broken the rest of it is.

use std::path::Path;

use domain::boot::{BootMember, DEPENDS_FILE, Dependency, MARK_FILE};
use domain::config_entry::Expected;
use domain::field::Problem;
use domain::id::VServerName;

use super::error::ConfigError;
use super::reader::Reader;
use crate::roots::Roots;

/// A VServer as a boot sees it. A line that makes no sense is among its problems, and passed over.
#[must_use]
pub fn boot_member_of(roots: &Roots, name: &VServerName, is_running: bool) -> BootMember {
    let mut member = BootMember {
        name: name.clone(),
        marks: Vec::new(),
        depends: Vec::new(),
        is_disabled: false,
        is_running,
        problems: Vec::new(),
    };
    match Reader::open(&roots.config_of(name), Path::new(name.as_str())) {
        Ok(Some(reader)) => {
            let marks = lines(&reader, MARK_FILE, Expected::Mark, &mut member);
            member.marks = marks.into_iter().map(|(_, mark)| mark).collect();
            let depends = lines(&reader, DEPENDS_FILE, Expected::VServerName, &mut member);
            member.depends =
                depends.into_iter().map(|(line, on)| Dependency { on, line }).collect();
            match reader.exists("disabled") {
                Ok(is_there) => member.is_disabled = is_there,
                Err(error) => member.problems.extend(error.problem()),
            }
        }
        Ok(None) => {}
        Err(error) => member.problems.extend(error.problem()),
    }
    member
}

/// The items of a list that make sense, with their lines.
fn lines<T>(
    reader: &Reader,
    path: &str,
    expected: fn(Problem) -> Expected,
    member: &mut BootMember,
) -> Vec<(usize, T)>
where
    T: core::str::FromStr<Err = Problem>,
{
    let mut good = Vec::new();
    let mut wrong = |error: ConfigError| member.problems.extend(error.problem());
    match reader.list(path) {
        Ok(items) => {
            for (line, item) in items.unwrap_or_default() {
                match item.parse() {
                    Ok(item) => good.push((line, item)),
                    Err(problem) => wrong(reader.unexpected(path, line, expected(problem))),
                }
            }
        }
        Err(error) => wrong(error),
    }
    good
}
