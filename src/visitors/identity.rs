//! What stands for a visitor: a keyed hash that nobody can lead back to an address once the day's salt is gone.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::RngExt as _;
use sha2::Sha256;

/// Bytes of a hash that are kept: two visitors of a day have the same one by chance with 10 million of them in one case of
/// 6 × 10²⁴.
const KEPT_BYTES: usize = 16;

/// What visitors of a day are hashed with.
pub type Salt = Vec<u8>;

/// A new salt: 256 random bits.
pub fn new_salt() -> Salt {
    rand::rng().random::<[u8; 32]>().to_vec()
}

/// The hash of a visitor of a host on the day of the salt.
pub fn visitor(salt: &[u8], address: IpAddr, agent: &str, host: &str) -> Vec<u8> {
    let address = match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    // A key of any length is accepted.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt) else { return Vec::new() };
    for part in [address.as_slice(), agent.as_bytes(), host.as_bytes()] {
        // Its length before each part: no two lists of parts are hashed alike.
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().iter().take(KEPT_BYTES).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_the_same_on_a_day_and_another_on_the_next() {
        let (today, tomorrow) = (new_salt(), new_salt());
        let address: IpAddr = "192.0.2.7".parse().expect("an address");
        let hash = visitor(&today, address, "Mozilla/5.0", "shop.example");
        assert_eq!(hash.len(), KEPT_BYTES);
        assert_eq!(hash, visitor(&today, address, "Mozilla/5.0", "shop.example"));
        let mapped = "::ffff:192.0.2.7".parse().expect("an address");
        assert_eq!(hash, visitor(&today, mapped, "Mozilla/5.0", "shop.example"), "the same address, written otherwise");
        let others = [
            visitor(&tomorrow, address, "Mozilla/5.0", "shop.example"),
            visitor(&today, "192.0.2.8".parse().expect("an address"), "Mozilla/5.0", "shop.example"),
            visitor(&today, address, "Mozilla/5.0 ", "shop.example"),
            visitor(&today, address, "Mozilla/5.0", "www.shop.example"),
            visitor(&today, address, "Mozilla/5.0s", "hop.example"),
        ];
        assert!(others.iter().all(|other| *other != hash));
    }
}
