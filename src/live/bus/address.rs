//! Where the bus is: the value of `TAKINGS_BUS`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;

/// Where the bus is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// In the database: nothing was set.
    Database,
    /// A NATS server.
    Nats(NatsServer),
}

/// A NATS server, and what it lets us in for.
#[derive(Clone, PartialEq, Eq)]
pub struct NatsServer {
    /// Its address, without secrets.
    pub address: ServerAddr,
    /// What we show.
    pub pass: Pass,
    /// Beside those that the system trusts, who may say over TLS that it is this server: a file of certificates in PEM.
    pub trusted: Option<PathBuf>,
}

/// What a NATS server lets somebody in for.
#[derive(Clone, PartialEq, Eq)]
pub enum Pass {
    /// Nothing.
    None,
    /// A name and a password.
    Password(String, String),
    /// A token.
    Token(String),
}

/// Why a value names no bus. The value is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Another kind of server.
    #[error(
        "TAKINGS_BUS names a {0} server, which Takings does not speak to: set it to a NATS server, as \
         nats://host:4222 or tls://host:4222, or leave it empty and servers wake one another through PostgreSQL"
    )]
    Other(&'static str),
    /// No address.
    #[error(
        "TAKINGS_BUS is not of the form nats://user:password@host:4222, nats://token@host:4222 or the same with tls://, \
         which may end in ?ca=/path/of/the/authority.pem: set it so, or leave it empty and servers wake one another through PostgreSQL"
    )]
    Malformed,
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Address, BadAddress> {
        let text = text.trim();
        match text.split_once("://").map(|(scheme, _)| scheme) {
            _ if text.is_empty() => return Ok(Address::Database),
            Some("nats" | "tls") => {}
            Some("redis" | "rediss" | "valkey") => return Err(BadAddress::Other("Redis")),
            Some("amqp" | "amqps") => return Err(BadAddress::Other("AMQP")),
            Some("kafka") => return Err(BadAddress::Other("Kafka")),
            _ => return Err(BadAddress::Malformed),
        }
        let mut url = text.parse::<ServerAddr>().map_err(|_| BadAddress::Malformed)?.into_inner();
        let trusted = match url.query() {
            None => None,
            Some(query) => Some(trusted(query).filter(|_| url.scheme() == "tls").ok_or(BadAddress::Malformed)?),
        };
        let is_plain = matches!(url.path(), "" | "/") && url.fragment().is_none();
        url.set_query(None);
        if !is_plain || url.host_str().is_none_or(str::is_empty) {
            return Err(BadAddress::Malformed);
        }
        let decoded = |part: &str| percent_decode_str(part).decode_utf8().map(String::from).ok();
        let user = decoded(url.username()).ok_or(BadAddress::Malformed)?;
        let password = url.password().map(|password| decoded(password).ok_or(BadAddress::Malformed)).transpose()?;
        let pass = match (user, password) {
            (user, None) if user.is_empty() => Pass::None,
            (token, None) => Pass::Token(token),
            (user, Some(password)) => Pass::Password(user, password),
        };
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| BadAddress::Malformed)?;
        let address = url.as_str().parse().map_err(|_| BadAddress::Malformed)?;
        Ok(Address::Nats(NatsServer { address, pass, trusted }))
    }
}

/// The file of a query `ca=…`.
fn trusted(query: &str) -> Option<PathBuf> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (name, path) = pairs.next()?;
    (name == "ca" && !path.is_empty() && pairs.next().is_none()).then(|| PathBuf::from(path.into_owned()))
}

/// Without what it shows to be let in, so that nothing logs it.
impl fmt::Debug for NatsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.address.as_url_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> NatsServer {
        match text.parse() {
            Ok(Address::Nats(server)) => server,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn an_address_is_a_server_and_what_it_lets_us_in_for() {
        assert_eq!(" ".parse(), Ok(Address::Database));
        let plain = server("nats://nats.example");
        assert_eq!((plain.address.host(), plain.address.port()), ("nats.example", 4222));
        assert!(plain.pass == Pass::None && !plain.address.tls_required());
        let named = server("tls://ada:p%40ss%3Aword@nats.example:4443/");
        assert!(named.pass == Pass::Password("ada".into(), "p@ss:word".into()) && named.address.tls_required());
        let private = server("tls://nats.example:4222?ca=/etc/takings/our%20ca.pem");
        assert_eq!(private.trusted.as_deref(), Some(std::path::Path::new("/etc/takings/our ca.pem")));
        assert_eq!((private.address.as_url_str(), named.trusted), ("tls://nats.example:4222", None));
        assert!(server("nats://s3cret@[::1]:4222").pass == Pass::Token("s3cret".into()));
    }

    #[test]
    fn no_secret_is_written_down() {
        let address: Address = "nats://ada:s3cret@nats.example".parse().expect("an address");
        let written = format!("{address:?}");
        assert!(
            written.contains("nats.example") && !written.contains("s3cret") && !written.contains("ada"),
            "{written}"
        );
    }

    #[test]
    fn what_is_no_nats_server_is_refused_with_what_to_set() {
        for text in [
            "redis://127.0.0.1",
            "nats.example:4222",
            "nats://",
            "nats://host/stream",
            "http://host",
            "nats://h:x",
            "nats://host?ca=/ca.pem",
            "tls://host?ca=",
            "tls://host?cert=/ca.pem",
        ] {
            let refused = text.parse::<Address>().expect_err(text).to_string();
            assert!(refused.contains("nats://") && refused.contains("leave it empty"), "{text}: {refused}");
        }
        let refused = "rediss://:s3cret@host".parse::<Address>().expect_err("Redis").to_string();
        assert!(refused.contains("a Redis server") && !refused.contains("s3cret"), "{refused}");
    }
}
