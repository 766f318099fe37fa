//! The form of a build as it is typed, and its judgement as a whole: every mistake is told at once.

use serde::{Deserialize, Serialize};

use super::judge::{
    judge_architecture, judge_broadcast, judge_context, judge_cpu_list, judge_cpuset,
    judge_host_name, judge_init, judge_interfaces, judge_name, judge_packages, judge_script,
    judge_suite, judge_variant, or_default, parse_lines, parse_words,
};
use super::passed::distinct;
use super::source::{Archive, CopyOptions, HostPath, Remote, Source};
use super::source::{MAX_EXCLUDES, parse_bandwidth, parse_port, parse_remote};
use super::{BuildSpec, Method, MethodKind};
use crate::failure::HostFeature;
use crate::field::{Field, FieldErrors, Problem};
use crate::host::HostFacts;
use crate::id::{Component, DistributionName, VServerName};

/// A build form exactly as it is typed. Empty means: the default; a switch is on when it is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildForm {
    /// The VServer's name.
    pub name: String,
    /// A Debian suite; default: the host's.
    pub suite: String,
    /// A mirror; default: the host's.
    pub mirror: String,
    /// Packages to include, separated by blanks or commas.
    pub packages: String,
    /// `systemd` or `sysvinit`; default: that of what is copied, else the first the host can run.
    pub init: String,
    /// A context number; default: the next free one.
    pub context: String,
    /// A host name; default: the name.
    pub host_name: String,
    /// Interfaces in the original's grammar, separated by blanks or line ends; default: the next
    /// free address of the NAT network.
    pub interfaces: String,
    /// Context flags, separated by blanks or commas; default: none.
    pub flags: String,
    /// A Debian architecture that the host's processor runs; default: the host's.
    pub architecture: String,
    /// A variant of debootstrap's; default: its own default.
    pub variant: String,
    /// Parts of the archive, separated by blanks or commas; default: `main`.
    pub components: String,
    /// Packages to leave out, separated by blanks or commas.
    pub excluded: String,
    /// The suite whose script makes this one; default: its own.
    pub script: String,
    /// How its files are made, as `-m` names it; default: debootstrap.
    pub method: String,
    /// What is copied: a VServer's name, or `user@host:/path`.
    pub source: String,
    /// Whether a clone is to share files where the filesystem shares no blocks.
    pub unified: String,
    /// What is not copied, one pattern a line.
    pub exclude_patterns: String,
    /// Whether filesystems mounted in the source are copied too.
    pub all_filesystems: String,
    /// Whether what travels is compressed.
    pub compressed: String,
    /// The most KiB a second.
    pub bandwidth: String,
    /// The port of the remote machine's sshd; default: 22.
    pub port: String,
    /// The fingerprint of the remote machine's key that was shown and confirmed.
    pub host_key: String,
    /// Other suites of the same archive to take packages from, separated by blanks or commas.
    pub extra_suites: String,
    /// `yes` or `no`: whether `/bin` and the like are links to `/usr`.
    pub merged_usr: String,
    /// `no`: what packages need is left for somebody to name.
    pub dependencies: String,
    /// A template that Ulysse keeps.
    pub template: String,
    /// A distribution that is described below `.distributions`.
    pub distribution: String,
    /// The broadcast address of its network.
    pub broadcast: String,
    /// The name of a cpuset.
    pub cpuset: String,
    /// Its CPUs.
    pub cpuset_cpus: String,
    /// Its memory nodes.
    pub cpuset_mems: String,
    /// Whether the guest sees nothing but them.
    pub cpuset_virtual: String,
    /// What can be asked for at the host's command line alone.
    #[serde(skip)]
    pub at_host: AtHost,
}

/// What is no part of a form that travels: paths of the host's, and leave to touch what is there. No
/// request can carry it, because it is never written and never read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AtHost {
    /// The directory to copy.
    pub source: String,
    /// The archive to unpack.
    pub archive: String,
    /// The private key to log in with.
    pub identity: String,
    /// The keyring that an archive is checked by.
    pub keyring: String,
    /// `no`: signatures are not checked.
    pub signatures: String,
    /// The client certificate that a mirror is shown.
    pub certificate: String,
    /// `no`: a mirror's certificate is not checked.
    pub certificates: String,
    /// `--force`: what has its name and files is moved aside.
    pub replaces: bool,
    /// `--i-know-its-there`: its root directory may hold files.
    pub keeps_root: bool,
}

impl BuildForm {
    /// Judges the form against the host.
    ///
    /// # Errors
    /// All that is wrong with it, field by field.
    pub fn judge(&self, host: &HostFacts) -> Result<BuildSpec, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.take(Field::Name, judge_name(self.name.trim(), host, &self.at_host));
        let method = self.judge_method(host, &mut errors);
        let own = name.as_ref().filter(|_| self.at_host.replaces);
        let flags = errors.take(Field::Flags, parse_words(&self.flags));
        let init = errors.take(Field::Init, judge_init(self.init.trim(), host, method.as_ref()));
        let context = errors.take(Field::Context, judge_context(self.context.trim(), host, own));
        let host_name = errors
            .take(Field::HostName, judge_host_name(self.host_name.trim(), name.as_ref()))
            .flatten();
        let interfaces =
            errors.take(Field::Interface, judge_interfaces(&self.interfaces, host, own));
        let broadcast = interfaces.as_ref().and_then(|interfaces| {
            errors.take(Field::Broadcast, judge_broadcast(self.broadcast.trim(), interfaces))
        });
        let cpus = errors.take(Field::CpusetCpus, judge_cpu_list(&self.cpuset_cpus)).flatten();
        let mems = errors.take(Field::CpusetMems, judge_cpu_list(&self.cpuset_mems)).flatten();
        let cpuset = errors.take(Field::Cpuset, judge_cpuset(self, cpus, mems));
        if let (Some(name), Some(method)) = (&name, &method) {
            self.judge_together(name, method, &mut errors);
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        // Every part is there exactly when nothing was wrong.
        let spec = (|| {
            Some(BuildSpec {
                name: name?,
                context: context?,
                host_name: host_name?,
                interfaces: interfaces?,
                broadcast: broadcast?,
                init: init?,
                flags: flags?,
                cpuset: cpuset?,
                method: method?,
                defaults: host.defaults.clone(),
                replaces: self.at_host.replaces,
                keeps_root: self.at_host.keeps_root,
                ignores_default_options: host.has_default_options,
            })
        })();
        spec.ok_or(errors)
    }

    /// The method that is chosen.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn method_kind(&self) -> Result<MethodKind, Problem> {
        match self.method.trim() {
            "" => Ok(MethodKind::default()),
            word => word.parse(),
        }
    }

    fn judge_method(&self, host: &HostFacts, errors: &mut FieldErrors) -> Option<Method> {
        match errors.take(Field::Method, self.method_kind())? {
            MethodKind::Debootstrap => self.judge_debootstrap(host, errors),
            MethodKind::Rsync => {
                let source = errors.take(Field::Source, self.judge_source(host));
                let options = self.judge_copy_options(errors);
                let source = match source? {
                    Source::Remote(remote) => Source::Remote(self.judge_remote(remote, errors)?),
                    other => other,
                };
                Some(Method::Rsync { source, options: options? })
            }
            MethodKind::Clone => {
                let source = errors.take(Field::Source, self.judge_clone_source(host));
                Some(Method::Clone { source: source?, unified: is_on(&self.unified) })
            }
            MethodKind::Yum => {
                let distribution = errors.take(Field::Distribution, self.judge_distribution(host));
                let packages = errors.take(Field::Packages, judge_packages(&self.packages));
                Some(Method::Yum { distribution: distribution?, packages: packages? })
            }
            MethodKind::Template => {
                let archive = errors.take(Field::Template, self.judge_archive(host));
                Some(Method::Template { archive: archive? })
            }
            MethodKind::Skeleton => Some(Method::Skeleton),
        }
    }

    fn judge_debootstrap(&self, host: &HostFacts, errors: &mut FieldErrors) -> Option<Method> {
        let suite = or_default(self.suite.trim(), &host.suite).ok();
        let described = host.described_suites.iter().find(|one| Some(&one.suite) == suite.as_ref());
        let form = match described {
            Some(described) => &errors.take(Field::Suite, self.described(described))?,
            None => self,
        };
        let script = errors.take(Field::SuiteScript, judge_script(form.script.trim(), host));
        let has_script = matches!(&script, Some(Some(_)));
        let suite = errors.take(Field::Suite, judge_suite(form.suite.trim(), host, has_script));
        let mirror = errors.take(Field::Mirror, or_default(form.mirror.trim(), &host.mirror));
        let packages = errors.take(Field::Packages, judge_packages(&form.packages));
        let excluded = errors.take(Field::Excluded, judge_packages(&form.excluded));
        let components = errors.take(Field::Components, parse_words(&form.components));
        let variant = errors.take(Field::Variant, judge_variant(form.variant.trim()));
        let architecture =
            errors.take(Field::Architecture, judge_architecture(form.architecture.trim(), host));
        let options = errors.take(Field::Suite, form.debootstrap_options());
        let mut components: Vec<Component> = components?;
        distinct(&mut components);
        Some(Method::Debootstrap {
            suite: suite?,
            mirror: mirror?,
            architecture: architecture?,
            packages: packages?,
            variant: variant?,
            components,
            excluded: excluded?,
            script: script?,
            options: options?,
        })
    }

    fn judge_source(&self, host: &HostFacts) -> Result<Source, Problem> {
        let directory = self.at_host.source.trim();
        if !directory.is_empty() {
            // The directory of a VServer is that VServer: then it is copied consistently.
            return Ok(match vserver_at(directory, host) {
                Some(name) => Source::VServer(name),
                None => Source::Directory(directory.parse::<HostPath>()?),
            });
        }
        let text = self.source.trim();
        match text {
            "" => Err(Problem::Missing),
            path if path.starts_with('/') => Err(Problem::OnlyAtCommandLine),
            text if text.contains(':') => parse_remote(text).map(Source::Remote),
            name => existing(name, host).map(Source::VServer),
        }
    }

    fn judge_clone_source(&self, host: &HostFacts) -> Result<VServerName, Problem> {
        let directory = self.at_host.source.trim();
        if !directory.is_empty() {
            let text = directory.to_owned();
            return vserver_at(directory, host).ok_or(Problem::NotAVServersDirectory { text });
        }
        match self.source.trim() {
            "" => Err(Problem::Missing),
            text => existing(text, host),
        }
    }

    fn judge_remote(&self, remote: Remote, errors: &mut FieldErrors) -> Option<Remote> {
        let port = errors.take(Field::Port, parse_port(self.port.trim()));
        let host_key = errors.take(Field::HostKey, optional(self.host_key.trim()));
        let identity = errors.take(Field::Identity, optional(self.at_host.identity.trim()));
        Some(Remote { port: port?, host_key: host_key?, identity: identity?, ..remote })
    }

    fn judge_copy_options(&self, errors: &mut FieldErrors) -> Option<CopyOptions> {
        let patterns = parse_lines(&self.exclude_patterns).and_then(|patterns| {
            let max = MAX_EXCLUDES as u64;
            let fits = patterns.len() <= MAX_EXCLUDES;
            if fits { Ok(patterns) } else { Err(Problem::OutOfRange { min: 0, max }) }
        });
        let excluded = errors.take(Field::ExcludePatterns, patterns);
        let bandwidth = errors.take(Field::Bandwidth, parse_bandwidth(self.bandwidth.trim()));
        Some(CopyOptions {
            excluded: excluded?,
            all_filesystems: is_on(&self.all_filesystems),
            compressed: is_on(&self.compressed),
            bandwidth_kib: bandwidth?,
        })
    }

    fn judge_archive(&self, host: &HostFacts) -> Result<Archive, Problem> {
        let file = self.at_host.archive.trim();
        if !file.is_empty() {
            return file.parse().map(Archive::File);
        }
        match self.template.trim() {
            "" => Err(Problem::Missing),
            path if path.contains('/') => Err(Problem::OnlyAtCommandLine),
            text => {
                let name = text.parse()?;
                if host.templates.contains(&name) {
                    Ok(Archive::Kept(name))
                } else {
                    let choices = host.templates.iter().map(ToString::to_string).collect();
                    Err(Problem::NoSuchTemplate { choices })
                }
            }
        }
    }

    fn judge_distribution(&self, host: &HostFacts) -> Result<DistributionName, Problem> {
        let name = match self.distribution.trim() {
            "" => return Err(Problem::Missing),
            text => text.parse()?,
        };
        if !host.has_dnf {
            return Err(Problem::HostLacks { feature: HostFeature::Dnf });
        }
        if host.distributions.contains(&name) {
            return Ok(name);
        }
        let choices = host.distributions.iter().map(ToString::to_string).collect();
        Err(Problem::NoSuchDistribution { choices })
    }

    /// What is right alone and wrong together.
    fn judge_together(&self, name: &VServerName, method: &Method, errors: &mut FieldErrors) {
        let can_keep_root = matches!(method, Method::Rsync { .. } | Method::Skeleton);
        if self.at_host.keeps_root && !can_keep_root {
            let option = "--i-know-its-there".to_owned();
            errors.push(Field::Method, Problem::OptionOfOtherMethods { option });
        }
        // With --force its own name is not taken.
        if method.copied_vserver() == Some(name) {
            errors.push(Field::Source, Problem::SourceIsTarget);
        }
    }
}

/// Whether a switch is on.
pub(super) fn is_on(text: &str) -> bool {
    !text.trim().is_empty()
}

fn optional<T: core::str::FromStr<Err = Problem>>(text: &str) -> Result<Option<T>, Problem> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

fn existing(text: &str, host: &HostFacts) -> Result<VServerName, Problem> {
    let name: VServerName = text.parse()?;
    if host.names.contains(&name) { Ok(name) } else { Err(Problem::NoSuchSource { name }) }
}

/// The VServer whose files or configuration a path is.
fn vserver_at(path: &str, host: &HostFacts) -> Option<VServerName> {
    let path = path.trim_end_matches('/');
    let bases = [&host.guest_base, &host.config_base];
    let name = bases.iter().find_map(|base| path.strip_prefix(base.as_str())?.strip_prefix('/'))?;
    existing(name, host).ok()
}
