//! Passwords, hashed with argon2id at the library's recommended cost.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;

/// Passwords checked at once: each takes 19 MiB.
const CHECKED_AT_ONCE: usize = 2;
static CHECKING: Semaphore = Semaphore::const_new(CHECKED_AT_ONCE);

/// The hash of a password in PHC form; `None` when the library refuses it.
pub async fn hash(password: String) -> Option<String> {
    let _turn = CHECKING.acquire().await.ok()?;
    tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).ok()
    })
    .await
    .ok()?
}

/// Whether the password is that of `stored`. Without anyone of that name it takes as long and says no.
pub async fn verify(password: String, stored: Option<String>) -> bool {
    let Ok(_turn) = CHECKING.acquire().await else { return false };
    let checked = tokio::task::spawn_blocking(move || match stored {
        Some(stored) => PasswordHash::new(&stored)
            .is_ok_and(|stored| Argon2::default().verify_password(password.as_bytes(), &stored).is_ok()),
        None => {
            let _ = Argon2::default().hash_password(password.as_bytes());
            false
        }
    });
    checked.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_accepted() {
        let stored = hash("correct horse".into()).await;
        assert!(stored.as_deref().is_some_and(|hash| hash.starts_with("$argon2id$")));
        assert!(verify("correct horse".into(), stored.clone()).await);
        assert!(!verify("wrong horse".into(), stored).await);
        assert!(!verify("correct horse".into(), None).await);
    }
}
