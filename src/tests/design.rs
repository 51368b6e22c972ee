//! What the interface promises in numbers: contrast of every text colour on every ground; configuration in one place.

use std::collections::BTreeMap;

/// The colours of a theme, `--name: #rrggbb`.
fn tokens(mixin: &str) -> BTreeMap<String, [f64; 3]> {
    let scss = include_str!("../../style/_tokens.scss");
    let body =
        scss.split(&format!("@mixin {mixin} {{")).nth(1).and_then(|rest| rest.split('}').next()).expect("the mixin");
    body.lines()
        .filter_map(|line| line.trim().strip_prefix("--")?.trim_end_matches(';').split_once(": #"))
        .map(|(name, hex)| {
            let part = |i: usize| f64::from(u8::from_str_radix(&hex[i..i + 2], 16).expect("hex"));
            (name.to_owned(), [part(0), part(2), part(4)])
        })
        .collect()
}

/// WCAG 2.2: relative luminance.
fn luminance(colour: [f64; 3]) -> f64 {
    let channel = |c: f64| {
        let c = c / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(colour[0]) + 0.7152 * channel(colour[1]) + 0.0722 * channel(colour[2])
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_colour_can_be_read_on_every_ground() {
    for (theme, least) in [("dark", 6.0), ("light", 4.5)] {
        let tokens = tokens(theme);
        for text in ["text", "quiet", "accent", "growth", "decline", "neutral", "warning"] {
            for ground in ["ground", "raised"] {
                let ratio = contrast(tokens[text], tokens[ground]);
                assert!(ratio >= least, "{theme}: {text} on {ground} is {ratio:.2}");
            }
        }
        assert!(contrast(tokens["on-accent"], tokens["accent"]) >= 4.5, "{theme}: text on a button");
    }
}

#[test]
fn leptos_toml_says_what_cargo_toml_says() {
    let section = |file: &str| -> Vec<String> {
        let rest = file.split("[package.metadata.leptos]").nth(1).expect("the section");
        rest.lines()
            .skip(1)
            .map(str::trim)
            .take_while(|line| !line.starts_with('['))
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(section(include_str!("../../Leptos.toml")), section(include_str!("../../Cargo.toml")));
}
