//! Figures that lead to what is behind them. Where they lead, the page says in the context.

use std::sync::Arc;

use leptos::prelude::*;

use crate::ui::text;

/// Where a figure of a name leads.
#[derive(Clone)]
pub struct Explains(pub Arc<dyn Fn(&str) -> String + Send + Sync>);

/// A figure as a link to what is behind it; as it is, where the page does not say.
pub fn explained(name: String, figure: AnyView) -> AnyView {
    match use_context::<Explains>() {
        Some(Explains(address)) => {
            let href = text(move || address(&name));
            view! { <a class="explained" title="What is behind this figure" href=href>{figure}</a> }.into_any()
        }
        None => figure,
    }
}
