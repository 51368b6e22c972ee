//! People as the page knows them.

use serde::{Deserialize, Serialize};

/// The shortest password.
pub const PASSWORD_MIN_CHARS: usize = 10;

/// Someone who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Their number in the workspace.
    pub id: i32,
    /// The name they sign in with.
    pub name: String,
    /// `viewer`, `analyst` or `administrator`.
    pub role: String,
}
