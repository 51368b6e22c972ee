//! How a figure stands against an earlier one: arrow, sign and percent, never colour alone.

use leptos::prelude::*;

use crate::money::Change;
use crate::ui::text;

/// A change in words: the arrow, the text, and the sentence for screen readers.
pub fn parts(change: Change, absolute: &str) -> (&'static str, String, String) {
    match change {
        Change::None => ("", "—".into(), "no change: nothing before and nothing now".into()),
        Change::New => ("▲", "new".into(), "new: nothing before".into()),
        Change::PerMille(tenths) => {
            let text = percent(tenths);
            let said = match tenths.signum() {
                1 => format!("up {}, {absolute}", text.trim_start_matches('+')),
                -1 => format!("down {}, {absolute}", text.trim_start_matches('\u{2212}')),
                _ => "unchanged".into(),
            };
            (arrow(tenths), text, said)
        }
        Change::Absolute(difference) => (arrow(difference), absolute.to_owned(), format!("changed by {absolute}")),
    }
}

fn arrow(direction: i64) -> &'static str {
    match direction.signum() {
        1 => "▲",
        -1 => "▼",
        _ => "",
    }
}

/// Tenths of a percent for people: `+17.2%`.
fn percent(tenths: i64) -> String {
    let sign = match tenths.signum() {
        1 => "+",
        -1 => "\u{2212}",
        _ => "",
    };
    let magnitude = tenths.unsigned_abs();
    format!("{sign}{}.{}%", crate::money::count((magnitude / 10) as i64), magnitude % 10)
}

/// The badge of a change. `absolute` is the difference in the figure's own unit, with its sign.
#[component]
pub fn ChangeBadge(
    /// The change.
    #[prop(into)]
    change: Signal<Change>,
    /// The difference, such as `+£153.33`.
    #[prop(into)]
    absolute: Signal<String>,
) -> impl IntoView {
    let parts = Memo::new(move |_| parts(change.get(), &absolute.get()));
    let class = text(move || {
        let class = match change.get().direction() {
            1 => "change is-up",
            -1 => "change is-down",
            _ => "change is-level",
        };
        class.to_owned()
    });
    view! {
        <span class=class title=absolute>
            <span class="change-arrow" aria-hidden="true">{text(move || parts.get().0.to_owned())}</span>
            <span aria-hidden="true">{text(move || parts.get().1)}</span>
            <span class="sr-only">{text(move || parts.get().2)}</span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_said_with_arrow_and_sign() {
        assert_eq!(parts(Change::PerMille(172), "+£153.33"), ("▲", "+17.2%".into(), "up 17.2%, +£153.33".into()));
        assert_eq!(parts(Change::PerMille(-55), "−£5.00").1, "\u{2212}5.5%");
        assert_eq!(parts(Change::New, "").1, "new");
        assert_eq!(parts(Change::None, "").1, "—");
    }
}
