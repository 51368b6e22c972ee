//! The task that fetches the European Central Bank's reference rates, a few times a day.

use std::time::Duration;

use chrono::{Datelike as _, NaiveDate, Weekday};
use reqwest::Client;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::exchange::learn::{LearnError, Learned, learn};
use crate::exchange::{Days, RatesError, ecb};
use crate::live::bus::Bus;
use crate::sales::books::{Books, BooksHandle};
use crate::server::clock::Clock;
use crate::server::http;

/// The bank publishes at about 16:00 in Frankfurt on its working days; six hours later at most a rate is here.
const FETCH_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// Up to this much is added to each pause, so that not all instances ask at the same moment.
const JITTER: Duration = Duration::from_secs(10 * 60);
/// The first pause after a failure; it doubles up to the usual one.
const RETRY_FIRST: Duration = Duration::from_secs(60);
/// How long the whole answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// The largest answer: ninety days are a tenth of it.
const BODY_MAX_BYTES: usize = 1 << 20;
/// The last banking day.
const DAILY: &str = "eurofxref-daily.xml";
/// The last ninety days.
const NINETY_DAYS: &str = "eurofxref-hist-90d.xml";

/// Why no rates were fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No answer, or none that is rates.
    #[error("{0} could not be fetched: {1}")]
    Unreachable(String, #[source] reqwest::Error),
    /// The answer does not end.
    #[error("{0} answered with more than {BODY_MAX_BYTES} bytes, which are no exchange rates")]
    TooLarge(String),
    /// The answer is no file of rates.
    #[error("{0}: {1}")]
    Unreadable(String, #[source] RatesError),
    /// The rates could not be kept.
    #[error(transparent)]
    Kept(#[from] LearnError),
}

/// Fetches now and then every few hours until `shutdown`, from the folder of the bank's files at `base_url`.
pub async fn run(
    base_url: String,
    db: PgPool,
    bus: Bus,
    books: BooksHandle,
    clock: Clock,
    shutdown: CancellationToken,
) {
    let client = match http::client().timeout(ANSWER_WAIT).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "exchange rates cannot be fetched");
            return;
        }
    };
    let mut failures = 0;
    loop {
        let (known, today) = (books.now(), clock.now().date_naive());
        let outcome = tokio::select! {
            () = shutdown.cancelled() => return,
            outcome = fetch(&client, &base_url, &db, &bus, &known, today) => outcome,
        };
        match outcome {
            Ok(Learned { days, currencies, orders }) => {
                if days > 0 || failures > 0 {
                    tracing::info!(days, currencies, orders, "exchange rates were fetched");
                }
                failures = 0;
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, "no exchange rates were fetched; it goes on trying");
                }
                failures += 1;
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause(failures)) => {}
        }
    }
}

/// Fetches once: the rates of the last day where they join on to what is known, else those of the last ninety days.
pub async fn fetch(
    client: &Client,
    base_url: &str,
    db: &PgPool,
    bus: &Bus,
    books: &Books,
    today: NaiveDate,
) -> Result<Learned, FetchError> {
    let address = format!("{}/{}", base_url.trim_end_matches('/'), file(books.rates.newest(), today));
    let body = get(client, &address).await?;
    let days: Days = ecb::read(&body).map_err(|error| FetchError::Unreadable(address, error))?;
    Ok(learn(db, bus, books, days, today).await?)
}

async fn get(client: &Client, address: &str) -> Result<Vec<u8>, FetchError> {
    let unreachable = |error: reqwest::Error| FetchError::Unreachable(address.to_owned(), error.without_url());
    let answer = client.get(address).send().await.map_err(unreachable)?;
    let mut answer = answer.error_for_status().map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > BODY_MAX_BYTES {
            return Err(FetchError::TooLarge(address.to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The file to fetch when `newest` is the last day that is known: the small one unless it would leave out a working day.
fn file(newest: Option<NaiveDate>, today: NaiveDate) -> &'static str {
    let weekend = |day: &NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let joins =
        newest.is_some_and(|newest| newest.iter_days().skip(1).take_while(|day| *day < today).all(|d| weekend(&d)));
    if joins { DAILY } else { NINETY_DAYS }
}

fn pause(failures: u32) -> Duration {
    let pause = match failures.checked_sub(1) {
        None => FETCH_EVERY,
        Some(before) => RETRY_FIRST.saturating_mul(1 << before.min(16)).min(FETCH_EVERY),
    };
    let jitter_ms = JITTER.min(pause).as_millis() as u64;
    pause + Duration::from_millis(rand::random_range(0..=jitter_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_small_file_is_fetched_unless_it_would_leave_a_day_out() {
        for (newest, today, expected) in [
            ("2026-11-20", "2026-11-20", DAILY),
            ("2026-11-19", "2026-11-20", DAILY),
            ("2026-11-20", "2026-11-23", DAILY),
            ("2026-11-20", "2026-11-24", NINETY_DAYS),
            ("2026-11-18", "2026-11-20", NINETY_DAYS),
            ("2026-10-30", "2026-11-21", NINETY_DAYS),
        ] {
            let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
            assert_eq!(file(Some(day(newest)), day(today)), expected, "{newest} {today}");
        }
        assert_eq!(file(None, NaiveDate::MIN), NINETY_DAYS);
    }

    #[test]
    fn pauses_grow_from_a_minute_to_six_hours() {
        let within = |failures, least: Duration, most: Duration| {
            assert!((0..100).all(|_| (least..=most).contains(&pause(failures))), "{failures}");
        };
        within(0, FETCH_EVERY, FETCH_EVERY + JITTER);
        within(1, RETRY_FIRST, RETRY_FIRST * 2);
        within(2, RETRY_FIRST * 2, RETRY_FIRST * 4);
        within(99, FETCH_EVERY, FETCH_EVERY + JITTER);
    }
}
