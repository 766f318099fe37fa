//! The engine's door for templates and cached base systems, and for archives that are uploaded: what is
//! asked of them, and their operations up to being written down.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use domain::backup::BackupOrder;
use domain::change::PlainChange;
use domain::failure::Failure;
use domain::operation::{Actor, Operation, Target};
use domain::template::{NewTemplate, Stock};

use super::{ALLOCATION_PATIENCE, Asked, Engine, Job, LOCK_PATIENCE};
use crate::lock::AllocationLock;
use crate::operation::{Observer, SavedAt, Task};
use crate::{archive, backup, build, template};

impl Engine {
    /// Queues keeping an archive as a template; the archive is to come over the socket.
    ///
    /// # Errors
    /// When it cannot be asked for now: name taken, too large, queue full.
    pub fn submit_upload(
        self: &Arc<Self>,
        new: NewTemplate,
        actor: Actor,
    ) -> Result<(Operation, OwnedFd), Failure> {
        self.refuse_if_full()?;
        let (ours, theirs) = sys::seqpacket::pair()
            .map_err(|error| Failure::Unexpected { detail: error.to_string() })?;
        let job = self.prepare_template(new, archive::Source::Upload(ours), actor)?;
        Ok((self.enqueue(job), theirs))
    }

    /// Queues making a backup of what somebody saved by hand of a VServer; the archive is to come over
    /// the socket.
    ///
    /// # Errors
    /// When it cannot be asked for now: no such target, busy, queue full.
    pub fn submit_import(
        self: &Arc<Self>,
        order: BackupOrder,
        actor: Actor,
    ) -> Result<(Operation, OwnedFd), Failure> {
        self.refuse_if_full()?;
        let (ours, theirs) = sys::seqpacket::pair()
            .map_err(|error| Failure::Unexpected { detail: error.to_string() })?;
        let task = backup::judge_import(self, order, SavedAt::Upload)?;
        let job = self.prepare_of_backups(task, actor)?;
        Ok((self.enqueue(Job { source: Some(archive::Source::Upload(ours)), ..job }), theirs))
    }

    /// Keeps an archive of the host's as a template, here and now.
    ///
    /// # Errors
    /// When it cannot be asked for. How it went is in the operation's progress.
    pub fn add_template_in_process(
        &self,
        new: NewTemplate,
        archive: File,
        actor: Actor,
        observer: &dyn Observer,
    ) -> Result<Operation, Failure> {
        let job = self.prepare_template(new, archive::Source::File(archive), actor)?;
        observer.moved(&job.operation);
        Ok(self.execute(job, observer, LOCK_PATIENCE))
    }

    /// Templates and bases, and what is allowed of them.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn stock(&self) -> Result<Stock, Failure> {
        let settings = &self.instance.settings;
        Ok(Stock {
            templates: template::list(&settings.roots)?,
            bases: build::bases::list(settings, self.clock.now())?,
            most_template_bytes: settings.limits.template_bytes,
            templates_directory: settings.roots.templates().display().to_string(),
            bases_directory: settings.roots.cache_base.join("bases").display().to_string(),
        })
    }

    /// Judges a change of a template or base that is there.
    pub(super) fn prepare_of_stock(
        &self,
        change: PlainChange,
        actor: impl Into<Asked>,
    ) -> Result<Job, Failure> {
        let roots = &self.instance.settings.roots;
        let target = change.target();
        self.recover_if_free(&target);
        let _choosing = AllocationLock::take(roots, ALLOCATION_PATIENCE)?;
        self.refuse_if_busy(&target)?;
        match &change {
            PlainChange::RemoveTemplate(name) if !template::exists(roots, name) => {
                Err(Failure::NoSuchTemplate { name: name.clone() })
            }
            PlainChange::RefreshBase(id) | PlainChange::RemoveBase(id)
                if !build::bases::exists(roots, id) =>
            {
                Err(Failure::NoSuchBase { id: id.clone() })
            }
            _ => self.write_down(change.into(), actor),
        }
    }

    fn prepare_template(
        &self,
        new: NewTemplate,
        source: archive::Source,
        actor: Actor,
    ) -> Result<Job, Failure> {
        let settings = &self.instance.settings;
        let target = Target::Template(new.name.clone());
        self.recover_if_free(&target);
        let _choosing = AllocationLock::take(&settings.roots, ALLOCATION_PATIENCE)?;
        self.refuse_if_busy(&target)?;
        template::judge(&settings.roots, &settings.limits, &new)?;
        let job = self.write_down(Task::AddTemplate(new), actor)?;
        Ok(Job { source: Some(source), ..job })
    }
}
