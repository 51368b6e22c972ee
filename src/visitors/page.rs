//! `/visitors`: how many there are, where they come from, and how to count them.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use crate::access::session::Visitor;
use crate::app::{Page, Said, answer};
use crate::money::count;
use crate::period::{Calendar, Period};
use crate::server::form::{Sent, said};
use crate::server::state::AppState;
use crate::table::{Data, Listing, Value};
use crate::visitors::answer::{DAYS, Visited, conversion, visited};
use crate::visitors::model::{HOST_BYTES_MAX, HOSTS_MAX, hosts};
use crate::visitors::tables::{TABLES, table};
use crate::visitors::view::{InstallShown, Parts as PartsShown, VisitorsShown};
use crate::visitors::{charts, store};

/// A form at most, in bytes: as many hosts as can be named, each of the longest.
const FORM_MAX_BYTES: usize = HOSTS_MAX * (HOST_BYTES_MAX + 3) + 1_024;
/// Rows of a table that the page has; the files have more.
const ROWS_SHOWN: usize = 10;
/// What the page says of a form that was sent: the word in its address, and the sentence.
const SAYINGS: &[(&str, &str)] = &[("saved", "The hosts are saved.")];

/// The routes; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/visitors", get(show))
        .route("/visitors/hosts", post(save))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

async fn show(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Vec<(String, String)>>,
    parts: Parts,
) -> Response {
    let page = loaded(&state, &visitor, &parts.headers).await;
    respond(state, parts, StatusCode::OK, page.map(|page| VisitorsShown { said: said(&query, SAYINGS), ..page })).await
}

/// Sets the hosts that count, or says beside the field what is wrong.
async fn save(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    if !visitor.may_change_settings() {
        return answer(state, parts, StatusCode::FORBIDDEN, Page::Said(Said::FOR_ADMINISTRATORS)).await;
    }
    let typed = form.text("hosts");
    let problem = match hosts(&typed) {
        Ok(hosts) => match store::set_hosts(&state.db, state.books.now().workspace, &hosts).await {
            Ok(()) => return Redirect::to("/visitors?said=saved").into_response(),
            Err(error) => return respond(state, parts, StatusCode::OK, Err(error)).await,
        },
        Err(problem) => problem,
    };
    let page = loaded(&state, &visitor, &parts.headers).await.map(|mut page| {
        page.install.hosts = typed;
        page.install.problem = problem;
        page
    });
    respond(state, parts, StatusCode::UNPROCESSABLE_ENTITY, page).await
}

async fn respond(state: AppState, parts: Parts, status: StatusCode, page: sqlx::Result<VisitorsShown>) -> Response {
    match page {
        Ok(page) => answer(state, parts, status, Page::Visitors(Box::new(page))).await,
        Err(error) => {
            tracing::warn!(%error, "visitors could not be shown or changed");
            answer(state, parts, StatusCode::SERVICE_UNAVAILABLE, Page::Said(Said::AWAY)).await
        }
    }
}

async fn loaded(state: &AppState, visitor: &Visitor, headers: &HeaderMap) -> sqlx::Result<VisitorsShown> {
    let books = state.books.now();
    let hosts = store::hosts(&mut *state.db.acquire().await?, books.workspace).await?;
    let visited = visited(state).await?;
    let install = InstallShown {
        snippet: snippet(headers),
        hosts: hosts.join(" "),
        problem: String::new(),
        may_change: visitor.may_change_settings(),
        is_open: visited.since.is_none(),
    };
    Ok(shown(&visited, &books.calendar, install))
}

/// The line for the shop's pages, with the address that this page was asked for by.
fn snippet(headers: &HeaderMap) -> String {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let forwarded = |name| text(header::HeaderName::from_static(name));
    let scheme = if forwarded("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    let host = forwarded("x-forwarded-host").or_else(|| text(header::HOST)).unwrap_or("takings.example");
    let from = format!("{scheme}://{host}");
    let script = "script";
    format!(
        "<{script} defer src=\"{from}/v.js\"></{script}>\n<noscript><img src=\"{from}/v.gif\" alt=\"\" \
         referrerpolicy=\"no-referrer-when-downgrade\"></noscript>"
    )
}

fn shown(visited: &Visited, calendar: &Calendar, install: InstallShown) -> VisitorsShown {
    let local = |format: &str| calendar.local(visited.at).strftime(format).to_string();
    let (visitors, views, orders) = visited.all_days();
    let percent = |orders, visitors| conversion(orders, visitors).map_or(Value::Empty, Value::PerMille).text();
    let pair = |orders, visitors| format!("{} for {}", counted(orders, "order"), counted(visitors, "visitor"));
    let before = calendar.same_point_before(Period::Day, visited.at);
    let parts = |name: &'static str| part(visited, name, calendar);
    VisitorsShown {
        said: "",
        as_of: format!("{} {}", local("%-d %b %H:%M:%S"), calendar.abbreviation(visited.at)),
        now: count(visited.now),
        today: count(visited.today),
        change: visited.change(),
        difference: signed(visited.today - visited.yesterday),
        yesterday: format!("{}: {}", calendar.words(before, visited.at), count(visited.yesterday)),
        today_views: counted(visited.today_views, "page view"),
        conversion: percent(visited.today_orders, visited.today),
        conversion_of: pair(visited.today_orders, visited.today),
        conversion_before: format!(
            "{} over {DAYS} days: {}. A visitor is counted once a day.",
            percent(orders, visitors),
            pair(orders, visitors)
        ),
        hours_chart: charts::hours(visited, calendar),
        days_chart: charts::days(visited),
        days_sum: format!("{} in {DAYS} days", counted(views, "page view")),
        hours: parts("hours"),
        days: parts("days"),
        tables: vec![parts("referrers"), parts("pages")],
        countries: parts("countries"),
        has_countries: visited.has_countries || !visited.countries.is_empty(),
        install,
    }
}

fn part(visited: &Visited, name: &'static str, calendar: &Calendar) -> PartsShown {
    let title = TABLES.iter().find(|(known, _)| *known == name).map_or(name, |(_, title)| *title);
    let mut data: Data = table(visited, name, calendar).unwrap_or_default();
    let all = data.rows.len();
    let is_cut = !matches!(name, "hours" | "days") && all > ROWS_SHOWN;
    if is_cut {
        data.rows.truncate(ROWS_SHOWN);
    }
    let hidden =
        if is_cut { format!("{} more are in the files.", count((all - ROWS_SHOWN) as i64)) } else { String::new() };
    PartsShown { name, title, listing: Listing::of(data), hidden }
}

/// `1 visitor`, `2 visitors`.
fn counted(number: i64, of: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {of}{plural}", count(number))
}

fn signed(difference: i64) -> String {
    if difference > 0 { format!("+{}", count(difference)) } else { count(difference) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_the_shop_names_the_address_that_people_use() {
        let check = |headers: &[(&'static str, &str)]| {
            let headers = headers
                .iter()
                .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().expect("a header")));
            snippet(&headers.collect())
        };
        let plain = check(&[("host", "127.0.0.1:3000")]);
        assert!(plain.starts_with("<script defer src=\"http://127.0.0.1:3000/v.js\"></script>\n<noscript>"), "{plain}");
        let proxied =
            [("host", "127.0.0.1:3000"), ("x-forwarded-host", "takings.example"), ("x-forwarded-proto", "https")];
        assert!(check(&proxied).contains("src=\"https://takings.example/v.gif\""));
    }

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!((counted(1, "visitor"), counted(1_234, "order")), ("1 visitor".into(), "1,234 orders".into()));
        assert_eq!((signed(12), signed(0), signed(-3)), ("+12".into(), "0".into(), "\u{2212}3".into()));
    }
}
