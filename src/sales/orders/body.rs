//! The body of a delivery as people read it: JSON with a line for each value, its digits and letters as they came. Pure.

use serde::de::IgnoredAny;

/// Characters that a page shows of a body at most; the download has all of it.
const SHOWN_MAX_CHARS: usize = 200_000;
/// Levels that are indented; deeper ones stand below one another, so that a few brackets do not become megabytes.
const LEVELS_MAX: usize = 16;
/// The indentation of a level.
const LEVEL: &str = "  ";

/// The body as text: one that is JSON gets its lines, any other stays as it came. Numbers and names are never read, so
/// that none is written otherwise than it was signed.
pub fn readable(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
    shortened(if is_json { indented(&text) } else { text.into_owned() })
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN_MAX_CHARS) {
        Some((end, _)) => format!("{}\n… the download has the rest", &text[..end]),
        None => text,
    }
}

/// JSON with a line for each value.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0usize;
    let (mut in_text, mut is_escaped) = (false, false);
    let mut letters = json.chars().filter_map(|letter| {
        if in_text {
            (in_text, is_escaped) = (is_escaped || letter != '"', !is_escaped && letter == '\\');
            return Some((letter, true));
        }
        in_text = letter == '"';
        (in_text || !letter.is_ascii_whitespace()).then_some((letter, in_text))
    });
    let mut next = letters.next();
    while let Some((letter, is_text)) = next {
        next = letters.next();
        match letter {
            _ if is_text => out.push(letter),
            '{' | '[' => {
                out.push(letter);
                if let Some((end @ ('}' | ']'), false)) = next {
                    out.push(end);
                    next = letters.next();
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(letter),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&LEVEL.repeat(depth.min(LEVELS_MAX)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_gets_lines_and_keeps_its_digits() {
        assert_eq!(
            readable(br#"{"b":195.660, "a" : [ ],"text":"{\"x\": [1,2]}","list":[1,{"id":12345678901234567890}]}"#),
            "{\n  \"b\": 195.660,\n  \"a\": [],\n  \"text\": \"{\\\"x\\\": [1,2]}\",\n  \"list\": [\n    1,\n    {\n      \"id\": \
             12345678901234567890\n    }\n  ]\n}"
        );
    }

    #[test]
    fn what_is_no_json_stays_as_it_came_and_nothing_is_endless() {
        assert_eq!(readable(b"a=1&b=<script>"), "a=1&b=<script>");
        assert_eq!(readable(b"\xff{"), "\u{fffd}{");
        let deep = format!("{}{}{}", "[".repeat(100), ["1"; 60_000].join(","), "]".repeat(100));
        let shown = readable(deep.as_bytes());
        assert!(shown.chars().count() < SHOWN_MAX_CHARS + 100 && shown.ends_with("the download has the rest"));
    }

    proptest! {
        #[test]
        fn lines_change_nothing_that_is_said(texts in prop::collection::vec("[ -~äé\\n]{0,12}", 0..5), number in any::<i64>()) {
            let value = serde_json::json!({"texts": texts, "inner": {"number": number, "none": null, "empty": {}}});
            let json = value.to_string();
            let read: serde_json::Value = serde_json::from_str(&indented(&json)).expect("JSON");
            prop_assert_eq!(&read, &value);
            prop_assert_eq!(indented(&indented(&json)), indented(&json));
        }
    }
}
