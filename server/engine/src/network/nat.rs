//! The NAT network: a bridge without ports that holds the gateway address, and one nftables table.
//!
//! Invariants: making it again changes nothing; the table is loaded in one transaction, and again
//! only when it is missing or another build of Ulysse made it. It never drops anything but packets
//! that a guest sends in another's name: the host's own firewall stays the host's.

use std::io::Write;
use std::net::IpAddr;
use std::process::Stdio;

use domain::id::DeviceName;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_sys::protocols::NETLINK_NETFILTER;
use sha2::{Digest, Sha256};

use super::netlink::Netlink;
use super::objects::{self, GUEST_GROUP};
use super::{NetlinkError, NetworkError, sysctl};
use crate::program;
use crate::roots::Nat;

/// The most of nft's words that go into an error, in bytes.
const SAID_BYTES: usize = 500;

/// Makes the NAT network, or leaves it as it is when it is there.
///
/// # Errors
/// When the kernel or nft refuses.
pub fn ensure_nat(nat: &Nat) -> Result<(), NetworkError> {
    let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
    let failed = |source| NetworkError::MakeBridge { device: nat.device.clone(), source };
    let index = match objects::find(&mut netlink, nat.device.as_str()).map_err(failed)? {
        Some(link) if link.kind != Some(InfoKind::Bridge) => {
            return Err(NetworkError::NotOurs { device: nat.device.clone() });
        }
        Some(link) => {
            if !link.up {
                objects::set_up(&mut netlink, link.index, nat.device.as_str())?;
            }
            link.index
        }
        None => {
            let mut message = LinkMessage::default();
            message.header.flags = LinkFlags::Up;
            message.header.change_mask = LinkFlags::Up;
            message.attributes = vec![
                LinkAttribute::IfName(nat.device.to_string()),
                LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
            ];
            let made =
                netlink.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL);
            // Another start may have been faster.
            objects::unless(made, &[objects::EEXIST]).map_err(failed)?;
            objects::find(&mut netlink, nat.device.as_str())
                .map_err(failed)?
                .ok_or_else(|| NetworkError::NoSuchDevice { device: nat.device.clone() })?
                .index
        }
    };
    let gateway = IpAddr::V4(nat.gateway);
    let known = objects::addresses(&mut netlink)?;
    if !known.iter().any(|found| found.index == index && found.address == gateway) {
        objects::add_address(&mut netlink, index, gateway, nat.prefix, None).map_err(|source| {
            NetworkError::AddAddress { address: gateway, device: nat.device.to_string(), source }
        })?;
    }
    sysctl::forward_v4()?;
    ensure_rules(nat)
}

/// Removes the NAT network's bridge and rules. What is gone already is no error.
///
/// # Errors
/// When the kernel or nft refuses.
pub fn remove_nat(nat: &Nat) -> Result<(), NetworkError> {
    let mut netlink = Netlink::open().map_err(NetworkError::Netlink)?;
    let failed = |source| NetworkError::Remove { device: nat.device.clone(), source };
    if let Some(link) = objects::find(&mut netlink, nat.device.as_str()).map_err(failed)?
        && link.kind == Some(InfoKind::Bridge)
    {
        objects::delete_link(&mut netlink, link.index).map_err(failed)?;
    }
    // Adding first makes deleting a table that is not there no error.
    let table = table_name(&nat.device);
    load(&nat.device, &format!("add table inet {table}\ndelete table inet {table}\n"))
}

/// Loads the rules unless they are there.
///
/// # Errors
/// When nft refuses.
pub(super) fn ensure_rules(nat: &Nat) -> Result<(), NetworkError> {
    let (rules, mark) = rules(nat);
    match has_rules(&table_name(&nat.device), &mark) {
        Ok(true) => Ok(()),
        Ok(false) => load(&nat.device, &rules),
        Err(source) => Err(NetworkError::Netlink(source)),
    }
}

/// The table's name: made from a [`DeviceName`], so letters, digits, `.`, `_` and `-` only, all
/// of which nft takes unquoted (quoted names it refuses).
fn table_name(device: &DeviceName) -> String {
    format!("ulysse-{device}")
}

/// The rules, and the mark by which this very text is known again.
fn rules(nat: &Nat) -> (String, String) {
    let table = table_name(&nat.device);
    let subnet = super::plan::nat_network(nat);
    let chains = format!(
        "\tchain from_guests {{\n\
         \t\ttype filter hook prerouting priority -300; policy accept;\n\
         \t\tiifgroup {GUEST_GROUP} fib saddr . iif oif missing drop\n\
         \t}}\n\
         \tchain to_elsewhere {{\n\
         \t\ttype nat hook postrouting priority 100; policy accept;\n\
         \t\tip saddr {subnet} ip daddr != {subnet} oifgroup != {GUEST_GROUP} masquerade\n\
         \t}}\n"
    );
    let mark: String =
        Sha256::digest(&chains).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let text = format!(
        "add table inet {table}\n\
         delete table inet {table}\n\
         table inet {table} {{\n\
         \tcomment \"made by Ulysse, {mark}\"\n\
         {chains}}}\n"
    );
    (text, mark)
}

/// Runs nft on a text made above; no shell, no argument that comes from elsewhere.
fn load(device: &DeviceName, text: &str) -> Result<(), NetworkError> {
    let mut child = program::command(program::NFT)
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(NetworkError::StartNft)?;
    if let Some(mut stdin) = child.stdin.take() {
        // When nft ends early, its own words say more than the broken pipe.
        let _ = stdin.write_all(text.as_bytes());
    }
    let output = child.wait_with_output().map_err(NetworkError::StartNft)?;
    if output.status.success() {
        return Ok(());
    }
    let said = output.stderr.get(..SAID_BYTES).unwrap_or(&output.stderr);
    Err(NetworkError::LoadRules {
        device: device.clone(),
        said: String::from_utf8_lossy(said).trim().to_owned(),
    })
}

/// Whether the kernel has a table of this name with this mark in its comment. Asked directly:
/// starting nft for it would take longer than all the rest of a start's network.
fn has_rules(table: &str, mark: &str) -> Result<bool, NetlinkError> {
    /// `NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE`.
    const GET_TABLE: u16 = (10 << 8) | 1;
    /// `NFTA_TABLE_NAME`.
    const TABLE_NAME: u16 = 1;
    /// `NFPROTO_INET`.
    const INET: u8 = 1;
    let name = table.as_bytes();
    let attribute_bytes = u16::try_from(4 + name.len() + 1).unwrap_or(u16::MAX);
    let padded = usize::from(attribute_bytes).next_multiple_of(4);
    let mut message = Vec::with_capacity(20 + padded);
    message.extend(u32::try_from(20 + padded).unwrap_or(u32::MAX).to_ne_bytes());
    message.extend(GET_TABLE.to_ne_bytes());
    message.extend(netlink_packet_core::NLM_F_REQUEST.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([INET, 0, 0, 0]);
    message.extend(attribute_bytes.to_ne_bytes());
    message.extend(TABLE_NAME.to_ne_bytes());
    message.extend(name);
    message.resize(20 + padded, 0);
    match Netlink::open_protocol(NETLINK_NETFILTER)?.ask_raw(&message) {
        Ok(answer) => Ok(answer.windows(mark.len()).any(|window| window == mark.as_bytes())),
        Err(error) if error.errno() == Some(objects::ENOENT) => Ok(false),
        Err(error) => Err(error),
    }
}
