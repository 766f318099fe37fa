//! The guest's `fstab` (fact sheet 1.2): which filesystems a start mounts in it.
//!
//! Only reads. Targets are text here; they are opened beneath the guest's root, never by path, by
//! whoever mounts them. Option words are matched whole (the original took abbreviations).

use domain::config_entry::Expected;
use domain::note::Note;

use super::error::ConfigError;
use super::reader::Reader;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FstabEntry {
    /// Which file it stands in, such as `fstab`.
    pub file: String,
    /// Its line there, from 1.
    pub line: usize,
    /// A device, a path of the host, or `none`.
    pub source: String,
    /// Where, from the guest's root; begins with `/`.
    pub target: String,
    /// What kind of mount it is.
    pub kind: MountKind,
    /// Its flags.
    pub flags: MountFlags,
    /// Options for the filesystem itself, separated by commas.
    pub data: String,
}

/// What kind of mount it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountKind {
    /// A filesystem of this type.
    Filesystem(String),
    /// A directory or file of the host.
    Bind {
        /// With what is mounted below it.
        recursive: bool,
    },
    /// Something the present Ulysse does not do: `move`, `remount` or a change of propagation.
    Unsupported(String),
}

/// Flags of a mount, as `mount(8)` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountFlags {
    /// `ro`.
    pub read_only: bool,
    /// `nosuid`.
    pub no_suid: bool,
    /// `nodev`; always, unless `dev` was written or the type is devpts.
    pub no_dev: bool,
    /// `noexec`.
    pub no_exec: bool,
    /// `sync`.
    pub sync: bool,
    /// `dirsync`.
    pub dir_sync: bool,
    /// `noatime`.
    pub no_atime: bool,
    /// `nodiratime`.
    pub no_dir_atime: bool,
}

impl FstabEntry {
    /// The options that are the filesystem's own, also where it is mounted elsewhere.
    #[must_use]
    pub fn filesystem_options(&self) -> String {
        let flags = self.flags;
        let own = [(flags.sync, "sync"), (flags.dir_sync, "dirsync")];
        let own = own.into_iter().filter(|(is_set, _)| *is_set).map(|(_, word)| word);
        let words = self.data.split(',').filter(|word| !word.is_empty()).chain(own);
        words.collect::<Vec<_>>().join(",")
    }

    /// Whether it is the root itself, which the administrator mounts on the host.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.target.trim_end_matches('/').is_empty()
    }

    /// The words of it that can have no effect: how a directory that is shown elsewhere is written is
    /// its filesystem's, and the root is there before the VServer is started.
    fn without_effect(&self) -> impl Iterator<Item = &'static str> {
        let is_bind = matches!(self.kind, MountKind::Bind { .. });
        let own = [
            (self.flags.sync && is_bind, "sync"),
            (self.flags.dir_sync && is_bind, "dirsync"),
            (self.is_root(), "/"),
        ];
        own.into_iter().filter(|(has_none, _)| *has_none).map(|(_, word)| word)
    }
}

/// Reads an fstab: what is to be mounted, in order. `swap` and `noauto` lines are left out.
pub(super) fn fstab(
    reader: &Reader,
    path: &str,
    warnings: &mut Vec<Note>,
) -> Result<Vec<FstabEntry>, ConfigError> {
    let mut entries = Vec::new();
    for (line, text) in reader.list(path)?.unwrap_or_default() {
        let entry = parse_line((path, line), &text)
            .map_err(|expected| reader.unexpected(path, line, expected))?;
        let words = entry.iter().flat_map(FstabEntry::without_effect);
        warnings.extend(words.map(|word| Note::WordWithoutEffect {
            file: format!("{path}:{line}"),
            word: word.to_owned(),
        }));
        entries.extend(entry);
    }
    Ok(entries)
}

fn parse_line((file, line): (&str, usize), text: &str) -> Result<Option<FstabEntry>, Expected> {
    let mut fields = text.split_ascii_whitespace().map(unescaped);
    let (Some(source), Some(target), Some(fs_type)) = (fields.next(), fields.next(), fields.next())
    else {
        return Err(Expected::FstabFields);
    };
    let options = fields.next().unwrap_or_else(|| "defaults".to_owned());
    if fs_type == "swap" || target == "swap" {
        return Ok(None);
    }
    // The original began at the VServer's root, whatever the target began with.
    let target = if target.starts_with('/') { target } else { format!("/{target}") };
    let mut flags = MountFlags {
        read_only: false,
        no_suid: false,
        no_dev: fs_type != "devpts",
        no_exec: false,
        sync: false,
        dir_sync: false,
        no_atime: false,
        no_dir_atime: false,
    };
    let mut kind = MountKind::Filesystem(fs_type.clone());
    let mut data: Vec<&str> = Vec::new();
    for word in options.split(',').filter(|word| !word.is_empty()) {
        match word {
            "defaults" => {
                (flags.read_only, flags.no_suid, flags.no_exec) = (false, false, false);
                flags.sync = false;
                flags.no_dev = fs_type != "devpts";
            }
            "bind" => kind = MountKind::Bind { recursive: false },
            "rbind" => kind = MountKind::Bind { recursive: true },
            "rec" => {
                if let MountKind::Bind { recursive } = &mut kind {
                    *recursive = true;
                }
            }
            "ro" => flags.read_only = true,
            "rw" => flags.read_only = false,
            "suid" => flags.no_suid = false,
            "nosuid" => flags.no_suid = true,
            "dev" => flags.no_dev = false,
            "nodev" => flags.no_dev = true,
            "exec" => flags.no_exec = false,
            "noexec" => flags.no_exec = true,
            "sync" => flags.sync = true,
            "async" => flags.sync = false,
            "dirsync" => flags.dir_sync = true,
            "atime" => flags.no_atime = false,
            "noatime" => flags.no_atime = true,
            "nodiratime" => flags.no_dir_atime = true,
            "noauto" => return Ok(None),
            "auto" | "users" | "user" | "nouser" | "_netdev" | "mandlock" | "nomtab" => {}
            "move" | "remount" | "unbindable" | "private" | "slave" | "shared" => {
                kind = MountKind::Unsupported(word.to_owned());
            }
            other => data.push(other),
        }
    }
    let data = data.join(",");
    Ok(Some(FstabEntry { file: file.to_owned(), line, source, target, kind, flags, data }))
}

/// Takes `\040` and the like out of a field, as `getmntent(3)` does.
fn unescaped(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |text, (escape, character)| text.replace(escape, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_template() {
        let entries: Vec<_> = domain::build::DEFAULT_FSTAB
            .lines()
            .filter_map(|line| parse_line(("fstab", 1), line).unwrap())
            .map(|entry| (entry.target, entry.kind, entry.flags.no_dev, entry.data))
            .collect();
        let filesystem = |name: &str| MountKind::Filesystem(name.to_owned());
        assert_eq!(
            entries,
            [
                ("/proc".to_owned(), filesystem("proc"), true, String::new()),
                ("/tmp".to_owned(), filesystem("tmpfs"), true, "size=16m,mode=1777".to_owned()),
                ("/dev/pts".to_owned(), filesystem("devpts"), false, "gid=5,mode=620".to_owned()),
            ]
        );
    }

    #[test]
    fn binds_flags_and_what_is_left_out() {
        let bind = parse_line(("fstab", 1), r"/srv/a\040b /mnt none rbind,ro,nosuid,dev")
            .unwrap()
            .unwrap();
        assert_eq!(bind.source, "/srv/a b");
        assert_eq!(bind.kind, MountKind::Bind { recursive: true });
        assert!(bind.flags.read_only && bind.flags.no_suid && !bind.flags.no_dev);
        assert_eq!(parse_line(("fstab", 1), "/dev/sdb none swap sw").unwrap(), None);
        assert_eq!(parse_line(("fstab", 1), "/dev/sdb /mnt ext4 noauto").unwrap(), None);
        let odd = parse_line(("fstab", 1), "none /mnt none shared").unwrap().unwrap();
        assert_eq!(odd.kind, MountKind::Unsupported("shared".to_owned()));
    }

    #[test]
    fn a_target_begins_at_the_root_of_the_vserver() {
        let entry = |line| parse_line(("fstab", 1), line).unwrap().unwrap();
        assert_eq!(entry("none proc proc"), entry("none /proc proc"));
        let told: Vec<_> = entry("/dev/vserver/monvs / ext4 defaults").without_effect().collect();
        assert_eq!(told, ["/"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parse_line(("fstab", 1), "none /proc"), Err(Expected::FstabFields));
    }
}
