//! The shell of every page and the table of routes.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, StaticSegment};

use crate::access::view::{SignInPage, WelcomePage};
use crate::pages::dashboard::DashboardPage;

/// The routes. The same on the server and in the browser.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title text="Takings"/>
        <Router>
            <Routes fallback=|| view! { <main class="narrow"><h1>"There is nothing here"</h1><p><a href="/">"Go to the figures"</a></p></main> }>
                <Route path=StaticSegment("") view=DashboardPage ssr=SsrMode::Async/>
                <Route path=StaticSegment("sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=StaticSegment("welcome") view=WelcomePage ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}

#[cfg(feature = "ssr")]
pub use document::shell;

#[cfg(feature = "ssr")]
mod document {
    use axum::http::HeaderValue;
    use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
    use axum::http::request::Parts;
    use leptos::nonce::use_nonce;
    use leptos_axum::ResponseOptions;
    use leptos_meta::{HashedStylesheet, MetaTags};

    use super::*;
    use crate::access::session::cookie;

    /// The document around the application, with its content security policy.
    pub fn shell(options: LeptosOptions) -> impl IntoView {
        set_headers();
        let version = env!("CARGO_PKG_VERSION");
        view! {
            <!DOCTYPE html>
            <html lang="en-GB" data-theme=chosen_theme()>
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="color-scheme" content="dark light"/>
                    <meta name="chart-bundle" content=format!("/vendor/echarts.js?v={version}")/>
                    <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                    <link rel="preload" href="/vendor/inter.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                    <HashedStylesheet options=options.clone() id="style"/>
                    <AutoReload options=options.clone()/>
                    {needs_script().then(|| view! { <HydrationScripts options defer=true/> })}
                    <MetaTags/>
                </head>
                <body>
                    <App/>
                </body>
            </html>
        }
    }

    /// The pages of access are plain forms: they come without a script.
    fn needs_script() -> bool {
        use_context::<Parts>().is_none_or(|parts| !matches!(parts.uri.path(), "/sign-in" | "/welcome"))
    }

    /// The theme that was chosen; none leaves it to the system.
    fn chosen_theme() -> Option<String> {
        let parts = use_context::<Parts>()?;
        cookie(&parts.headers, "theme").filter(|theme| matches!(*theme, "dark" | "light")).map(str::to_owned)
    }

    /// Only our own scripts run, and only those with this answer's nonce inline; nothing may frame the page.
    fn set_headers() {
        let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else { return };
        let watching =
            if std::env::var_os("LEPTOS_WATCH").is_some() { " ws://127.0.0.1:* ws://localhost:*" } else { "" };
        let policy = format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
             img-src 'self' data:; font-src 'self'; connect-src 'self'{watching}; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.insert_header(CONTENT_SECURITY_POLICY, policy);
        }
        response.insert_header(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
