//! Somebody who visits the site of a test, with curl: the first administrator.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::sandbox::{Sandbox, until};
use crate::serve::Serve;

const PASSWORD: &str = "the horse is battery";

/// Whoever looks.
pub(crate) struct Visitor {
    jar: PathBuf,
    site: String,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
    /// The body as it came over the wire, in bytes.
    pub(crate) wire_bytes: u64,
    /// From the request, on a connection that is there, to the last byte.
    pub(crate) took: Duration,
}

impl Visitor {
    /// Becomes the first administrator.
    pub(crate) fn set_up(sandbox: &Sandbox, serve: &Serve) -> Self {
        let mut link = None;
        until("the set-up link is said", || {
            link = serve
                .said()
                .split_whitespace()
                .find(|word| word.contains("/setup/"))
                .map(str::to_owned);
            link.is_some()
        });
        let link = link.unwrap();
        let (site, token) = link.split_once("/setup/").unwrap();
        let jar = sandbox.directory().join("cookies");
        let visitor = Self { jar, site: site.to_owned() };
        let page = visitor.get(&format!("/setup/{token}"));
        let csrf = value_of(&page.text, "csrf");
        let form = [
            ("csrf", csrf.as_str()),
            ("token", token),
            ("name", "admin"),
            ("password", PASSWORD),
            ("password_again", PASSWORD),
        ];
        let answer = visitor.post("/api/account/set-up", &form);
        assert_eq!(answer.status, 303, "{}", answer.text);
        visitor
    }

    /// Asks for a page.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.curl(path, &[])
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut words = vec!["--header".to_owned(), format!("Origin: {}", self.site)];
        // As a browser's form: the answer is another page.
        words.extend(["--header".to_owned(), "Accept: text/html".to_owned()]);
        for (name, value) in form {
            words.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
        }
        self.curl(path, &words)
    }

    fn curl(&self, path: &str, words: &[String]) -> Answer {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--insecure", "--compressed"]);
        command
            .args(["--max-time", "60", "--cookie"])
            .arg(&self.jar)
            .arg("--cookie-jar")
            .arg(&self.jar);
        let told = "\n%{http_code} %{size_download} %{time_appconnect} %{time_total}";
        command.args(["--write-out", told]).args(words).arg(format!("{}{path}", self.site));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{path}: {output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (text, told) = text.rsplit_once('\n').unwrap();
        let numbers: Vec<f64> = told.split(' ').map(|number| number.parse().unwrap()).collect();
        Answer {
            status: numbers[0] as u16,
            wire_bytes: numbers[1] as u64,
            took: Duration::from_secs_f64((numbers[3] - numbers[2]).max(0.0)),
            text: text.to_owned(),
        }
    }
}

/// The value of a field of a form.
fn value_of(page: &str, name: &str) -> String {
    let after = page.split(&format!("name=\"{name}\"")).nth(1).unwrap();
    let value = after.split("value=\"").nth(1).unwrap();
    value.split('"').next().unwrap().to_owned()
}
