//! Whom a request comes from.

use std::net::IpAddr;

use axum::http::HeaderMap;

/// The connection's other end, or what a proxy on this machine says of it: the last address of `X-Forwarded-For`, which the proxy
/// added itself.
pub fn client(peer: Option<IpAddr>, headers: &HeaderMap) -> Option<IpAddr> {
    let forwarded = || {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?;
        last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    };
    match peer {
        Some(peer) if peer.is_loopback() => forwarded().or(Some(peer)),
        peer => peer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let check = |peer: &str, forwarded: &[&str]| {
            let values = forwarded.iter().map(|value| ("x-forwarded-for".parse().expect("a name"), value));
            let headers: HeaderMap = values.map(|(name, value)| (name, value.parse().expect("a header"))).collect();
            client(peer.parse().ok(), &headers).map(|address| address.to_string()).unwrap_or_default()
        };
        assert_eq!(check("192.0.2.1", &[]), "192.0.2.1");
        assert_eq!(check("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(check("127.0.0.1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(check("::1", &["203.0.113.9", "2001:db8::1"]), "2001:db8::1");
        assert_eq!(check("127.0.0.1", &["unknown"]), "127.0.0.1");
        assert_eq!(check("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(check("", &["198.51.100.1"]), "");
    }
}
