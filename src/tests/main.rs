//! The server's tests, against a real PostgreSQL: a database of its own for each. Files mirror addresses and features.
#![allow(clippy::expect_used, reason = "a test that cannot go on says why")]

mod access;
mod api;
mod bus;
mod calendar;
mod calls;
mod design;
mod embedded;
mod events;
mod goals;
mod imports;
mod inspector;
mod live;
mod live_model;
mod oracle;
mod pages;
mod preferences;
mod presence;
mod projections;
mod proxy;
mod rates;
mod replay;
mod rest;
mod royalties;
mod royalty_files;
mod royalty_sums;
mod servers;
mod settings;
mod snapshot;
mod tidy;
mod util;
mod visitors;
mod voice;
mod webhooks;
mod weekdays;
mod with_royalties;
