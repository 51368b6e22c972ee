//! How the server asks other servers: with the same TLS as the database's, and its roots of trust built in.

use std::sync::Arc;

use reqwest::ClientBuilder;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// A client with TLS by rustls and the roots of Mozilla's programme: it needs no certificates of the system's. Every
/// client is made from it, as reqwest has no TLS of its own here.
pub fn client() -> ClientBuilder {
    let builder = ClientBuilder::new();
    match tls() {
        Ok(tls) => builder.tls_backend_preconfigured(tls),
        // What reqwest does not know makes the build fail, and the caller says so.
        Err(error) => builder.tls_backend_preconfigured(error),
    }
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
