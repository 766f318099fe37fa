//! Addresses of a VServer and the original's `--interface` grammar:
//! `[NAME=][DEV:]ADDR[/MASK|/LEN]` (fact sheet 2.2).
//!
//! The original judged nothing (B18); here every part is judged, an IPv6 address is never cut at
//! its first colon, and `nodev:` is never dropped.

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};

use crate::field::Problem;
use crate::id::{DeviceName, InterfaceLabel};

/// Where an address lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Device {
    /// On a named device of the host, or on the NAT network's.
    Named(DeviceName),
    /// On no device: the address is the VServer's, nothing routes it (`nodev`).
    None,
}

/// One `--interface`, one directory below `interfaces/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Interface {
    /// The label, if any (`interfaces/N/name`).
    pub label: Option<InterfaceLabel>,
    /// Where it lives (`interfaces/N/dev` or `interfaces/N/nodev`).
    pub device: Device,
    /// The address (`interfaces/N/ip`).
    pub address: IpAddr,
    /// The prefix length in bits; without one the address stands alone (/32, /128).
    pub prefix: Option<u8>,
}

impl Interface {
    /// Puts judged parts together, from whichever text they came.
    ///
    /// # Errors
    /// When no VServer can have the address, or the parts do not fit each other.
    pub fn new(
        label: Option<InterfaceLabel>,
        device: Device,
        address: IpAddr,
        prefix: Option<u8>,
    ) -> Result<Self, Problem> {
        judge_address(address)?;
        let max = max_prefix(address);
        if prefix.is_some_and(|prefix| prefix > max) {
            return Err(Problem::PrefixTooLong { max });
        }
        if let (Device::Named(device), Some(label)) = (&device, &label) {
            let actual = device.as_str().len() + 1 + label.as_str().len();
            if actual > 15 {
                return Err(Problem::LabelTooLong { actual });
            }
        }
        Ok(Self { label, device, address, prefix })
    }

    /// The prefix length in force, in bits.
    #[must_use]
    pub fn prefix_or_host(&self) -> u8 {
        self.prefix.unwrap_or(max_prefix(self.address))
    }
}

/// 32 or 128.
#[must_use]
pub fn max_prefix(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The prefix length of a netmask.
///
/// # Errors
/// When the mask has a one after a zero.
pub fn prefix_of_netmask(mask: Ipv4Addr) -> Result<u8, Problem> {
    let bits = mask.to_bits();
    if bits.leading_ones() + bits.trailing_zeros() == 32 || bits == 0 {
        u8::try_from(bits.leading_ones()).map_err(|_| Problem::NotANumber)
    } else {
        Err(Problem::NotANetmask { text: mask.to_string() })
    }
}

impl FromStr for Interface {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let (label, rest) = match text.split_once('=') {
            Some((label, rest)) => (Some(label.parse::<InterfaceLabel>()?), rest),
            None => (None, text),
        };
        let (rest, mask) = match rest.rsplit_once('/') {
            Some((rest, mask)) => (rest, Some(mask)),
            None => (rest, None),
        };
        // A whole IPv6 address first: its colons are not the device's.
        let (device, address) = match rest.parse::<IpAddr>() {
            Ok(address) => (Device::None, address),
            Err(_) => match rest.split_once(':') {
                Some((device, address)) => (
                    if device == "nodev" { Device::None } else { Device::Named(device.parse()?) },
                    parse_address(address)?,
                ),
                None => (Device::None, parse_address(rest)?),
            },
        };
        let prefix = mask.map(|mask| parse_prefix(address, mask)).transpose()?;
        Self::new(label, device, address, prefix)
    }
}

fn parse_address(text: &str) -> Result<IpAddr, Problem> {
    if text.is_empty() {
        return Err(Problem::Missing);
    }
    text.parse().map_err(|_| Problem::NotAnAddress { text: text.to_owned() })
}

fn judge_address(address: IpAddr) -> Result<(), Problem> {
    let bad = address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    if bad { Err(Problem::AddressNotUsable { address }) } else { Ok(()) }
}

/// Reads what follows the `/` of an address: a prefix length, or a netmask when it holds a dot.
///
/// # Errors
/// When it is neither, or too long for the address.
pub fn parse_prefix(address: IpAddr, text: &str) -> Result<u8, Problem> {
    let max = max_prefix(address);
    if text.contains('.') {
        if !address.is_ipv4() {
            return Err(Problem::PrefixTooLong { max });
        }
        let mask =
            text.parse::<Ipv4Addr>().map_err(|_| Problem::NotANetmask { text: text.to_owned() })?;
        return prefix_of_netmask(mask);
    }
    let prefix = text.parse::<u8>().map_err(|_| Problem::PrefixTooLong { max })?;
    if prefix > max { Err(Problem::PrefixTooLong { max }) } else { Ok(prefix) }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = &self.label {
            write!(f, "{label}=")?;
        }
        match &self.device {
            Device::Named(device) => write!(f, "{device}:")?,
            Device::None => f.write_str("nodev:")?,
        }
        write!(f, "{}", self.address)?;
        match self.prefix {
            Some(prefix) => write!(f, "/{prefix}"),
            None => Ok(()),
        }
    }
}
