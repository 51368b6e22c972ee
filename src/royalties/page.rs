//! `/royalties` and the pages of what is behind its figures. `?rate=0.0105` shows what the running quarter brings at that rate.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::{Stream, stream};
use jiff::civil::Date;

use crate::access::session::{Visitor, Writer};
use crate::app::{Page, Said, answer};
use crate::imports::store as imports;
use crate::money::{count, display};
use crate::period::Instant;
use crate::royalties::behind::{self, Asked, SHOWN_MAX};
use crate::royalties::figure::Of;
use crate::royalties::model::{ROYALTY_CURRENCY, quarter_name, quarter_of};
use crate::royalties::rate::Rate;
use crate::royalties::read::{self, Wanted};
use crate::royalties::tables::{Converted, Royalties};
use crate::royalties::view::{FigureShown, RoyaltiesShown, Sentence, TableShown};
use crate::server::state::AppState;

/// A stream without news says this often that it is there, before a proxy takes it for dead.
const ALIVE_EVERY: Duration = Duration::from_secs(30);
/// A stream ends after this while. The page comes back by itself, and whether it may read is looked at again.
const STREAM_MAX: Duration = Duration::from_secs(600);

/// The routes; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/royalties", get(show))
        .route("/royalties/figure", get(figure))
        .route("/royalties/changes", get(changes))
}

async fn show(
    State(state): State<AppState>,
    Extension(visitor): Extension<Visitor>,
    Query(query): Query<Vec<(String, String)>>,
    parts: Parts,
) -> Response {
    let asked = query.into_iter().find(|(name, _)| name == "rate").map(|(_, value)| value.trim().to_owned());
    let asked = asked.filter(|text| !text.is_empty());
    let rate = asked.as_deref().map(Rate::parse);
    let (books, now) = (state.books.now(), state.clock.now());
    let found = async {
        let mut db = state.db.acquire().await?;
        // The count first: what an import adds meanwhile is then told again, not missed.
        let changes = imports::changes(&mut db, books.workspace).await?;
        let wanted = Wanted { rate: rate.flatten(), ..Wanted::default() };
        Ok::<_, sqlx::Error>((read::royalties(&mut db, &books, now, wanted).await?, changes))
    };
    let (royalties, changes) = match found.await {
        Ok(found) => found,
        Err(error) => return away(state, parts, &error).await,
    };
    let today = books.calendar.date(now);
    let mut page = shown(&royalties, today);
    page.may_write = Writer::of(&visitor).is_some();
    page.changes = changes;
    page.rate_asked = asked.unwrap_or_default();
    page.as_of = as_of(&state, now);
    let mut status = StatusCode::OK;
    if rate == Some(None) {
        page.rate_problem = "Give dollars a minute as a decimal, such as 0.0105.".into();
        status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    answer(state, parts, status, Page::Royalties(Box::new(page))).await
}

async fn away(state: AppState, parts: Parts, error: &sqlx::Error) -> Response {
    tracing::warn!(%error, "royalties could not be shown");
    answer(state, parts, StatusCode::SERVICE_UNAVAILABLE, Page::Said(Said::AWAY)).await
}

fn as_of(state: &AppState, now: Instant) -> String {
    let books = state.books.now();
    let local = books.calendar.local(now).strftime("%-d %b %Y %H:%M").to_string();
    format!("{local} {}", books.calendar.abbreviation(now))
}

/// What is behind a figure: `?of=week.2025-12-23.2025-12-29`.
async fn figure(State(state): State<AppState>, Query(query): Query<Vec<(String, String)>>, parts: Parts) -> Response {
    let of = query.iter().find(|(name, _)| name == "of").and_then(|(_, value)| Of::parse(value));
    let books = state.books.now();
    let found = async {
        let Some(of) = &of else { return Ok(None) };
        let mut db = state.db.acquire().await?;
        let standing = read::standing(&mut db, books.workspace).await?;
        let asked = Asked { standing: &standing, title_minutes: books.completes_minutes, rows_max: SHOWN_MAX };
        behind::behind(&mut db, books.workspace, of, asked).await
    };
    let found = match found.await {
        Ok(found) => found.zip(of.as_ref()),
        Err(error) => return away(state, parts, &error).await,
    };
    let Some((found, of)) = found else {
        let said = Said {
            title: "Nothing is known of this",
            sentence: "The import that it was from may have been taken back. The page of royalties leads to what is known.",
        };
        return answer(state, parts, StatusCode::NOT_FOUND, Page::Said(said)).await;
    };
    let file = |format: &str| {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("of", &of.name()).finish();
        format!("/api/v1/royalties/figure/rows.{format}?{query}")
    };
    let hidden =
        if found.is_cut { format!("These are the first {SHOWN_MAX} rows; the files have all.") } else { String::new() };
    let page = FigureShown {
        window: found.window(&books.calendar),
        title: found.title,
        about: found.about,
        figures: found.figures,
        listing: found.listing,
        hidden,
        csv: file("csv"),
        xlsx: file("xlsx"),
    };
    answer(state, parts, StatusCode::OK, Page::RoyaltyFigure(Box::new(page))).await
}

/// Tells a page how many changes there have been: at once, and after each import. It ends with the server.
async fn changes(State(state): State<AppState>) -> Response {
    let (told, end) = (state.news.subscribe(), tokio::time::Instant::now() + STREAM_MAX);
    let counts = stream::unfold((state, told, true), move |(state, mut told, is_first)| async move {
        if !is_first {
            tokio::select! {
                () = state.shutdown.cancelled() => return None,
                () = tokio::time::sleep_until(end) => return None,
                heard = told.changed() => heard.ok()?,
            }
        }
        told.mark_unchanged();
        let workspace = state.books.now().workspace;
        let count = async { imports::changes(&mut *state.db.acquire().await?, workspace).await };
        let event = match count.await {
            Ok(count) => Event::default().event("changes").data(count.to_string()),
            // The database is away; the next import, or the next connection, says it.
            Err(_) => Event::default().comment("away"),
        };
        Some((Ok::<_, Infallible>(event), (state, told, false)))
    });
    sse(counts)
}

fn sse(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)).into_response()
}

fn shown(royalties: &Royalties, today: Date) -> RoyaltiesShown {
    let table = |name: &'static str, title: &str, about: &str| TableShown {
        name,
        title: title.to_owned(),
        about: about.to_owned(),
        listing: royalties.table(name).unwrap_or_default(),
    };
    let hidden = royalties.titles_count - royalties.titles.len() as i64;
    let titles_about = match hidden {
        0 => "Of statements that name titles.".to_owned(),
        hidden => format!("Of statements that name titles; {} more are in the file.", count(hidden)),
    };
    let exchange = match &royalties.reporting {
        Some(reporting) => format!(
            " In {} at the European Central Bank's rate of the last banking day of each month.",
            reporting.currency
        ),
        None => String::new(),
    };
    RoyaltiesShown {
        quarter: quarter_name(quarter_of(today)),
        rate: rate_sentence(royalties),
        projection: projection_sentence(royalties, today),
        months: royalties.months(),
        rates: royalties.rates(),
        pool_chart: royalties.pool_chart(),
        rate_chart: royalties.rate_chart(),
        weeks_chart: royalties.weeks_chart(),
        quarters: table(
            "quarters",
            "By quarter",
            &format!("Received is money of final statements; estimates stand apart.{exchange}"),
        ),
        weeks: table("weeks", "The last 12 weeks", "Their money is an estimate at the current rate."),
        tables: vec![
            table(
                "countries",
                "Minutes by country and week",
                "The last 8 weeks, the newest first; the line goes from the oldest to the newest.",
            ),
            table("statements", "Monthly statements", &format!("What was paid, and the file that says so.{exchange}")),
            table("titles", "By title", &titles_about),
            table(
                "track_record",
                "Earlier projections",
                "What quarters that are final were projected to bring, and what came.",
            ),
        ],
        title_minutes: royalties.title_minutes,
        ..RoyaltiesShown::default()
    }
}

fn rate_sentence(royalties: &Royalties) -> Option<Sentence> {
    let current = royalties.standing.rate.as_ref()?;
    let (low, high) = current.range();
    let quarters = current.quarters.len();
    let range = match quarters {
        0 => "No whole quarter is final yet.".to_owned(),
        1 => "It is the only final quarter.".to_owned(),
        _ => format!("Over the last {quarters} final quarters: {} to {} a minute.", low.text(), high.text()),
    };
    Some(Sentence {
        figure: current.rate.text(),
        unit: "a minute".into(),
        beside: format!("{} per 1,000 minutes", current.rate.per_thousand()),
        about: format!("Final money by final minutes of {}. {range}", current.source),
    })
}

fn projection_sentence(royalties: &Royalties, today: Date) -> Option<Sentence> {
    let projection = royalties.projection.as_ref()?;
    let dollars = |minor: i64| display(minor, ROYALTY_CURRENCY);
    let (low, mid, high) = projection.range_minor();
    let pace = projection.pace.map_or(0, |pace| pace.weekly());
    let about = format!(
        "Final so far {}, provisional {}. {} minutes of months without a statement are reported; the {} days that are left go on at \
         {} minutes a week.",
        dollars(projection.final_minor),
        dollars(projection.provisional_minor),
        count(projection.heard_minutes),
        projection.rest_days,
        count(pace),
    );
    let converted = royalties.reporting.as_ref().and_then(|reporting| {
        let Converted { minor, rate, date } = reporting.convert(mid, today)?;
        Some(format!(" About {} at {rate}, the rate of {date}.", display(minor, reporting.currency)))
    });
    Some(Sentence {
        figure: dollars(mid),
        unit: "projected".into(),
        beside: format!("{} to {}", dollars(low), dollars(high)),
        about: format!("{about}{}", converted.unwrap_or_default()),
    })
}
