//! Takings: a company's revenue as it happens. The modules in reading order.
#![recursion_limit = "512"]

#[cfg(all(feature = "ssr", feature = "hydrate"))]
compile_error!("the features ssr (the server) and hydrate (the browser) exclude each other");

// The shared vocabulary.
pub mod chart;
#[cfg(feature = "ssr")]
pub mod country;
#[cfg(feature = "ssr")]
pub mod exchange;
pub mod json;
pub mod money;
#[cfg(feature = "ssr")]
pub mod period;
pub mod table;

// Features.
pub mod access;
#[cfg(feature = "ssr")]
pub mod calls;
#[cfg(feature = "ssr")]
pub mod demo;
#[cfg(feature = "ssr")]
pub mod export;
#[cfg(feature = "ssr")]
pub mod goals;
#[cfg(feature = "ssr")]
pub mod imports;
pub mod live;
#[cfg(feature = "ssr")]
pub mod preferences;
#[cfg(feature = "ssr")]
pub mod royalties;
pub mod sales;
#[cfg(feature = "ssr")]
pub mod settings;
#[cfg(feature = "ssr")]
pub mod sources;
#[cfg(feature = "ssr")]
pub mod visitors;
#[cfg(feature = "ssr")]
pub mod voice;

// What the features are put together with.
pub mod app;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod rest;
#[cfg(feature = "ssr")]
pub mod server;
pub mod ui;

#[cfg(feature = "hydrate")]
mod start {
    /// Takes over the page that the server rendered.
    #[wasm_bindgen::prelude::wasm_bindgen]
    pub fn hydrate() {
        console_error_panic_hook::set_once();
        leptos::mount::hydrate_body(crate::app::App);
    }
}
