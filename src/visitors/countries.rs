//! The country of an address, from a database of the MaxMind form that whoever runs Takings provides.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use maxminddb::{MaxMindDbError, Reader, path};

/// Why the database of countries cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file} cannot be used as a database of countries: {cause}; give a file of the MaxMind form (.mmdb), or none")]
pub struct UnusableDatabase {
    file: String,
    cause: MaxMindDbError,
}

/// Finds countries; without a database, none. Cheap to clone.
#[derive(Clone, Default)]
pub struct Countries(Option<Arc<Reader<Vec<u8>>>>);

impl Countries {
    /// Reads a database into memory.
    pub fn open(file: &Path) -> Result<Countries, UnusableDatabase> {
        match Reader::open_readfile(file) {
            Ok(reader) => Ok(Countries(Some(Arc::new(reader)))),
            Err(cause) => Err(UnusableDatabase { file: file.display().to_string(), cause }),
        }
    }

    /// Whether there is a database.
    pub fn are_known(&self) -> bool {
        self.0.is_some()
    }

    /// The ISO 3166 alpha-2 code of an address; empty where the database does not know it.
    pub fn of(&self, address: IpAddr) -> String {
        let found = |reader: &Reader<Vec<u8>>| {
            let code: Option<String> =
                reader.lookup(address.to_canonical()).ok()?.decode_path(&path!["country", "iso_code"]).ok()?;
            crate::country::code(&code?)
        };
        self.0.as_deref().and_then(found).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_countries_of_the_database() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/fixtures/countries.mmdb");
        let countries = Countries::open(&file).expect("a database");
        assert!(countries.are_known());
        for (address, country) in [
            ("192.0.2.1", "GB"),
            ("::ffff:192.0.2.1", "GB"),
            ("198.51.100.77", "DE"),
            ("2001:db8::1", "FR"),
            ("203.0.113.1", ""),
            ("127.0.0.1", ""),
        ] {
            assert_eq!(countries.of(address.parse().expect("an address")), country, "{address}");
        }
        assert_eq!(Countries::default().of("192.0.2.1".parse().expect("an address")), "");
    }

    #[test]
    fn a_file_of_another_form_is_refused_with_a_sentence() {
        let error = Countries::open(Path::new("/nowhere.mmdb")).err().expect("refused").to_string();
        assert!(error.starts_with("/nowhere.mmdb cannot be used as a database of countries: "), "{error}");
        let cargo = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert!(Countries::open(&cargo).err().expect("refused").to_string().contains(".mmdb"));
    }
}
