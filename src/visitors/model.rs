//! A page view as it is heard of, and what of it is kept. Pure.

use std::net::IpAddr;

use crate::period::Instant;

/// The longest path that is taken, in bytes: longer ones are made by machines.
pub const PATH_BYTES_MAX: usize = 512;
/// The longest host: that of the domain name system.
pub const HOST_BYTES_MAX: usize = 253;
/// The longest referrer that is read, in bytes; only its host is kept.
pub const REFERRER_BYTES_MAX: usize = 2_048;
/// How much of a browser's name tells visitors apart, in bytes.
pub const AGENT_BYTES_MAX: usize = 512;
/// Hosts that a workspace can name.
pub const HOSTS_MAX: usize = 20;

/// A page view. It lives in memory alone, until it is counted; its address and its browser's name go no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// When it was.
    pub at: Instant,
    /// Where from.
    pub address: IpAddr,
    /// What the browser calls itself.
    pub agent: Box<str>,
    /// The host of the page.
    pub host: Box<str>,
    /// The page.
    pub path: Box<str>,
    /// The host of the page before, where that is another.
    pub referrer: Option<Box<str>>,
}

/// Why a page view was not taken. Each says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// Not the script's JSON.
    #[error("the body is not what /v.js sends: JSON with the host h, the path p and the referrer r")]
    Body,
    /// No host.
    #[error("h is no host: give the name of the page's host, such as shop.example, of at most {HOST_BYTES_MAX} bytes")]
    Host,
    /// No path, or one with signs that nobody can see.
    #[error("p is no path: give it from its first slash, without signs that cannot be seen")]
    Path,
    /// Too long a path.
    #[error("the path is longer than the {PATH_BYTES_MAX} bytes that are counted")]
    PathTooLong,
    /// Too long a referrer.
    #[error("the referrer is longer than the {REFERRER_BYTES_MAX} bytes that are read")]
    ReferrerTooLong,
}

/// A host's name in small letters, without its port.
pub fn host(text: &str) -> Option<String> {
    // An address of version 6 has colons of its own, in brackets.
    let end = text.rfind(']').unwrap_or(0);
    let name = text[end..].find(':').map_or(text, |colon| &text[..end + colon]);
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_known = |c: char| c.is_ascii_alphanumeric() || "-._[]:".contains(c);
    (!name.is_empty() && name.len() <= HOST_BYTES_MAX && name.chars().all(is_known)).then_some(name)
}

/// A path without its query.
pub fn path(text: &str) -> Result<&str, Unread> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    if path.len() > PATH_BYTES_MAX {
        return Err(Unread::PathTooLong);
    }
    if !path.starts_with('/') || path.chars().any(char::is_control) {
        return Err(Unread::Path);
    }
    Ok(path)
}

/// The host and the path of an address such as `https://shop.example/books?page=2`.
pub fn parts(address: &str) -> Option<(String, &str)> {
    let (_, rest) = address.split_once("://")?;
    let (authority, rest) = rest.find(['/', '?', '#']).map_or((rest, ""), |end| rest.split_at(end));
    let name = authority.rsplit_once('@').map_or(authority, |(_, name)| name);
    Some((host(name)?, if rest.starts_with('/') { rest } else { "/" }))
}

/// The host of the page before; `None` where there is none, where it cannot be read, and where it is the page's own.
pub fn referrer(text: &str, own: &str) -> Result<Option<String>, Unread> {
    if text.len() > REFERRER_BYTES_MAX {
        return Err(Unread::ReferrerTooLong);
    }
    let found = match text.contains("://") {
        true => parts(text).map(|(host, _)| host),
        false => host(text),
    };
    let bare = |host: &str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    Ok(found.filter(|found| bare(found) != bare(own)))
}

/// Hosts as somebody lists them, with spaces or commas between; the problem names the first that is none.
pub fn hosts(text: &str) -> Result<Vec<String>, String> {
    let mut hosts = Vec::new();
    for word in text.split([',', ' ', '\n', '\r', '\t', ';']).filter(|word| !word.is_empty()) {
        let name = if word.contains("://") { parts(word).map(|(host, _)| host) } else { host(word) };
        match name {
            Some(name) if !word.trim_end_matches('/').contains('/') || word.contains("://") => hosts.push(name),
            _ => {
                let word: String = word.chars().take(40).collect();
                return Err(format!("{word:?} is no host: give names such as shop.example, with spaces between."));
            }
        }
    }
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.len() > HOSTS_MAX {
        return Err(format!("These are more than {HOSTS_MAX} hosts: leave the field empty to count every host."));
    }
    Ok(hosts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_without_its_port() {
        for (text, name) in [
            ("Shop.Example:8443", Some("shop.example")),
            ("shop.example.", Some("shop.example")),
            ("[2001:db8::1]:80", Some("[2001:db8::1]")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("", None),
            (":80", None),
            ("bücher.example", None),
            ("shop.example/books", None),
            ("a\0b", None),
        ] {
            assert_eq!(host(text).as_deref(), name, "{text}");
        }
        assert_eq!(host(&"a".repeat(254)), None);
    }

    #[test]
    fn a_path_has_no_query() {
        assert_eq!(path("/books/emma?size=2#top"), Ok("/books/emma"));
        assert_eq!(path("/"), Ok("/"));
        assert_eq!(path("/bücher"), Ok("/bücher"));
        for text in ["", "books", "?x=1", "/a\0b", "/a\nb"] {
            assert_eq!(path(text), Err(Unread::Path), "{text:?}");
        }
        assert_eq!(path(&format!("/{}", "a".repeat(PATH_BYTES_MAX - 1))).map(str::len), Ok(PATH_BYTES_MAX));
        assert_eq!(path(&format!("/{}", "a".repeat(PATH_BYTES_MAX))), Err(Unread::PathTooLong));
    }

    #[test]
    fn of_a_referrer_its_host_is_kept_and_the_own_is_left_out() {
        for (text, kept) in [
            ("https://www.search.example/find?q=secret", Some("www.search.example")),
            ("https://ann:secret@news.example:8443", Some("news.example")),
            ("android-app://com.mail.example/", Some("com.mail.example")),
            ("social.example", Some("social.example")),
            ("https://shop.example/books", None),
            ("https://www.shop.example/", None),
            ("", None),
            ("no host at all", None),
        ] {
            let found = referrer(text, "shop.example").expect("short");
            assert_eq!(found.as_deref(), kept, "{text}");
        }
        let long = format!("https://search.example/?q={}", "a".repeat(REFERRER_BYTES_MAX));
        assert_eq!(referrer(&long, "shop.example"), Err(Unread::ReferrerTooLong));
    }

    #[test]
    fn hosts_are_listed_as_people_list_them() {
        let read = hosts(" Shop.example, https://www.shop.example/ \n shop.example:443").expect("hosts");
        assert_eq!(read, ["shop.example", "www.shop.example"]);
        assert_eq!(hosts("  "), Ok(Vec::new()));
        assert!(hosts("shop.example/books").expect_err("a path").contains("\"shop.example/books\" is no host"));
        assert!(hosts("bücher").expect_err("no host").contains("such as shop.example"));
        let many: Vec<String> = (0..=HOSTS_MAX).map(|n| format!("a{n}.example")).collect();
        assert!(hosts(&many.join(" ")).expect_err("too many").contains("leave the field empty"));
    }
}
