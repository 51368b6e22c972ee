//! `/settings`: the page, and what its forms send.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use crate::access::session::Visitor;
use crate::app::{Page, Said, answer};
use crate::money::{self, Currency};
use crate::period::zone_names;
use crate::server::form::{Sent, field, said};
use crate::server::state::AppState;
use crate::settings::view::{Fields, ProgressShown, SettingsShown};
use crate::settings::{self, Change, Settings, SettingsError, currency, store};

/// A form at most, in bytes: four short fields.
const FORM_MAX_BYTES: usize = 4 * 1024;

/// What the page says of a form that was sent: the word in its address, and the sentence.
const SAYINGS: &[(&str, &str)] = &[
    ("saved", "The settings are saved."),
    ("currency", "The settings are saved. The currency holds as soon as every order is converted into it."),
    ("stopped", "The change of the currency is stopped. Nothing of it is left."),
];

/// The routes; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings", get(show).post(save))
        .route("/settings/keep-currency", post(keep_currency))
        .layer(DefaultBodyLimit::max(FORM_MAX_BYTES))
}

async fn show(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Vec<(String, String)>>,
    parts: Parts,
) -> Response {
    let said = said(&query, SAYINGS);
    let is_followed = field(&query, "follow") != Some("no");
    let page = loaded(&state, &visitor, None, Vec::new()).await.map(|page| SettingsShown { said, is_followed, ..page });
    respond(state, parts, StatusCode::OK, page).await
}

/// Changes the settings: all that were sent, or none and the page says why beside each field.
async fn save(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    if !visitor.may_change_settings() {
        return refused(state, parts).await;
    }
    let fields = Fields {
        currency: form.text("currency"),
        zone: form.text("zone"),
        week_start: form.text("week_start"),
        completes_minutes: form.text("completes_minutes"),
    };
    // Whoever left the currency as the page showed it wants nothing of it, whatever has happened since.
    let has_currency = form.get("currency_was") != Some(fields.currency.as_str());
    match saved(&state, &fields, has_currency).await {
        Ok(problems) if problems.is_empty() => {
            Redirect::to(if has_currency { "/settings?said=currency" } else { "/settings?said=saved" }).into_response()
        }
        Ok(problems) => {
            let page = loaded(&state, &visitor, Some(fields), problems).await;
            respond(state, parts, StatusCode::UNPROCESSABLE_ENTITY, page).await
        }
        Err(error) => respond(state, parts, StatusCode::OK, Err(error)).await,
    }
}

/// Changes what was sent, or says why not.
async fn saved(state: &AppState, fields: &Fields, has_currency: bool) -> sqlx::Result<Vec<SettingsError>> {
    let workspace = state.books.now().workspace;
    let now = store::read(&mut *state.db.acquire().await?, workspace).await?;
    let (week_start, completes_minutes) = (fields.week_start.parse().ok(), fields.completes_minutes.parse().ok());
    let change = Change {
        currency: has_currency.then(|| fields.currency.clone()),
        zone: Some(fields.zone.clone()),
        week_start,
        completes_minutes,
    };
    let mut problems = change.problems(&now);
    if week_start.is_none() {
        problems.push(SettingsError::WeekStart(shortened(&fields.week_start)));
    }
    if completes_minutes.is_none() {
        problems.push(SettingsError::Completes(shortened(&fields.completes_minutes)));
    }
    if !problems.is_empty() {
        return Ok(problems);
    }
    match settings::change(&state.db, &state.bus, workspace, change).await {
        Ok(_) => {
            state.books.look();
            Ok(Vec::new())
        }
        Err(SettingsError::Database(error)) => Err(error),
        Err(problem) => Ok(vec![problem]),
    }
}

/// What somebody wrote where a number belongs, in a sentence.
fn shortened(text: &str) -> String {
    format!("{:?}", text.chars().take(20).collect::<String>())
}

/// Stops a change of the currency that is under way. Where it was made in the meantime, it is changed back.
async fn keep_currency(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    parts: Parts,
    form: Sent,
) -> Response {
    if !visitor.may_change_settings() {
        return refused(state, parts).await;
    }
    let Some(kept) = form.get("currency").map(str::to_owned) else {
        return answer(state, parts, StatusCode::BAD_REQUEST, Page::Said(Said::UNREADABLE)).await;
    };
    let workspace = state.books.now().workspace;
    let change = Change { currency: Some(kept), ..Change::default() };
    match settings::change(&state.db, &state.bus, workspace, change).await {
        Ok(_) => {
            state.books.look();
            let is_stopped = currency::progress(&state.db, workspace).await.is_ok_and(|progress| progress.is_none());
            Redirect::to(if is_stopped { "/settings?said=stopped" } else { "/settings?said=currency" }).into_response()
        }
        Err(SettingsError::Database(error)) => respond(state, parts, StatusCode::OK, Err(error)).await,
        Err(_) => answer(state, parts, StatusCode::BAD_REQUEST, Page::Said(Said::UNREADABLE)).await,
    }
}

async fn refused(state: AppState, parts: Parts) -> Response {
    answer(state, parts, StatusCode::FORBIDDEN, Page::Said(Said::FOR_ADMINISTRATORS)).await
}

async fn respond(state: AppState, parts: Parts, status: StatusCode, page: sqlx::Result<SettingsShown>) -> Response {
    match page {
        Ok(page) => answer(state, parts, status, Page::Settings(Box::new(page))).await,
        Err(error) => {
            tracing::warn!(%error, "the settings could not be shown or changed");
            answer(state, parts, StatusCode::SERVICE_UNAVAILABLE, Page::Said(Said::AWAY)).await
        }
    }
}

/// The page as things stand, with what somebody typed in the place of what holds.
async fn loaded(
    state: &AppState,
    visitor: &Visitor,
    typed: Option<Fields>,
    problems: Vec<SettingsError>,
) -> sqlx::Result<SettingsShown> {
    let books = state.books.now();
    let now = store::read(&mut *state.db.acquire().await?, books.workspace).await?;
    let under_way = currency::progress(&state.db, books.workspace).await?;
    let wanted = under_way.map_or(now.currency, |progress| progress.currency);
    let mut known = books.rates.known_now();
    let has_rates = known.contains(&wanted);
    known.extend([now.currency, wanted]);
    let progress = under_way.map(|progress| ProgressShown {
        sentence: format!(
            "{} of {} orders are converted into {}.",
            money::count(progress.done),
            money::count(progress.total),
            progress.currency
        ),
        done: progress.done,
        total: progress.total.max(1),
        kept: now.currency.to_string(),
    });
    Ok(SettingsShown {
        fields: typed.unwrap_or_else(|| fields(&now, wanted)),
        currency_was: wanted.to_string(),
        problems: problems.iter().map(problem).collect(),
        said: "",
        currencies: known.into_iter().map(named).collect(),
        no_rates: if has_rates {
            String::new()
        } else {
            format!("There are no exchange rates of {wanted} now: orders in other currencies are left out.")
        },
        zones: zone_names(),
        progress,
        is_followed: true,
        may_change: visitor.may_change_settings(),
    })
}

fn fields(now: &Settings, currency: Currency) -> Fields {
    Fields {
        currency: currency.to_string(),
        zone: now.zone.clone(),
        week_start: now.week_start.to_string(),
        completes_minutes: now.completes_minutes.to_string(),
    }
}

/// A currency's code and its name.
fn named(currency: Currency) -> (String, String) {
    let name = iso_currency::Currency::from_code(currency.code()).map(|known| known.name().to_owned());
    (currency.to_string(), name.unwrap_or_default())
}

/// A problem with the name of its field.
fn problem(error: &SettingsError) -> (&'static str, String) {
    let field = match error {
        SettingsError::Currency(_) => "currency",
        SettingsError::Zone(_) => "zone",
        SettingsError::WeekStart(_) => "week_start",
        SettingsError::Completes(_) | SettingsError::Database(_) => "completes_minutes",
    };
    (field, error.to_string())
}
