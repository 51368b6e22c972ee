//! The number inspector: what stands behind a figure, down to its rows (P1).

pub mod api;
#[cfg(feature = "ssr")]
pub mod figure;
#[cfg(feature = "ssr")]
pub mod inspect;
pub mod model;
pub mod panel;
#[cfg(feature = "ssr")]
pub mod routes;
#[cfg(feature = "ssr")]
pub mod store;
#[cfg(feature = "ssr")]
pub mod words;

/// The name of the figure in an address's query.
pub const FIGURE: &str = "figure";

/// Parts of an address's query that say how the inspector stands, not what the page asks.
const OWN: [&str; 4] = [FIGURE, "at", "by", "after"];

/// A query without the inspector's part: the question.
pub fn question_of(query: &str) -> String {
    let ours = |pair: &&str| OWN.contains(&pair.split('=').next().unwrap_or_default());
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !ours(pair)).collect();
    kept.join("&")
}

/// The figure that a query opens; empty where it opens none.
pub fn figure_of(query: &str) -> &str {
    query.split('&').find_map(|pair| pair.strip_prefix("figure=")).unwrap_or_default()
}

/// The address of the page with a figure opened. `question` is a query without the inspector's part.
pub fn address(question: &str, figure: &str) -> String {
    if question.is_empty() { format!("/?{FIGURE}={figure}") } else { format!("/?{question}&{FIGURE}={figure}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_a_question_and_perhaps_an_opened_figure() {
        let query = "range=week&figure=today.revenue&country=GB&after=1-2&by=amount";
        assert_eq!(question_of(query), "range=week&country=GB");
        assert_eq!(figure_of(query), "today.revenue");
        assert_eq!((question_of(""), figure_of("range=week")), (String::new(), ""));
        assert_eq!(address("", "a"), "/?figure=a");
        assert_eq!(address("range=week", "a"), "/?range=week&figure=a");
    }
}
