//! Secrets that are handed out once and stored only as their hash.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

/// A new secret: 256 random bits as text for addresses and cookies.
pub fn generate() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>())
}

/// A new signing secret in the form of Standard Webhooks.
pub fn generate_signing() -> String {
    format!("whsec_{}", STANDARD.encode(rand::rng().random::<[u8; 24]>()))
}

/// What is stored of a secret. Its 256 bits need no salt and no slow hash; looking the hash up tells an attacker
/// nothing about a secret he does not have.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}
