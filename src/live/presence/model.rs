//! People on the page.

use serde::Serialize;

/// Somebody who is on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Present {
    /// Their number.
    pub id: i32,
    /// Their name.
    pub name: String,
    /// One or two letters of it.
    #[schema(example = "AL")]
    pub initials: String,
    /// Which of six colours is theirs, from 0.
    pub colour: u8,
    /// Whether they look elsewhere, on all of their pages.
    pub idle: bool,
    /// Where they are, in words, as their browser says; empty where it does not.
    #[schema(example = "30 days: Platforms")]
    pub place: String,
}
