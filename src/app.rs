//! The shell of every page, and what lives in the browser.

use leptos::prelude::*;

use crate::pages::dashboard::DashboardPage;

/// What lives in the browser. The pages of access are plain forms and end on the server, so there is one, and no router:
/// which page an address shows is decided by the server's routes, and a click within the page by its query.
#[component]
pub fn App() -> impl IntoView {
    view! { <DashboardPage/> }
}

#[cfg(feature = "ssr")]
pub use document::{Page, Said, answer, shell};

#[cfg(feature = "ssr")]
mod document {
    use std::sync::OnceLock;

    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
    use axum::http::request::Parts;
    use axum::http::{HeaderValue, StatusCode};
    use axum::response::Response;
    use leptos::nonce::use_nonce;
    use leptos_axum::{ResponseOptions, render_app_async_with_context};
    use leptos_meta::{HashedStylesheet, MetaTags, Script, Title};
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::access::session::cookie;
    use crate::access::view::{SignInPage, WelcomePage};
    use crate::calls::past::CallShown;
    use crate::calls::shown::CallsShown;
    use crate::calls::view::{CallPage, CallsPage};
    use crate::goals::view::{GoalsPage, GoalsShown};
    use crate::imports::view::{ImportPage, ImportShown, ImportsPage, ImportsShown};
    use crate::pages::keys::KeyHelp;
    use crate::preferences::view::ToldDialog;
    use crate::rest::ApiPage;
    use crate::royalties::view::{FigurePage, FigureShown, RoyaltiesPage, RoyaltiesShown};
    use crate::sales::orders::view::{OrderPage, OrderShown};
    use crate::server::state::AppState;
    use crate::settings::view::{SettingsPage, SettingsShown};
    use crate::ui::frame::Frame;
    use crate::visitors::view::{VisitorsPage, VisitorsShown};
    use crate::voice::view::VoiceDock;

    /// The pages.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Page {
        /// The figures: goes on living in the browser.
        Dashboard,
        /// A plain form.
        SignIn,
        /// A plain form.
        Welcome,
        /// What scripts can ask.
        Api,
        /// An order.
        Order(Box<OrderShown>),
        /// The settings.
        Settings(Box<SettingsShown>),
        /// Goals, notes and milestones.
        Goals(Box<GoalsShown>),
        /// Royalties.
        Royalties(Box<RoyaltiesShown>),
        /// What is behind a figure of royalties.
        RoyaltyFigure(Box<FigureShown>),
        /// Files of royalties.
        Imports(Box<ImportsShown>),
        /// An import with its rows.
        Import(Box<ImportShown>),
        /// Visitors of the shop.
        Visitors(Box<VisitorsShown>),
        /// How the calls go.
        Calls(Box<CallsShown>),
        /// How a call went.
        Call(Box<CallShown>),
        /// A sentence in the place of a page.
        Said(Said),
    }

    /// Why a page is not there.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Said {
        /// What is the matter.
        pub title: &'static str,
        /// What to do.
        pub sentence: &'static str,
    }

    impl Said {
        /// The database does not answer.
        pub const AWAY: Said = Said {
            title: "This page could not be loaded",
            sentence: "The database does not answer at the moment. Try again.",
        };
        /// Settings are changed by people alone.
        pub const FOR_ADMINISTRATORS: Said = Said {
            title: "Only an administrator changes settings",
            sentence: "Nothing was changed. Ask one to do it.",
        };
        /// What a form sent is none of what it can send, or is about something that is gone.
        pub const UNREADABLE: Said = Said {
            title: "The form could not be read",
            sentence: "Nothing was changed: what it was about may be gone. Go back to the page and look again.",
        };
    }

    impl Page {
        fn title(&self) -> String {
            match self {
                Page::Dashboard => "Takings".into(),
                Page::SignIn => "Sign in · Takings".into(),
                Page::Welcome => "Welcome · Takings".into(),
                Page::Api => "The API · Takings".into(),
                Page::Order(order) => format!("{} · Takings", order.title),
                Page::Settings(_) => "Settings · Takings".into(),
                Page::Goals(_) => "Goals and notes · Takings".into(),
                Page::Royalties(_) => "Royalties · Takings".into(),
                Page::RoyaltyFigure(figure) => format!("{} · Takings", figure.title),
                Page::Imports(_) => "Imports · Takings".into(),
                Page::Import(import) => format!("Import {} · Takings", import.id),
                Page::Visitors(_) => "Visitors · Takings".into(),
                Page::Calls(_) => "Calls · Takings".into(),
                Page::Call(call) => format!("{} · Takings", call.title),
                Page::Said(said) => format!("{} · Takings", said.title),
            }
        }
    }

    /// Answers with a page that needs no script and is known whole.
    pub async fn answer(state: AppState, parts: Parts, status: StatusCode, page: Page) -> Response {
        let options = state.leptos.clone();
        let context = move || provide_context(state.clone());
        let render = render_app_async_with_context(context, move || shell(options.clone(), page.clone()));
        let mut response = render(Request::from_parts(parts, Body::empty())).await;
        *response.status_mut() = status;
        response
    }

    /// The document around a page, with its content security policy.
    pub fn shell(options: LeptosOptions, page: Page) -> impl IntoView {
        set_headers();
        let (title, is_live) = (page.title(), page == Page::Dashboard);
        let is_of_calls = matches!(page, Page::Calls(_) | Page::Call(_));
        let has_script = is_of_calls
            || matches!(
                page,
                Page::Royalties(_) | Page::RoyaltyFigure(_) | Page::Imports(_) | Page::Import(_) | Page::Visitors(_)
            );
        let has_voice = !matches!(page, Page::SignIn | Page::Welcome);
        let look_again = if let Page::Settings(settings) = &page { settings.look_again() } else { None };
        let body = match page {
            Page::Dashboard => view! { <App/><KeyHelp/><ToldDialog/> }.into_any(),
            Page::SignIn => view! { <SignInPage/> }.into_any(),
            Page::Welcome => view! { <WelcomePage/> }.into_any(),
            Page::Api => view! { <ApiPage/> }.into_any(),
            Page::Order(order) => view! { <OrderPage order=*order/> }.into_any(),
            Page::Settings(settings) => view! { <SettingsPage settings=*settings/> }.into_any(),
            Page::Goals(goals) => view! { <GoalsPage goals=*goals/> }.into_any(),
            Page::Royalties(royalties) => view! { <RoyaltiesPage royalties=*royalties/> }.into_any(),
            Page::RoyaltyFigure(figure) => view! { <FigurePage figure=*figure/> }.into_any(),
            Page::Imports(imports) => view! { <ImportsPage imports=*imports/> }.into_any(),
            Page::Import(import) => view! { <ImportPage import=*import/> }.into_any(),
            Page::Visitors(visitors) => view! { <VisitorsPage visitors=*visitors/> }.into_any(),
            Page::Calls(calls) => view! { <CallsPage calls=*calls/> }.into_any(),
            Page::Call(call) => view! { <CallPage call=*call/> }.into_any(),
            Page::Said(Said { title, sentence }) => {
                view! { <Frame title><h1>{title}</h1><p>{sentence}</p><p><a class="button" href="/">"To the dashboard"</a></p></Frame> }
                    .into_any()
            }
        };
        let [bundle, world, plain, told, here, voice, voice_style, of_calls] = vendored(&options.site_root);
        view! {
            <!DOCTYPE html>
            <html lang="en-GB" data-theme=chosen_theme()>
                <head>
                    <meta charset="utf-8"/>
                    <meta name="viewport" content="width=device-width, initial-scale=1"/>
                    <meta name="color-scheme" content="dark light"/>
                    {look_again.map(|seconds| view! { <meta http-equiv="refresh" content=seconds.to_string()/> })}
                    <meta name="chart-bundle" content=bundle/>
                    <meta name="world-map" content=world/>
                    <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                    <link rel="preload" href="/vendor/inter.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                    <HashedStylesheet options=options.clone() id="style"/>
                    {has_voice.then(|| view! { <link rel="stylesheet" href=voice_style/> })}
                    {is_of_calls.then(|| view! { <link rel="stylesheet" href=of_calls/> })}
                    <AutoReload options=options.clone()/>
                    {is_live.then(|| view! { <HydrationScripts options defer=true/> })}
                    {is_live.then(|| view! { <Script src=told defer="true"/><Script src=here defer="true"/> })}
                    {has_script.then(|| view! { <Script src=plain defer="true"/> })}
                    {has_voice.then(|| view! { <Script src=voice defer="true"/> })}
                    <MetaTags/>
                    <Title text=title/>
                </head>
                <body>{body}{has_voice.then(VoiceDock)}</body>
            </html>
        }
    }

    /// The addresses of the chart bundle, the map's shapes, the scripts of plain pages, of preferences, of who is here and of voice, and
    /// of the styles of voice and of calls. They are cached for ever: they change with what they hold.
    fn vendored(site_root: &str) -> [&'static str; 8] {
        static ADDRESSES: OnceLock<[String; 8]> = OnceLock::new();
        let addresses = ADDRESSES.get_or_init(|| {
            ["echarts.js", "world.json", "plain.js", "told.js", "here.js", "voice.js", "voice.css", "calls.css"].map(
                |file| {
                    let bytes = std::fs::read(format!("{site_root}/vendor/{file}")).unwrap_or_default();
                    let hash = Sha256::digest(&bytes);
                    let name: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
                    format!("/vendor/{file}?v={name}")
                },
            )
        });
        addresses.each_ref().map(String::as_str)
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
