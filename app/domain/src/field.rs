//! What can be wrong with one field of a form, as data.
//!
//! A [`FieldError`] says which field, and a [`Problem`] what was wrong and what is allowed. The
//! sentence for people is made from it in `app::i18n`, in French and in English.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::failure::HostFeature;
use crate::id::{ContextId, DeviceName, VServerName};

/// A field of a form, of a command line or of the config tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like the field it stands for")]
pub enum Field {
    Name,
    Method,
    Suite,
    Mirror,
    Packages,
    Init,
    Context,
    HostName,
    Interface,
    Architecture,
    Mark,
    UserName,
    Password,
    PasswordAgain,
    CurrentPassword,
    Role,
    SetupToken,
    Variant,
    Components,
    Excluded,
    Flags,
    ConfigPath,
    ConfigTree,
    ConfigText,
    Source,
    ExcludePatterns,
    Bandwidth,
    Port,
    HostKey,
    Identity,
    Distribution,
    Template,
    Broadcast,
    Cpuset,
    CpusetCpus,
    CpusetMems,
    SuiteScript,
    // Templates and bases.
    Description,
    Archive,
    Base,
    Backup,
    BackupTarget,
    BackupTime,
    Retention,
    Path,
    Confirmation,
    Process,
    Signal,
    AtOnce,
    Canary,
    StopAfter,
    MountTarget,
    MountType,
    MountSize,
    /// Packages that are installed, removed, held.
    PackageNames,
    MountMode,
    MountOptions,
    Service,
    /// Those that something is done to, when they are many.
    VServers,
    Operation,
    /// What is to be done to many.
    Action,
}

/// What a character set is called in the sentence for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named like the type it belongs to")]
pub enum Allowed {
    VServerName,
    HostName,
    Suite,
    PackageName,
    Architecture,
    Mirror,
    Mark,
    DeviceName,
    UserName,
    ConfigPath,
    TemplateName,
    DistributionName,
    RpmPackage,
    RemotePath,
    PlainText,
    SystemPackage,
    ServiceName,
}

/// What is wrong with one value, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    /// Nothing was given where something is needed.
    #[error("missing")]
    Missing,
    /// More bytes than fit.
    #[error("{actual} bytes where at most {max} fit")]
    TooLong {
        /// The most bytes.
        max: usize,
        /// The bytes given.
        actual: usize,
    },
    /// Fewer bytes than needed.
    #[error("{actual} bytes where at least {min} are needed")]
    TooShort {
        /// The fewest bytes.
        min: usize,
        /// The bytes given.
        actual: usize,
    },
    /// A character that may not stand where it stands.
    #[error("character {character:?} at position {position}")]
    Character {
        /// The character.
        character: char,
        /// Its place, counted in bytes from 1.
        position: usize,
        /// Whose character set it is not in.
        allowed: Allowed,
    },
    /// A VServer name that ends like a backup file and would never be listed.
    #[error("ends in {suffix}")]
    BackupSuffix {
        /// The suffix.
        suffix: String,
    },
    /// An empty or too long label of a host name, or one that begins or ends with `-`.
    #[error("host name label")]
    HostNameLabel,
    /// Not one of the URL schemes a mirror may have.
    #[error("mirror scheme")]
    MirrorScheme,
    /// Not a decimal number.
    #[error("not a number")]
    NotANumber,
    /// A number outside its range (both ends belong to it).
    #[error("not from {min} to {max}")]
    OutOfRange {
        /// Lowest allowed.
        min: u64,
        /// Highest allowed.
        max: u64,
    },
    /// Not an id that this system ever made.
    #[error("not an id")]
    NotAnId,
    /// Not an IPv4 or IPv6 address.
    #[error("not an address: {text}")]
    NotAnAddress {
        /// What was given.
        text: String,
    },
    /// A netmask that is not a row of ones followed by a row of zeroes.
    #[error("not a netmask: {text}")]
    NotANetmask {
        /// What was given.
        text: String,
    },
    /// A prefix longer than the address.
    #[error("prefix over {max}")]
    PrefixTooLong {
        /// 32 or 128.
        max: u8,
    },
    /// An address no VServer can have: unspecified, loopback, multicast, broadcast, the network's
    /// own or its gateway's.
    #[error("{address} cannot belong to a VServer")]
    AddressNotUsable {
        /// The address.
        address: IpAddr,
    },
    /// `device:label` does not fit in the kernel's 15 bytes.
    #[error("device and label need {actual} bytes")]
    LabelTooLong {
        /// Bytes of `device:label`.
        actual: usize,
    },
    /// Another VServer has this name.
    #[error("name taken")]
    NameTaken,
    /// Another VServer has this host name.
    #[error("host name {host_name} belongs to {by}")]
    HostNameTaken {
        /// The host name.
        host_name: crate::id::HostName,
        /// Who has it.
        by: VServerName,
    },
    /// What was typed to confirm is not the name.
    #[error("not the name {name}")]
    NotTheName {
        /// What should have been typed.
        name: VServerName,
    },
    /// Where its files would go there are files already.
    #[error("{path} is not empty")]
    NotEmpty {
        /// The directory.
        path: String,
    },
    /// Another VServer has this context number.
    #[error("context {context} belongs to {by}")]
    ContextTaken {
        /// The number.
        context: ContextId,
        /// Who has it.
        by: VServerName,
    },
    /// Another VServer has this address.
    #[error("address {address} belongs to {by}")]
    AddressTaken {
        /// The address.
        address: IpAddr,
        /// Who has it.
        by: VServerName,
    },
    /// The host itself has this address.
    #[error("address {address} is the host's own")]
    AddressOfHost {
        /// The address.
        address: IpAddr,
    },
    /// The same address twice in one form.
    #[error("address {address} given twice")]
    AddressTwice {
        /// The address.
        address: IpAddr,
    },
    /// No network device of this name on the host.
    #[error("no device {device}")]
    NoSuchDevice {
        /// The name.
        device: String,
        /// Those there are.
        devices: Vec<String>,
    },
    /// The NAT network has no free address left.
    #[error("no free address")]
    NoFreeAddress,
    /// No context number is free.
    #[error("no free context")]
    NoFreeContext,
    /// This value is not one of those offered.
    #[error("not one of {choices:?}")]
    NotAChoice {
        /// Those there are.
        choices: Vec<String>,
    },
    /// The host cannot run this init.
    #[error("this host cannot run it")]
    InitNotRunnable,
    /// This suite is too old or unknown to the host's debootstrap.
    #[error("debootstrap has no script for it")]
    NoSuiteScript,
    /// An option that may not be passed through, because it would reach outside the VServer.
    #[error("option not allowed: {option}")]
    OptionNotAllowed {
        /// The option.
        option: String,
    },
    /// One of several items of a field is wrong.
    #[error("{item}: {problem}")]
    OfItem {
        /// Which, as it was given.
        item: String,
        /// What is wrong with it.
        problem: Box<Problem>,
    },
    /// Neither a VServer's name nor `user@host:/path`.
    #[error("not a source: {text}")]
    NotASource {
        /// What was given.
        text: String,
    },
    /// There is no VServer of this name to copy.
    #[error("no VServer {name} to copy")]
    NoSuchSource {
        /// The name.
        name: VServerName,
    },
    /// A directory that is no VServer's, where a VServer is needed.
    #[error("{text} is no VServer's directory")]
    NotAVServersDirectory {
        /// What was given.
        text: String,
    },
    /// A VServer cannot be a copy of itself.
    #[error("source and target are the same")]
    SourceIsTarget,
    /// The directory that is to be copied holds the place that it is to be copied to.
    #[error("{path} holds the copy's own place")]
    SourceHoldsTarget {
        /// The directory.
        path: String,
    },
    /// The directory or file is not there.
    #[error("{path} is not there")]
    NotThere {
        /// What.
        path: String,
    },
    /// A path of the host's, which nobody may name from afar.
    #[error("a path of the host can be given at its command line only")]
    OnlyAtCommandLine,
    /// Not a pattern of what is left out.
    #[error("not a pattern")]
    NotAPattern,
    /// Not a fingerprint of an ssh host key.
    #[error("not a fingerprint")]
    NotAFingerprint,
    /// The remote machine's key has never been confirmed.
    #[error("the key of {host} is not known: {fingerprint}")]
    HostKeyUnknown {
        /// Which machine.
        host: String,
        /// What it shows.
        fingerprint: String,
    },
    /// The remote machine shows another key than the one that was confirmed.
    #[error("the key of {host} has changed: {fingerprint}")]
    HostKeyChanged {
        /// Which machine.
        host: String,
        /// What it shows now.
        fingerprint: String,
        /// The file with the one that was confirmed.
        known_hosts: String,
    },
    /// The remote machine does not answer as sshd does.
    #[error("{host} does not answer: {detail}")]
    RemoteUnreachable {
        /// Which machine.
        host: String,
        /// What was heard last.
        detail: String,
    },
    /// The host lacks what it takes.
    #[error("this host lacks {feature}")]
    HostLacks {
        /// What.
        feature: HostFeature,
    },
    /// A word of a file of the host's that is not passed on to debootstrap.
    #[error("{path}: {word} is not passed on")]
    NotPassedOn {
        /// The file.
        path: String,
        /// The word.
        word: String,
    },
    /// The description of a distribution lacks something.
    #[error("{path} is missing, or empty")]
    DistributionIncomplete {
        /// What.
        path: String,
    },
    /// A line of the description of a distribution is wrong.
    #[error("{path}:{line}: {problem}")]
    DistributionLine {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: Box<Problem>,
    },
    /// No distribution of this name is described.
    #[error("no such distribution, only {choices:?}")]
    NoSuchDistribution {
        /// Those there are.
        choices: Vec<String>,
    },
    /// No template of this name is kept.
    #[error("no such template, there are {choices:?}")]
    NoSuchTemplate {
        /// Those there are.
        choices: Vec<String>,
    },
    /// An option that means nothing with this method.
    #[error("{option} means nothing with this method")]
    OptionOfOtherMethods {
        /// The option.
        option: String,
    },
    /// Not the broadcast address of the network of the interfaces.
    #[error("the network's broadcast address is {expected}")]
    NotTheBroadcast {
        /// What it is.
        expected: Ipv4Addr,
    },
    /// Neither a number nor a range of CPUs or memory nodes.
    #[error("not a list of CPUs: {text}")]
    NotACpuList {
        /// What was given.
        text: String,
    },
    /// CPUs or memory nodes of a cpuset without a name.
    #[error("a cpuset without a name")]
    CpusetWithoutName,
    /// Not a time of backups, such as `daily 02:30`.
    #[error("not a time of backups: {text}")]
    NotAFrequency {
        /// What was given.
        text: String,
    },
    /// Not a policy of what is kept, such as `last=3 daily=7`.
    #[error("not a retention: {text}")]
    NotARetention {
        /// What was given.
        text: String,
    },
    /// Not a path of something in a backup that can be restored by itself.
    #[error("not a file of the backup")]
    NotInBackup,
    /// Passwords differ.
    #[error("passwords differ")]
    PasswordsDiffer,
    /// A password of one of the first million guesses, or the user's own name.
    #[error("password too common")]
    PasswordTooCommon,
    /// The current password is wrong.
    #[error("wrong password")]
    WrongPassword,
    /// A VServer that is named twice where each can be once.
    #[error("{name} twice")]
    NamedTwice {
        /// Which.
        name: VServerName,
    },
    /// A change that is only made to one VServer at a time.
    #[error("{} is not done to many", .kind.as_str())]
    NotOfMany {
        /// Which kind.
        kind: crate::operation::Kind,
    },
    /// Not a signal's name or number.
    #[error("no signal {text:?}")]
    UnknownSignal {
        /// What was given.
        text: String,
    },
    /// Not the size of a filesystem in memory.
    #[error("not a size")]
    NotASize,
    /// Not the mode of a directory.
    #[error("not a mode")]
    NotAMode,
    /// An address on the NAT network's device that no VServer can have there.
    #[error("{address} is no VServer's on {device}")]
    AddressNotOfNat {
        /// The address.
        address: IpAddr,
        /// The NAT network's device.
        device: DeviceName,
        /// The network, as address and length.
        network: Box<str>,
        /// The host's own address on it.
        gateway: Ipv4Addr,
    },
    /// The host sends packets for the address elsewhere, and no VServer is known to have it.
    #[error("{address} is routed already")]
    AddressRouted {
        /// The address.
        address: IpAddr,
    },
    /// None of the VServers that could be meant.
    #[error("nothing is chosen")]
    NothingChosen,
}

/// One field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Which field.
    pub field: Field,
    /// What was wrong and what is allowed.
    pub problem: Problem,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.field, self.problem)
    }
}

/// All that is wrong with a form; never empty when it is an `Err`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldErrors(pub Vec<FieldError>);

impl FieldErrors {
    /// Notes a problem with a field.
    pub fn push(&mut self, field: Field, problem: Problem) {
        self.0.push(FieldError { field, problem });
    }

    /// Takes the value, or notes its problem with `field`.
    pub fn take<T>(&mut self, field: Field, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.push(field, problem)).ok()
    }

    /// The problems of one field.
    pub fn of(&self, field: Field) -> impl Iterator<Item = &Problem> {
        self.0.iter().filter(move |error| error.field == field).map(|error| &error.problem)
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
