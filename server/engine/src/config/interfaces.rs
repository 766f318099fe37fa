//! `interfaces/`: the addresses of a VServer (fact sheet 1.6).
//!
//! A value is looked for in the interface's own directory, then in `interfaces/`. Directories
//! without an `ip` are left out with a warning (B28), disabled ones silently.

use std::net::IpAddr;

use domain::config_entry::Expected;
use domain::field::Problem;
use domain::id::{DeviceName, InterfaceLabel};
use domain::interface::{Device, Interface, parse_prefix};
use domain::note::Note;

use super::error::ConfigError;
use super::reader::Reader;

/// Reads all interfaces with their directories, in the order of their numbers.
pub(super) fn interfaces(
    reader: &Reader,
    warnings: &mut Vec<Note>,
) -> Result<Vec<(String, Interface)>, ConfigError> {
    let mut interfaces = Vec::new();
    for number in reader.directory("interfaces")? {
        let directory = format!("interfaces/{number}");
        if !reader.is_directory(&directory)? || reader.exists(&format!("{directory}/disabled"))? {
            continue;
        }
        match interface(reader, &directory, warnings)? {
            Some(interface) => interfaces.push((directory, interface)),
            None => warnings.push(Note::InterfaceWithoutAddress { directory }),
        }
    }
    Ok(interfaces)
}

/// The devices of those interfaces that have a file `macvlan`: Ulysse's own word, which the original had none for.
pub(super) fn on_wire(
    reader: &Reader,
    directories: &[String],
    interfaces: &[Interface],
) -> Result<Vec<DeviceName>, ConfigError> {
    let mut devices = Vec::new();
    for (directory, interface) in directories.iter().zip(interfaces) {
        if let Device::Named(device) = &interface.device
            && !devices.contains(device)
            && reader.exists(&format!("{directory}/macvlan"))?
        {
            devices.push(device.clone());
        }
    }
    Ok(devices)
}

fn interface(
    reader: &Reader,
    directory: &str,
    warnings: &mut Vec<Note>,
) -> Result<Option<Interface>, ConfigError> {
    let ip = format!("{directory}/ip");
    let Some(text) = reader.scalar(&ip)? else { return Ok(None) };
    let (text, given_prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address.to_owned(), Some(prefix.to_owned())),
        None => (text, None),
    };
    let address: IpAddr = text.parse().map_err(|_| reader.unexpected(&ip, 1, Expected::Address))?;

    let mut no_device = reader.exists(&format!("{directory}/nodev"))?;
    if reader.exists(&format!("{directory}/only_ip"))? {
        warnings.push(Note::Obsolete {
            file: format!("{directory}/only_ip"),
            instead: "nodev".to_owned(),
        });
        no_device = true;
    }
    let device = if no_device {
        Device::None
    } else {
        let dev = own_or_shared(reader, directory, "dev")?;
        match dev {
            Some((path, text)) => Device::Named(
                text.parse::<DeviceName>()
                    .map_err(|problem| reader.unexpected(&path, 1, Expected::Device(problem)))?,
            ),
            None => {
                let path = format!("{directory}/dev");
                return Err(reader.unexpected(&path, 1, Expected::DeviceOrNodev));
            }
        }
    };

    let prefix = match (given_prefix, own_or_shared(reader, directory, "prefix")?) {
        (Some(text), _) => Some((ip.clone(), text)),
        (None, Some(found)) => Some(found),
        (None, None) => own_or_shared(reader, directory, "mask")?,
    };
    let prefix = prefix
        .map(|(path, text)| {
            parse_prefix(address, &text)
                .map_err(|problem| reader.unexpected(&path, 1, prefix_expected(problem)))
        })
        .transpose()?;

    let name = format!("{directory}/name");
    let label = reader.parsed(&name, str::parse::<InterfaceLabel>, Expected::Label)?;
    Interface::new(label, device, address, prefix).map(Some).map_err(|problem| {
        let (path, expected) = match problem {
            Problem::LabelTooLong { .. } => (&name, Expected::Label(problem)),
            problem => (&ip, Expected::UsableAddress(problem)),
        };
        reader.unexpected(path, 1, expected)
    })
}

fn prefix_expected(problem: Problem) -> Expected {
    match problem {
        Problem::NotANetmask { .. } => Expected::Netmask(problem),
        problem => Expected::Prefix(problem),
    }
}

/// A value from the interface's own directory or from `interfaces/`, with the file it came from.
fn own_or_shared(
    reader: &Reader,
    directory: &str,
    leaf: &str,
) -> Result<Option<(String, String)>, ConfigError> {
    for path in [format!("{directory}/{leaf}"), format!("interfaces/{leaf}")] {
        if let Some(text) = reader.scalar(&path)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}
