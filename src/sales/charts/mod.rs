//! The charts that are more than lines, and the files of all of them.

pub mod view;
