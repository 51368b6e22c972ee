//! What the forms of deliveries have in common: secrets, what is read, and why it cannot be. Pure.

use crate::sales::order::Order;
use crate::sources::{shopify, standard};

/// A source's secrets: two while they are rotated.
#[derive(Clone)]
pub struct Secrets {
    /// The one that deliveries are signed with.
    pub current: String,
    /// The one before, which may sign for a while.
    pub previous: Option<String>,
}

impl Secrets {
    /// Both, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.current.as_str()).chain(self.previous.as_deref())
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// The formats that deliveries come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Shopify's webhooks.
    #[default]
    Shopify,
    /// Standard Webhooks with an order of ours.
    Standard,
}

/// What a delivery says: its topic, and its order unless it is about something else.
#[derive(Debug)]
pub struct Reading {
    /// The sender's word for what it is about.
    pub topic: String,
    /// The platform's id of the order, and what is said of it.
    pub order: Result<Option<(String, Order)>, Unreadable>,
}

impl Format {
    /// Its name in addresses and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Format::Shopify => "shopify",
            Format::Standard => "standard",
        }
    }

    /// Reads a [`Format::name`].
    pub fn parse(name: &str) -> Option<Format> {
        [Format::Shopify, Format::Standard].into_iter().find(|format| format.name() == name)
    }

    /// Reads a body. `topic` is what the headers say; a format whose bodies say it takes it from there.
    pub fn read(self, topic: &str, body: &[u8]) -> Reading {
        match self {
            Format::Shopify => Reading { topic: topic.to_owned(), order: shopify::read(topic, body) },
            Format::Standard => match standard::read(body) {
                Ok((topic, order)) => Reading { topic, order: Ok(order) },
                Err(unreadable) => Reading { topic: topic.to_owned(), order: Err(unreadable) },
            },
        }
    }
}

/// Why a signed body could not be read. It is kept for replay, and the sender is told the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// A field that has to be there.
    pub fn missing(field: &str) -> Unreadable {
        Unreadable(format!("the field {field} is missing"))
    }

    /// A field that can't be read, and why.
    pub fn field(field: &str, why: impl std::fmt::Display) -> Unreadable {
        Unreadable(format!("the field {field} cannot be read: {why}"))
    }

    /// Not the JSON that was expected. `serde_json` names the field and the place, never the content.
    pub fn json(error: &serde_json::Error) -> Unreadable {
        Unreadable(format!("the body is not the JSON that was expected: {error}"))
    }
}
