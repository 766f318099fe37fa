//! What can be asked of the engine, and terminals: nothing here changes a VServer.

use std::os::fd::OwnedFd;

use domain::build::{BuildForm, BuildSpec, Method, MethodKind, Source};
use domain::config_change::{ConfigEdit, ConfigRecord, FileView};
use domain::config_entry::{ConfigPath, ConfigTree};
use domain::failure::Failure;
use domain::fstab::SeenMount;
use domain::guest_log::{BootId, ConsolePiece, ConsolePlace, GuestLog, GuestLogQuery};
use domain::host::HostFacts;
use domain::id::{OperationId, TerminalId, UserId, VServerName};
use domain::life::LifeRecord;
use domain::metrics::measure::{AddressPool, Measurement};
use domain::operation::{LogChunk, Terminal};
use domain::process::ProcessList;
use domain::service::Services;
use domain::vserver::{ConfigFile, Detail, Summary};
use protocol::terminal::Size;

use super::Engine;
use crate::config::Origin;
use crate::state::GuestState;
use crate::{
    build, config, configure, facts, inside, life, lifecycle, processes, seen_mounts, summary,
    terminal, usage,
};

impl Engine {
    /// What forms and the engine judge input by, promises to builds under way included.
    ///
    /// # Errors
    /// When the host cannot be looked at.
    pub fn host_facts(&self) -> Result<HostFacts, Failure> {
        Ok(facts::host_facts(&self.instance.settings, &self.store.promised()?)?)
    }

    /// All VServers, sorted by name.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn summaries(&self) -> Result<Vec<Summary>, Failure> {
        let roots = &self.instance.settings.roots;
        Ok(summary::summaries(roots, &self.store.activities()?)?)
    }

    /// One row of the list; none when there is no such VServer.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn summary(&self, name: &VServerName) -> Result<Option<Summary>, Failure> {
        let roots = &self.instance.settings.roots;
        Ok(summary::summary(roots, name, &self.store.activities()?)?)
    }

    /// The page of a VServer.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn detail(&self, name: &VServerName) -> Result<Detail, Failure> {
        let roots = &self.instance.settings.roots;
        // A page that is read is a look at the tree.
        if let Err(failure) = self.notice_edits(&ConfigTree::VServer(name.clone())) {
            tracing::debug!(%name, %failure, "no look at its config tree");
        }
        Ok(summary::detail(roots, name, &self.store.activities()?)?)
    }

    /// What a VServer sees mounted; none when it does not run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn mounts(&self, name: &VServerName) -> Result<Option<Vec<SeenMount>>, Failure> {
        seen_mounts::seen(&self.instance.settings.roots, name)
    }

    /// What happened to a VServer, the latest first, at most `limit`.
    #[must_use]
    pub fn happened(&self, name: &VServerName, limit: usize) -> Vec<LifeRecord> {
        life::read(&self.instance.settings.roots.life_log_of(name), limit)
    }

    /// What is asked for of a guest's logs.
    ///
    /// # Errors
    /// When there is no such VServer, or it does not run and would have to.
    pub fn guest_log(
        &self,
        name: &VServerName,
        query: &GuestLogQuery,
    ) -> Result<GuestLog, Failure> {
        inside::guest_log(&self.instance, name, query)
    }

    /// Tells what it prints on its console from a place on, or from now on, until `hear` says that nobody listens,
    /// or it was up and is not any more. A restart does not end it.
    ///
    /// # Errors
    /// When it was never started, or what runs cannot be looked at.
    pub fn follow_console(
        &self,
        name: &VServerName,
        from: Option<ConsolePlace>,
        hear: &mut dyn FnMut(ConsolePiece) -> bool,
    ) -> Result<(), Failure> {
        let roots = &self.instance.settings.roots;
        let is_up = || {
            let has_record =
                GuestState::read(roots, name).map_err(lifecycle::LifecycleError::from)?.is_some();
            Ok(has_record || self.store.live_of(name.clone())?.is_some())
        };
        let operations = self.store.live_base();
        inside::follow_console(&self.instance, name, from, &operations, &is_up, hear)
    }

    /// The same over a socket, for whoever looks at a page: each packet is a [`ConsolePiece`]. It ends with the socket.
    ///
    /// # Errors
    /// When it was never started, or too many look.
    pub fn console_socket(
        &self,
        name: &VServerName,
        from: Option<ConsolePlace>,
    ) -> Result<OwnedFd, Failure> {
        inside::console_socket(&self.instance, name, from)
    }

    /// All that is kept of a boot's console, without what commands a terminal; none when nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn console_text(
        &self,
        name: &VServerName,
        boot: BootId,
    ) -> Result<Option<String>, Failure> {
        inside::console_text(&self.instance, name, boot)
    }

    /// The services of a VServer that runs.
    ///
    /// # Errors
    /// When there is no such VServer, it does not run, or does not answer.
    pub fn services(&self, name: &VServerName) -> Result<Services, Failure> {
        inside::services(&self.instance, name)
    }

    /// What everything uses now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn measurement(&self) -> Result<Measurement, Failure> {
        usage::measure(&self.instance.settings)
            .map_err(|error| Failure::Unexpected { detail: domain::failure::chain(&error) })
    }

    /// The processes of all VServers.
    ///
    /// # Errors
    /// When `/proc` or the records of what runs cannot be read.
    pub fn processes(&self) -> Result<ProcessList, Failure> {
        Ok(processes::list(&self.instance.settings.roots, None, self.clock.now())?)
    }

    /// How many addresses of the NAT network are left, promises to builds under way taken off.
    ///
    /// # Errors
    /// When what is taken cannot be listed.
    pub fn address_pool(&self) -> Result<AddressPool, Failure> {
        Ok(facts::address_pool(&self.instance.settings, &self.store.promised()?)?)
    }

    /// A piece of an operation's log.
    ///
    /// # Errors
    /// When there is no such operation.
    pub fn read_log(&self, id: &OperationId, offset: u64) -> Result<LogChunk, Failure> {
        Ok(self.store.read_log(id, offset)?)
    }

    /// Opens a terminal in a VServer that runs.
    ///
    /// # Errors
    /// When it does not run, or the shell cannot be started.
    pub fn open_terminal(
        &self,
        name: &VServerName,
        owner: UserId,
        size: Size,
    ) -> Result<(Terminal, OwnedFd), Failure> {
        let roots = &self.instance.settings.roots;
        let state = GuestState::running(roots, name).map_err(lifecycle::LifecycleError::from)?;
        let Some(state) = state else {
            let name = name.clone();
            return Err(if config::list_names(roots)?.contains(&name) {
                Failure::NotRunning { name }
            } else {
                Failure::NoSuchVServer { name }
            });
        };
        let (settings, executable) = (&self.instance.settings, &self.instance.executable);
        let (ids, clock) = (self.ids.as_ref(), self.clock.as_ref());
        Ok(terminal::open(settings, executable, ids, clock, &state, owner, size)?)
    }

    /// Connects to a terminal.
    ///
    /// # Errors
    /// When there is no such terminal.
    pub fn attach_terminal(&self, id: &TerminalId) -> Result<(Terminal, OwnedFd), Failure> {
        Ok(terminal::attach(&self.instance.settings.roots, id)?)
    }

    /// Writes edits that were made by hand into the history of a tree, unless Ulysse is changing it.
    pub(super) fn notice_edits(&self, tree: &ConfigTree) -> Result<(), Failure> {
        configure::notice(&self.instance.settings.roots, &self.store, self.clock.now(), tree)
    }

    /// What a change of a config tree would be refused for, asked by a user of the web application.
    ///
    /// # Errors
    /// That.
    pub fn judge_config(&self, tree: &ConfigTree, edits: &[ConfigEdit]) -> Result<(), Failure> {
        config::ensure(&self.instance.settings.roots, tree)?;
        let promised = self.store.promised()?;
        config::judge(&self.instance.settings, &promised, tree, edits, Origin::Web).map(drop)
    }

    /// Every file of a config tree with its text, cut after 4 KiB; of distributions also what the package
    /// says and the administrator does not.
    ///
    /// # Errors
    /// When there is no such tree, or it cannot be read.
    pub fn config_files(&self, tree: &ConfigTree) -> Result<Vec<ConfigFile>, Failure> {
        let roots = &self.instance.settings.roots;
        self.notice_edits(tree)?;
        let mut files = config::files_of(roots, tree)?;
        if *tree == ConfigTree::Distributions {
            files.extend(build::distribution::shipped_files(&files));
        }
        Ok(files)
    }

    /// One file of a config tree, with its history.
    ///
    /// # Errors
    /// When there is no such tree, or it cannot be looked at.
    pub fn config_file(&self, tree: &ConfigTree, path: &ConfigPath) -> Result<FileView, Failure> {
        self.notice_edits(tree)?;
        configure::view(&self.instance.settings.roots, tree, path)
    }

    /// The history of a config tree, the newest change first.
    ///
    /// # Errors
    /// When there is no such tree, or its history cannot be read.
    pub fn config_history(&self, tree: &ConfigTree) -> Result<Vec<ConfigRecord>, Failure> {
        self.notice_edits(tree)?;
        configure::history(&self.instance.settings.roots, tree)
    }

    /// What a build of this form would make, judged against the host as it is now.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn judge(&self, form: &BuildForm) -> Result<BuildSpec, Failure> {
        let host = self.host_facts()?;
        form.judge(&host).map_err(|errors| Failure::Invalid { errors })
    }

    /// Judges the machine that a form wants copied: its key must be known or confirmed. Nothing for
    /// other forms.
    ///
    /// # Errors
    /// All that is wrong with the form, or what the machine shows.
    pub fn judge_remote(&self, form: &BuildForm) -> Result<(), Failure> {
        if form.method_kind() != Ok(MethodKind::Rsync) {
            return Ok(());
        }
        match self.judge(form)?.method {
            Method::Rsync { source: Source::Remote(remote), .. } => {
                build::judge_host_key(&self.instance.settings.roots, &remote)
            }
            _ => Ok(()),
        }
    }
}
