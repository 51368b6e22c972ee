//! Voice rooms: who is in them, what they say to one another, and how the sound travels.

pub mod media;
pub mod monitor;
pub mod protocol;
pub mod relay;
