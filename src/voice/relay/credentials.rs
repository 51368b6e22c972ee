//! Credentials of the relay: a name that says until when it holds and for whom, and its HMAC. Made as coturn's
//! `use-auth-secret` reads them, so that either server can be behind them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

/// The realm that the embedded server names.
pub const REALM: &str = "takings";

/// Who a credential was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The second since 1970 after which it opens nothing.
    pub expiry: u64,
    /// The person.
    pub person: i32,
    /// The room.
    pub room: i32,
}

impl Holder {
    /// The username: `expiry:person:room`.
    pub fn username(&self) -> String {
        format!("{}:{}:{}", self.expiry, self.person, self.room)
    }

    /// Reads a username, of exactly the form in which it is written.
    pub fn parse(username: &str) -> Option<Holder> {
        let mut parts = username.split(':');
        let mut next = || parts.next();
        let holder =
            Holder { expiry: next()?.parse().ok()?, person: next()?.parse().ok()?, room: next()?.parse().ok()? };
        (holder.username() == username).then_some(holder)
    }
}

/// The password that belongs to a username.
pub fn password(secret: &[u8], username: &str) -> String {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret) else { return String::new() };
    mac.update(username.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

/// The key that signs the messages of a username (RFC 5389, long-term credentials).
pub fn key(secret: &[u8], username: &str) -> Vec<u8> {
    turn::auth::generate_auth_key(username, REALM, &password(secret, username))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_what_coturn_makes_of_the_same_secret() {
        // printf 1700000000:7:3 | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(password(b"north", "1700000000:7:3"), "vVWjshdWCfAjPRRMLcL7eqGyJnI=");
    }

    #[test]
    fn a_username_has_one_form() {
        let holder = Holder { expiry: 1_700_000_000, person: 7, room: 3 };
        assert_eq!(Holder::parse("1700000000:7:3"), Some(holder));
        for other in
            ["", "1700000000", "1700000000:7", "1700000000:7:3:4", "+1700000000:7:3", "1700000000:07:3", "x:7:3"]
        {
            assert_eq!(Holder::parse(other), None, "{other}");
        }
    }
}
