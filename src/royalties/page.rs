//! `/royalties`: the page. `?rate=0.0105` shows what the running quarter brings at that rate.

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;

use crate::app::{Page, Said, answer};
use crate::money::{count, display};
use crate::royalties::model::{ROYALTY_CURRENCY, quarter_of};
use crate::royalties::rate::Rate;
use crate::royalties::read;
use crate::royalties::tables::{Royalties, TITLES_MAX};
use crate::royalties::view::{RoyaltiesShown, TableShown};
use crate::server::state::AppState;

/// The routes; whoever is not signed in does not come here.
pub fn routes() -> Router<AppState> {
    Router::new().route("/royalties", get(show))
}

async fn show(State(state): State<AppState>, Query(query): Query<Vec<(String, String)>>, parts: Parts) -> Response {
    let asked = query.into_iter().find(|(name, _)| name == "rate").map(|(_, value)| value.trim().to_owned());
    let asked = asked.filter(|text| !text.is_empty());
    let wanted = asked.as_deref().map(Rate::parse);
    let (books, now) = (state.books.now(), state.clock.now());
    let found = async {
        let mut db = state.db.acquire().await?;
        read::royalties(&mut db, &books, now, wanted.flatten()).await
    };
    let royalties = match found.await {
        Ok(royalties) => royalties,
        Err(error) => {
            tracing::warn!(%error, "royalties could not be shown");
            return answer(state, parts, StatusCode::SERVICE_UNAVAILABLE, Page::Said(Said::AWAY)).await;
        }
    };
    let mut page = shown(&royalties, quarter_of(books.calendar.date(now)));
    page.rate_asked = asked.unwrap_or_default();
    let mut status = StatusCode::OK;
    if wanted == Some(None) {
        page.rate_problem = "Give dollars a minute as a decimal, such as 0.0105.".into();
        status = StatusCode::UNPROCESSABLE_ENTITY;
    }
    answer(state, parts, status, Page::Royalties(Box::new(page))).await
}

fn shown(royalties: &Royalties, quarter: jiff::civil::Date) -> RoyaltiesShown {
    let dollars = |minor: i64| display(minor, ROYALTY_CURRENCY);
    let rate = royalties.standing.rate.as_ref().map(|current| {
        let (low, high) = current.range();
        let (now, thousand, source) = (current.rate.text(), current.rate.per_thousand(), &current.source);
        let quarters = current.quarters.len();
        let range = match quarters {
            0 => "No whole quarter is final yet.".to_owned(),
            _ => {
                format!("Over {quarters} final quarters, of four at most: {} to {} a minute.", low.text(), high.text())
            }
        };
        (
            format!("{now} a minute, {thousand} per 1,000 minutes"),
            format!("Final money by final minutes of {source}. {range}"),
        )
    });
    let name = crate::royalties::model::quarter_name(quarter);
    let projection = royalties.projection.as_ref().map(|projection| {
        let (low, mid, high) = projection.range_minor();
        let pace = projection.pace.map_or(0, |pace| pace.weekly());
        let how = format!(
            "Final so far {}, provisional {}. {} minutes of months without a statement are reported; the {} days that are left \
             go on at {} minutes a week.",
            dollars(projection.final_minor),
            dollars(projection.provisional_minor),
            count(projection.heard_minutes),
            projection.rest_days,
            count(pace),
        );
        (format!("{} ({} to {})", dollars(mid), dollars(low), dollars(high)), how)
    });
    let mut titles = royalties.titles();
    let hidden = titles.rows.len().saturating_sub(TITLES_MAX);
    titles.rows.truncate(TITLES_MAX);
    let table = |name: &'static str, title: &str, about: &str, data| TableShown {
        name,
        title: title.to_owned(),
        about: about.to_owned(),
        data,
    };
    let titles_about = match hidden {
        0 => "Of statements that name titles.".to_owned(),
        hidden => format!("Of statements that name titles; {} more are in the file.", count(hidden as i64)),
    };
    RoyaltiesShown {
        quarter: name,
        rate,
        projection,
        months: royalties.months(),
        rates: royalties.rates(),
        rate_asked: String::new(),
        rate_problem: String::new(),
        tables: vec![
            table(
                "quarters",
                "By quarter",
                "Received is money of final statements; estimates stand apart.",
                royalties.quarters(),
            ),
            table("weeks", "The last 12 weeks", "Their money is an estimate at the current rate.", royalties.weeks()),
            table(
                "countries",
                "Minutes by country and week",
                "The last 8 weeks, the newest first.",
                royalties.countries(),
            ),
            table("titles", "By title", &titles_about, titles),
            table(
                "track_record",
                "Earlier projections",
                "What quarters that are final were projected to bring, and what came.",
                royalties.track_record(),
            ),
        ],
        title_minutes: royalties.title_minutes,
    }
}
