//! A small line without axes, drawn as SVG on the server and in the browser alike.

use leptos::prelude::*;

use crate::ui::text;

/// The picture's own units; it is stretched to its place.
const WIDTH: i64 = 120;
const HEIGHT: i64 = 32;

/// The points of a line through `values` in a box of `width` × `height`, for an SVG path.
pub fn path(values: &[i64], top: i64, width: i64, height: i64) -> String {
    let steps = values.len().saturating_sub(1).max(1) as i64;
    let low = values.iter().copied().min().unwrap_or(0).min(0);
    let span = (top - low).max(1);
    let point = |(i, value): (usize, &i64)| {
        let x = i as i64 * width * 10 / steps;
        let y = height * 10 - i128::from(value - low) as i64 * height / span * 10;
        let y = y.clamp(0, height * 10);
        format!("{}{}.{} {}.{}", if i == 0 { 'M' } else { 'L' }, x / 10, x % 10, y / 10, y % 10)
    };
    values.iter().enumerate().map(point).collect()
}

/// The line.
#[component]
pub fn Sparkline(
    /// Oldest first.
    #[prop(into)]
    values: Signal<Vec<i64>>,
) -> impl IntoView {
    let line = Memo::new(move |_| {
        let values = values.get();
        path(&values, values.iter().copied().max().unwrap_or(1), WIDTH, HEIGHT - 2)
    });
    view! {
        <svg class="sparkline" viewBox=format!("0 -1 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            <path d=text(move || line.get()) fill="none" vector-effect="non-scaling-stroke"></path>
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_from_left_to_right_and_stays_in_its_box() {
        assert_eq!(path(&[0, 10, 5], 10, 100, 20), "M0.0 20.0L50.0 0.0L100.0 10.0");
        assert_eq!(path(&[], 10, 100, 20), "");
        assert_eq!(path(&[7], 7, 100, 20), "M0.0 0.0");
    }
}
