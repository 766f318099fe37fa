//! The `vserver … build` command that makes the same VServer (fact sheet 2.2).

use super::{Archive, BuildSpec, CopyOptions, Method, Remote, SSH_PORT, Source};

/// What stands before a command that is to do without the host's default options.
pub const NO_DEFAULT_OPTIONS: &str = "NO_DEFAULT_OPTS=1";

impl BuildSpec {
    /// The `vserver … build` command that makes the same VServer, one argument an item.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        let mut line = Vec::new();
        if self.ignores_default_options {
            line.push(NO_DEFAULT_OPTIONS.to_owned());
        }
        line.extend(["vserver".to_owned(), self.name.to_string(), "build".to_owned()]);
        let mut push = |words: &[&str]| line.extend(words.iter().map(|word| (*word).to_owned()));
        push(&["-m", self.method.kind().as_str()]);
        push(&["--context", &self.context.to_string()]);
        push(&["--hostname", self.host_name.as_str()]);
        for interface in &self.interfaces {
            push(&["--interface", &interface.to_string()]);
        }
        push(&["--initstyle", self.init.style().as_str()]);
        if !self.flags.is_empty() {
            push(&["--flags", &joined(&self.flags)]);
        }
        if let Some(broadcast) = self.broadcast {
            push(&["--netbcast", &broadcast.to_string()]);
        }
        if let Some(cpuset) = &self.cpuset {
            push(&["--cpuset", cpuset.name.as_str()]);
            for (option, list) in [("--cpusetcpus", &cpuset.cpus), ("--cpusetmems", &cpuset.mems)] {
                if let Some(list) = list {
                    push(&[option, &list.to_string()]);
                }
            }
            if cpuset.is_virtualized {
                push(&["--cpusetvirt"]);
            }
        }
        if self.replaces {
            push(&["--force"]);
        }
        if self.keeps_root {
            push(&["--i-know-its-there"]);
        }
        line.extend(of_method(&self.method));
        line
    }
}

/// What follows the first `--`.
fn of_method(method: &Method) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match method {
        Method::Debootstrap {
            suite,
            mirror,
            architecture,
            packages,
            variant,
            components,
            excluded,
            script,
            options,
        } => {
            let mut line = words(&["--", "-d", suite.as_str(), "-m", mirror.as_str()]);
            if let Some(script) = script {
                line.extend(words(&["-s", script.as_str()]));
            }
            line.extend(words(&["--", "--arch", architecture.as_str()]));
            line.extend(variant.iter().map(|variant| format!("--variant={variant}")));
            for (option, list) in [
                ("components", joined(components)),
                ("include", joined(packages)),
                ("exclude", joined(excluded)),
            ] {
                if !list.is_empty() {
                    line.push(format!("--{option}={list}"));
                }
            }
            line.extend(options.words());
            line
        }
        Method::Rsync { source, options } => {
            let mut line = words(&["--", "--source"]);
            line.push(source.to_string());
            let mut passed = Vec::new();
            if let Source::Remote(remote) = source {
                if let Some(key) = &remote.host_key {
                    line.extend(words(&["--hostkey", key.as_str()]));
                }
                passed.extend(remote_shell(remote));
            }
            passed.extend(of_rsync(options));
            if !passed.is_empty() {
                line.push("--".to_owned());
                line.extend(passed);
            }
            line
        }
        Method::Yum { distribution, packages } => {
            let mut line = words(&["--", "-d", distribution.as_str()]);
            if !packages.is_empty() {
                line.push("--".to_owned());
                line.extend(packages.iter().map(ToString::to_string));
            }
            line
        }
        Method::Clone { source, unified } => {
            let mut line = words(&["--", "--source", source.as_str()]);
            line.extend(unified.then(|| "--unified".to_owned()));
            line
        }
        Method::Template { archive: Archive::Kept(name) } => {
            words(&["--", "--template", name.as_str()])
        }
        Method::Template { archive: Archive::File(path) } => {
            words(&["--", "--template", path.as_str()])
        }
        Method::Skeleton => Vec::new(),
    }
}

/// `-e "ssh …"`, when ssh is to be told something.
fn remote_shell(remote: &Remote) -> Vec<String> {
    let mut shell = "ssh".to_owned();
    if remote.port != SSH_PORT {
        shell.push_str(&format!(" -p {}", remote.port));
    }
    if let Some(identity) = &remote.identity {
        shell.push_str(&format!(" -i {identity}"));
    }
    if shell == "ssh" { Vec::new() } else { vec!["-e".to_owned(), shell] }
}

fn of_rsync(options: &CopyOptions) -> Vec<String> {
    let mut line: Vec<String> =
        options.excluded.iter().map(|pattern| format!("--exclude={pattern}")).collect();
    if options.all_filesystems {
        line.push("--no-one-file-system".to_owned());
    }
    if options.compressed {
        line.push("--compress".to_owned());
    }
    line.extend(options.bandwidth_kib.map(|rate| format!("--bwlimit={rate}")));
    line
}

fn joined<T: AsRef<str>>(items: &[T]) -> String {
    items.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(",")
}

/// One argument as a shell would need it typed.
#[must_use]
pub fn shell_quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A command line as a person would type it.
#[must_use]
pub fn shell_line(words: &[String]) -> String {
    words.iter().map(|word| shell_quoted(word)).collect::<Vec<_>>().join(" ")
}
