//! Sums by hour of days that are over, kept between answers: of a field of ninety days only the running one is read again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;

use crate::sales::sums::Sums;
use crate::sales::sums::store::Slice;

/// Days that are kept at most, of all slices together: 2 kB each.
const DAYS_MAX: usize = 4_000;

/// The sums of a local day by the hour of the week, as far as there are any.
pub type DayHours = Arc<[(i32, Sums)]>;

/// Days of one slice, each with the version of the row it was read beside.
type Days = BTreeMap<NaiveDate, (i64, DayHours)>;

/// Days by slice. They belong to books: in another zone or currency they are others.
#[derive(Debug, Default)]
pub struct KeptHours(Mutex<HashMap<Slice, Days>>);

impl KeptHours {
    /// The day as it was kept, if its row still is of `version`.
    pub fn get(&self, slice: &Slice, date: NaiveDate, version: i64) -> Option<DayHours> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, hours) = kept.get(slice)?.get(&date)?;
        (*of == version).then(|| Arc::clone(hours))
    }

    /// Keeps days. Where there are too many, all others are forgotten.
    pub fn keep(&self, slice: &Slice, days: Vec<(NaiveDate, i64, DayHours)>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.values().map(BTreeMap::len).sum::<usize>() + days.len() > DAYS_MAX {
            kept.clear();
        }
        let of = kept.entry(slice.clone()).or_default();
        of.extend(days.into_iter().map(|(date, version, hours)| (date, (version, hours))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_kept_until_its_row_changes_and_never_too_many() {
        let kept = KeptHours::default();
        let slice = Slice::default();
        let date = |days: i64| NaiveDate::default() + chrono::TimeDelta::days(days);
        let hours: DayHours = Arc::from([(9, Sums { orders: 1, ..Sums::default() })]);
        kept.keep(&slice, vec![(date(0), 7, Arc::clone(&hours))]);
        assert_eq!(kept.get(&slice, date(0), 7), Some(Arc::clone(&hours)));
        assert_eq!(kept.get(&slice, date(0), 8), None);
        assert_eq!(kept.get(&Slice { countries: Some(vec!["GB".into()]), ..Slice::default() }, date(0), 7), None);
        kept.keep(&slice, (1..=DAYS_MAX as i64).map(|day| (date(day), 7, Arc::clone(&hours))).collect());
        assert_eq!(kept.get(&slice, date(0), 7), None);
        assert!(kept.get(&slice, date(1), 7).is_some());
    }
}
