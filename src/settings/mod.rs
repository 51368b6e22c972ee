//! The workspace's settings: reporting currency, zone, first day of the week, and the length of a title.

pub mod currency;
pub mod follow;
pub mod page;
pub mod store;
pub mod view;

use sqlx::PgPool;

use crate::live::bus::{Bus, Kind};
use crate::money::Currency;
use crate::period::Calendar;

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The reporting currency.
    pub currency: Currency,
    /// The IANA name of the zone that cuts the days.
    pub zone: String,
    /// The first day of the week: 1 is Monday, 7 Sunday.
    pub week_start: i16,
    /// The average length of a title in minutes (R3).
    pub completes_minutes: i32,
}

/// What somebody wants changed, as they wrote it; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// An ISO 4217 code.
    pub currency: Option<String>,
    /// An IANA zone.
    pub zone: Option<String>,
    /// 1 to 7.
    pub week_start: Option<i16>,
    /// Minutes.
    pub completes_minutes: Option<i32>,
}

/// Why a setting was not changed. Nothing was then.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No currency code.
    #[error("{0:?} is no currency: give its code of three letters, such as GBP or EUR")]
    Currency(String),
    /// No zone.
    #[error("{0:?} is no time zone: give an IANA name, such as Europe/London")]
    Zone(String),
    /// No day of the week.
    #[error("the week cannot start on day {0}: give 1 for Monday to 7 for Sunday")]
    WeekStart(String),
    /// No length of a title.
    #[error("a title cannot have {0} minutes: give a number from 1 to 100000")]
    Completes(String),
    /// The database refused or was away.
    #[error("the database could not be used: {0}")]
    Database(#[from] sqlx::Error),
}

/// The longest title, which no book reaches.
const COMPLETES_MINUTES_MAX: i32 = 100_000;

impl Change {
    /// What is wrong with it: each setting that is none, not only the first.
    pub fn problems(&self, now: &Settings) -> Vec<SettingsError> {
        let Change { currency, zone, week_start, completes_minutes } = self.clone();
        let one_by_one = [
            Change { currency, ..Change::default() },
            Change { zone, ..Change::default() },
            Change { week_start, ..Change::default() },
            Change { completes_minutes, ..Change::default() },
        ];
        one_by_one.into_iter().filter_map(|change| change.applied(now).err()).collect()
    }

    /// The settings that this makes of `now`.
    fn applied(self, now: &Settings) -> Result<Settings, SettingsError> {
        let mut settings = now.clone();
        if let Some(code) = self.currency {
            settings.currency = known_currency(&code).ok_or(SettingsError::Currency(code))?;
        }
        if let Some(zone) = self.zone {
            let calendar = Calendar::new(zone.trim(), 1).map_err(|_| SettingsError::Zone(zone))?;
            settings.zone = calendar.zone_name().to_owned();
        }
        if let Some(day) = self.week_start {
            settings.week_start = Some(day)
                .filter(|day| (1..=7).contains(day))
                .ok_or_else(|| SettingsError::WeekStart(day.to_string()))?;
        }
        if let Some(minutes) = self.completes_minutes {
            let sensible = (1..=COMPLETES_MINUTES_MAX).contains(&minutes);
            settings.completes_minutes =
                Some(minutes).filter(|_| sensible).ok_or_else(|| SettingsError::Completes(minutes.to_string()))?;
        }
        Ok(settings)
    }
}

/// A currency of ISO 4217.
fn known_currency(code: &str) -> Option<Currency> {
    let currency = Currency::parse(code)?;
    iso_currency::Currency::from_code(currency.code()).map(|_| currency)
}

/// Changes settings, all of them or none. Zone, first day of the week and length of a title hold at once, for the past
/// too. The currency holds when every order is converted into it: the server does so in the background, or
/// [`currency::run`] does. Returns the settings that were wanted.
pub async fn change(db: &PgPool, bus: &Bus, workspace: i32, change: Change) -> Result<Settings, SettingsError> {
    let mut tx = db.begin().await?;
    store::lock(&mut tx, workspace).await?;
    let now = store::read(&mut tx, workspace).await?;
    let currency_named = change.currency.is_some();
    let wanted = change.applied(&now)?;
    let new_zone = wanted.zone != now.zone;
    if new_zone && !store::knows_zone(&mut tx, &wanted.zone).await? {
        return Err(SettingsError::Zone(wanted.zone));
    }
    let same_but_currency = Settings { currency: now.currency, ..wanted.clone() } == now;
    if !same_but_currency {
        store::write(&mut tx, workspace, &wanted, new_zone).await?;
    }
    if currency_named {
        let next = Some(wanted.currency).filter(|currency| *currency != now.currency);
        currency::store::request(&mut tx, workspace, next).await?;
    } else if new_zone {
        // Rates are of an order's local day, and the days are others now.
        currency::store::restart(&mut tx, workspace).await?;
    }
    tx.commit().await?;
    bus.tell(Kind::Books).await;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Settings {
        Settings { currency: Currency::GBP, zone: "Europe/London".into(), week_start: 1, completes_minutes: 530 }
    }

    #[test]
    fn settings_are_taken_as_people_write_them() {
        let change = Change {
            currency: Some(" eur".into()),
            zone: Some("europe/paris ".into()),
            week_start: Some(7),
            completes_minutes: Some(480),
        };
        let expected =
            Settings { currency: Currency::EUR, zone: "Europe/Paris".into(), week_start: 7, completes_minutes: 480 };
        assert_eq!(change.applied(&now()).expect("good settings"), expected);
        assert_eq!(Change::default().applied(&now()).expect("good settings"), now());
    }

    #[test]
    fn what_is_no_setting_is_refused_with_a_sentence() {
        let none = Change::default;
        for (change, sentence) in [
            (
                Change { currency: Some("pounds".into()), ..none() },
                "\"pounds\" is no currency: give its code of three letters, such as GBP or EUR",
            ),
            (
                Change { currency: Some("GBX".into()), ..none() },
                "\"GBX\" is no currency: give its code of three letters, such as GBP or EUR",
            ),
            (
                Change { zone: Some("London".into()), ..none() },
                "\"London\" is no time zone: give an IANA name, such as Europe/London",
            ),
            (
                Change { week_start: Some(0), ..none() },
                "the week cannot start on day 0: give 1 for Monday to 7 for Sunday",
            ),
            (
                Change { completes_minutes: Some(0), ..none() },
                "a title cannot have 0 minutes: give a number from 1 to 100000",
            ),
        ] {
            assert_eq!(change.applied(&now()).expect_err(sentence).to_string(), sentence);
        }
    }
}
