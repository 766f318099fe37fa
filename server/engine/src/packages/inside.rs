//! A VServer in which tools run, and what they are asked there: what there is, what is wrong with it, what is
//! pending. What was answered is kept.
//!
//! Not here: what tools are told and what their lines mean ([`super::apt`], [`super::dnf`]).

use std::os::fd::OwnedFd;

use domain::failure::Failure;
use domain::id::VServerName;
use domain::note::Note;
use domain::operation::Stage;
use domain::package::{PackageState, PackageTool, PendingUpdate};

use super::installed::{PACKAGES, Record};
use super::kept::Kept;
use super::program::{self, Ended, Program};
use super::{Tools, apt, dnf, failed, rpm, stamp_of, tool_in};
use crate::engine::Instance;
use crate::lifecycle::{self, LifecycleError};
use crate::operation::{Stopped, Work};
use crate::state::GuestState;

/// A VServer in which tools can run.
pub(super) struct Inside<'a> {
    pub(super) instance: &'a Instance,
    name: &'a VServerName,
    files: &'a OwnedFd,
    pub(super) tools: Tools,
    pub(super) state: GuestState,
    /// Whether it is not started.
    pub(super) is_aside: bool,
}

impl<'a> Inside<'a> {
    /// The VServer as it runs, or without its being started.
    pub(super) fn enter(
        instance: &'a Instance,
        work: &mut Work<'_>,
        name: &'a VServerName,
        files: &'a OwnedFd,
        tools: Tools,
    ) -> Result<Self, Stopped> {
        let roots = &instance.settings.roots;
        let state = GuestState::read(roots, name).map_err(LifecycleError::from)?;
        if let Some(state) = &state
            && state.is_running()
        {
            let state = state.clone();
            return Ok(Self { instance, name, files, tools, state, is_aside: false });
        }
        if let Some(old) = &state {
            lifecycle::clean_up(roots, old)?;
        }
        work.note(&Note::EnteredStopped);
        let state = lifecycle::begin_aside(instance, work, name)?;
        Ok(Self { instance, name, files, tools, state, is_aside: true })
    }

    /// Leaves it as it was: of one that was not started nothing runs any more.
    pub(super) fn leave(self) -> Result<(), LifecycleError> {
        match self.is_aside {
            true => lifecycle::end_aside(&self.instance.settings.roots, self.name),
            false => Ok(()),
        }
    }

    /// Runs a tool whose lines are the log's.
    pub(super) fn run(
        &self,
        work: &mut Work<'_>,
        argv: &[String],
        stops_in_order: bool,
    ) -> Result<(), Stopped> {
        let ended = self.hear(work, argv, stops_in_order, |_| {})?;
        match ended.status {
            0 => Ok(()),
            status => Err(failed(&tool_in(argv), status, ended.last)),
        }
    }

    /// Runs a tool whose lines are the log's and an answer as well.
    pub(super) fn hear(
        &self,
        work: &mut Work<'_>,
        argv: &[String],
        stops_in_order: bool,
        mut heard: impl FnMut(&str),
    ) -> Result<Ended, Stopped> {
        let program = Program { argv, stops_in_order };
        program::run(self.instance, work, &self.state, &program, |work, line| {
            work.log(line);
            heard(line);
        })
    }

    /// Runs a tool whose lines are an answer. One that asks what was done is not interrupted: that is to be
    /// known also of what was cancelled.
    fn ask(
        &self,
        work: &mut Work<'_>,
        argv: &[String],
        stops_in_order: bool,
        mut heard: impl FnMut(&str),
    ) -> Result<Ended, Stopped> {
        let program = Program { argv, stops_in_order };
        program::run(self.instance, work, &self.state, &program, |_, line| heard(line))
    }

    /// What there is, by dpkg's record or as rpm, dnf and its locks say; none where there is no record.
    pub(super) fn record(&self, work: &mut Work<'_>) -> Result<Option<Record>, Stopped> {
        let Tools::Dnf(tool) = self.tools else { return Ok(Record::read(self.files)) };
        let mut answer = rpm::Answer::default();
        let argv = dnf::query(self.is_aside);
        let ended = self.ask(work, &argv, false, |line| answer.hear(line))?;
        if ended.status != 0 {
            return Err(failed(&tool_in(&argv), ended.status, ended.last));
        }
        let record = answer.record();
        // One without a plugin for it keeps none back, and ends otherwise than with 0.
        let mut held = dnf::Named::new(&record);
        self.ask(work, &dnf::locks(tool, self.is_aside), false, |line| held.hear(line))?;
        let mut broken = dnf::Named::new(&record);
        // It ends with 1 when it has something to say: what it names is what counts.
        self.ask(work, &dnf::check(tool, self.is_aside), false, |line| broken.hear(line))?;
        let record = held.marked(record, PackageState::Held);
        Ok(Some(broken.marked(record, PackageState::Broken)))
    }

    /// What there is as far as that is known without asking.
    pub(super) fn known_record(&self) -> Option<Record> {
        match self.tools {
            Tools::Apt => Record::read(self.files),
            Tools::Dnf(_) => {
                let kept = Kept::read(&self.instance.settings.roots, self.name, self.files)?;
                let is_stale = stamp_of(self.files).is_none_or(|stamp| kept.is_stale(stamp));
                kept.record().filter(|_| !is_stale)
            }
        }
    }

    /// The same, asked for where it is not known.
    pub(super) fn last_record(&self, work: &mut Work<'_>) -> Result<Option<Record>, Stopped> {
        match self.known_record() {
            None => self.record(work),
            known => Ok(known),
        }
    }

    /// Refuses when the tool has nothing that keeps packages at their versions.
    pub(super) fn require_locks(
        &self,
        work: &mut Work<'_>,
        tool: PackageTool,
    ) -> Result<(), Stopped> {
        let mut has_none = false;
        let argv = dnf::locks(tool, self.is_aside);
        let ended = self.ask(work, &argv, true, |line| has_none |= dnf::has_no_locks(line))?;
        match (ended.status, has_none) {
            (0, _) => Ok(()),
            (_, true) => {
                let (name, program) = (self.name.clone(), tool.program().to_owned());
                Err(Failure::NoVersionLock { name, program }.into())
            }
            (status, false) => Err(failed(tool.program(), status, ended.last)),
        }
    }

    /// Whether something is there twice that should not be.
    pub(super) fn has_duplicates(
        &self,
        work: &mut Work<'_>,
        tool: PackageTool,
    ) -> Result<bool, Stopped> {
        let mut is_any = false;
        let argv = dnf::check(tool, self.is_aside);
        self.ask(work, &argv, true, |line| is_any |= dnf::is_duplicate(line))?;
        Ok(is_any)
    }

    /// Asks which updates are pending of what there is.
    pub(super) fn pending(
        &self,
        work: &mut Work<'_>,
        record: &Record,
    ) -> Result<Vec<PendingUpdate>, Stopped> {
        let Tools::Dnf(tool) = self.tools else { return self.pending_by_apt(work) };
        let mut listings = [dnf::Listing::default(), dnf::Listing::default()];
        for (listing, is_security) in listings.iter_mut().zip([false, true]) {
            let argv = dnf::check_update(tool, self.is_aside, is_security);
            let ended = self.ask(work, &argv, true, |line| listing.hear(line))?;
            if ![0, dnf::UPDATES_STATUS].contains(&ended.status) {
                return Err(failed(tool.program(), ended.status, ended.last));
            }
        }
        let [all, security] = listings;
        Ok(all.pending(&security, record))
    }

    fn pending_by_apt(&self, work: &mut Work<'_>) -> Result<Vec<PendingUpdate>, Stopped> {
        let argv = apt::simulation(self.is_aside);
        let mut pending = Vec::new();
        let ended = self.ask(work, &argv, true, |line| {
            if pending.len() < PACKAGES {
                pending.extend(apt::pending(line));
            }
        })?;
        if ended.status != 0 {
            return Err(failed(&tool_in(&argv), ended.status, ended.last));
        }
        pending.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(pending)
    }

    /// Asks what there is and what is pending, and keeps the answer; gives what there is. That nobody can
    /// say fails nothing.
    pub(super) fn keep(&self, work: &mut Work<'_>, is_refreshed: bool) -> Option<Record> {
        work.progress(Stage::AskingWhatIsPending, 900);
        let roots = &self.instance.settings.roots;
        let mut there = None;
        let answered = self.record(work).and_then(|record| {
            let record = record.unwrap_or_default();
            let pending = self.pending(work, &record);
            there = Some(record);
            pending
        });
        match answered {
            Ok(pending) => {
                let now = work.clock().now();
                let kept = Kept::new(roots, self.name, self.files, pending, now, is_refreshed);
                let kept = match (self.tools, &there) {
                    (Tools::Dnf(_), Some(record)) => kept.with(record),
                    _ => kept,
                };
                let security = kept.pending.iter().filter(|update| update.is_security).count();
                let (all, security) = (kept.pending.len() as u64, security as u64);
                work.note(&Note::PendingKnown { all, security });
                if let Err(error) = kept.write(roots, self.name) {
                    work.note(&Note::PendingNotKnown { failure: Box::new(error.into()) });
                }
            }
            Err(Stopped::Cancelled) => {}
            Err(Stopped::Failed(failure)) => {
                work.note(&Note::PendingNotKnown { failure: Box::new(failure) });
            }
        }
        there
    }
}
