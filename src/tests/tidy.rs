//! The rules of the house as a test; each says what to do.

use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, out: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, out),
                path if path.extension().is_some_and(|e| e == "rs") => out.push(path),
                _ => {}
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("text"))
    };
    paths.into_iter().map(read).collect()
}

/// The code above a file's unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or(text)
}

fn forbid(files: impl Fn(&str) -> bool, words: &[&str], instead: &str) {
    for (name, text) in sources() {
        if files(&name) && !name.starts_with("src/tests/") && !name.starts_with("src/bin/") {
            for word in words {
                let found =
                    code(&text).lines().find(|line| line.contains(word) && !line.trim_start().starts_with("//"));
                assert!(found.is_none(), "{name} says {word:?}: {instead}\n  {}", found.unwrap_or_default());
            }
        }
    }
}

#[test]
fn every_file_opens_with_a_sentence() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "{name}: say in a first line that begins with //! what lives here");
    }
}

#[test]
fn models_are_pure() {
    let pure = |name: &str| {
        name.ends_with("/model.rs")
            || name == "src/money.rs"
            || name == "src/period.rs"
            || name == "src/sales/ledger.rs"
            || name == "src/sales/order.rs"
            || name == "src/sales/redenomination.rs"
            || matches!(name, "src/royalties/rate.rs" | "src/royalties/standing.rs" | "src/royalties/projection.rs")
            || matches!(
                name,
                "src/imports/columns.rs" | "src/imports/values.rs" | "src/imports/report.rs" | "src/imports/plan.rs"
            )
            || name == "src/exchange/mod.rs"
            || name == "src/exchange/history.rs"
            || name == "src/exchange/ecb.rs"
    };
    forbid(
        pure,
        &["leptos", "sqlx", "axum", "web_sys", "Utc::now", "SystemTime", "Instant::now", "Timestamp::now"],
        "take what it needs as an argument",
    );
}

#[test]
fn sql_stands_in_stores() {
    let elsewhere = |name: &str| {
        !name.ends_with("store.rs") && name != "src/server/database.rs" && name != "src/server/postgres.rs"
    };
    forbid(elsewhere, &["sqlx::query"], "move the query to the feature's store.rs");
}

#[test]
fn the_browser_s_interfaces_stand_in_browser_rs() {
    let elsewhere = |name: &str| !name.ends_with("browser.rs") && name != "src/lib.rs";
    forbid(elsewhere, &["web_sys", "js_sys", "wasm_bindgen", "gloo_"], "move it to the feature's browser.rs");
}

#[test]
fn the_design_system_knows_no_feature_and_pages_do_not_compute() {
    forbid(
        |name| name.starts_with("src/ui/"),
        &["crate::sales", "crate::access", "crate::live", "crate::pages"],
        "pass it in",
    );
    forbid(|name| name.starts_with("src/pages/"), &["f64", ".sum(", " / ", " * "], "give the model a method");
}

/// The forecast's statistics are estimates: they start from minor units, and are rounded to them where they leave.
const ESTIMATES: &str = "src/sales/projection/curve.rs";

#[test]
fn money_is_never_a_float() {
    let money = |name: &str| {
        name.starts_with("src/sales/") && name != ESTIMATES
            || name == "src/money.rs"
            || name.starts_with("src/royalties/")
            || name.starts_with("src/exchange/")
            || name.starts_with("src/sources/")
            || name.starts_with("src/imports/")
    };
    forbid(money, &["f64", "f32"], "keep minor units as i64");
}

#[test]
fn nothing_from_outside_becomes_html_and_only_the_clock_tells_the_time() {
    forbid(|_| true, &["inner_html", "set_inner_html"], "write it as text");
    forbid(|name| name != "src/server/clock.rs", &["Utc::now", "chrono::Local"], "ask the server's clock");
}

#[test]
fn no_element_whose_text_is_not_escaped() {
    // Leptos 0.8 writes what stands in these as it is, also what came from outside.
    let raw = ["<textarea", "<script", "<style"];
    forbid(|_| true, &raw, "use an input, whose value is an attribute");
}

#[test]
fn tests_do_not_sleep_and_are_not_ignored() {
    for (name, text) in sources() {
        if name.starts_with("src/tests/") && name != "src/tests/tidy.rs" {
            assert!(!text.contains("sleep(") && !text.contains("#[ignore"), "{name}: wait for what you wait for");
        }
    }
}
