//! How many addresses of the NAT network are taken and how many are left.

use std::collections::HashSet;
use std::net::IpAddr;

use domain::metrics::measure::AddressPool;

use super::{Claim, FactsError, claims, guest_addresses};
use crate::network;
use crate::roots::Settings;

/// The addresses of the NAT network. `promised` is what builds that are under way have been given.
///
/// # Errors
/// When what is taken cannot be listed.
pub fn address_pool(settings: &Settings, promised: &[Claim]) -> Result<AddressPool, FactsError> {
    let claims = claims(&settings.roots)?;
    let of_guests = claims.iter().chain(promised).flat_map(|claim| claim.addresses.iter().copied());
    let mut taken: HashSet<IpAddr> = of_guests.collect();
    taken.extend(network::host_addresses()?);
    let nat = &settings.nat;
    let (used, free) = guest_addresses(nat).fold((0, 0), |(used, free): (u32, u32), address| {
        if taken.contains(&IpAddr::V4(address)) { (used + 1, free) } else { (used, free + 1) }
    });
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(nat.prefix.into())).unwrap_or(0);
    let network = std::net::Ipv4Addr::from_bits(nat.gateway.to_bits() & mask);
    Ok(AddressPool {
        device: nat.device.clone(),
        network: format!("{network}/{}", nat.prefix),
        used,
        free,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roots::Roots;

    #[test]
    fn what_is_taken_is_not_free() {
        let base = tempfile::tempdir().unwrap();
        let path = |name: &str| base.path().join(name);
        let roots = Roots { config_base: path("etc"), run_base: path("run"), ..Roots::default() };
        let mut settings = Settings { roots, ..Settings::default() };
        settings.nat.prefix = 29;
        std::fs::create_dir_all(path("etc")).unwrap();
        let promised = Claim {
            name: "soon".parse().unwrap(),
            context: None,
            addresses: vec!["10.127.0.3".parse().unwrap(), "192.0.2.1".parse().unwrap()],
        };
        let pool = address_pool(&settings, &[promised]).unwrap();
        // Of eight: not the network, not the broadcast address, not the gateway.
        assert_eq!((pool.used, pool.free, pool.network.as_str()), (1, 4, "10.127.0.0/29"));
    }
}
