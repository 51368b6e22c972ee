//! The charts of royalties: money and rate by quarter, and the last weeks. The tables below them say the same.

use crate::chart::{Chart, ChartPoint};
use crate::royalties::model::{ROYALTY_CURRENCY, Stage};
use crate::royalties::standing::Quarter;
use crate::royalties::tables::{Royalties, WEEKS};

/// Quarters of a chart at most: five years.
const QUARTERS_MAX: usize = 20;

impl Royalties {
    /// What quarters brought. What is not final yet goes on from the last final quarter, as another line.
    pub fn pool_chart(&self) -> Chart {
        let quarters = self.last_quarters();
        let is_final = |quarter: &Quarter| quarter.stage() == Some(Stage::Final);
        // What comes after the last final quarter; a quarter before it that is not final has a gap.
        let begun = quarters.iter().rposition(is_final).map_or(0, |last| last + 1);
        let point = |(n, quarter): (usize, &Quarter)| {
            let rest = n + 1 >= begun && begun < quarters.len();
            ChartPoint {
                label: quarter.name(),
                value: is_final(quarter).then(|| quarter.received_minor()),
                earlier_label: quarter.stage().map_or("incomplete", Stage::name).into(),
                earlier: if rest { self.expected_minor(quarter) } else { None },
                ..ChartPoint::default()
            }
        };
        Chart {
            name: "pool".into(),
            title: "Received".into(),
            earlier_title: if begun < quarters.len() { "With what is not final".into() } else { String::new() },
            currency: Some(ROYALTY_CURRENCY),
            points: quarters.iter().enumerate().map(point).collect(),
            ..Chart::default()
        }
    }

    /// What a quarter brings: what is final and provisional with its estimate; of the running quarter, its projection. Nothing
    /// where nothing is known of it.
    fn expected_minor(&self, quarter: &Quarter) -> Option<i64> {
        let projection = self.projection.as_ref().filter(|projection| projection.quarter.first == quarter.first);
        let so_far = || {
            let rate = self.standing.rate.as_ref().map(|current| current.rate);
            quarter.received_minor() + quarter.provisional_minor() + quarter.estimated_minor(rate)
        };
        let is_known = quarter.months.iter().any(|month| month.stage.is_some());
        is_known.then(|| projection.map_or_else(so_far, |projection| projection.range_minor().1))
    }

    /// What 1,000 minutes were worth in the quarters that are final.
    pub fn rate_chart(&self) -> Chart {
        let rates = self.last_quarters().into_iter().filter_map(|quarter| Some((quarter, quarter.final_rate()?)));
        let point = |(quarter, rate): (Quarter, crate::royalties::rate::Rate)| ChartPoint {
            label: quarter.name(),
            value: Some(rate.per_thousand_minor()),
            ..ChartPoint::default()
        };
        Chart {
            name: "rate".into(),
            title: "Rate per 1,000 minutes".into(),
            currency: Some(ROYALTY_CURRENCY),
            points: rates.map(point).collect(),
            ..Chart::default()
        }
    }

    /// Minutes of the last weeks, with those of as many weeks before.
    pub fn weeks_chart(&self) -> Chart {
        let weeks = self.last_weeks(2 * WEEKS);
        let shown = weeks.iter().take(WEEKS).enumerate().rev();
        let points: Vec<ChartPoint> = shown
            .map(|(n, week)| {
                let before = weeks.get(n + WEEKS);
                ChartPoint {
                    label: week.first.strftime("%-d %b").to_string(),
                    value: Some(week.minutes),
                    earlier_label: before
                        .map_or(String::new(), |before| before.first.strftime("%-d %b %Y").to_string()),
                    earlier: before.map(|before| before.minutes),
                    ..ChartPoint::default()
                }
            })
            .collect();
        let has_before = points.iter().any(|point| point.earlier.is_some());
        Chart {
            name: "weeks".into(),
            title: "Minutes a week".into(),
            earlier_title: if has_before { format!("{WEEKS} weeks before") } else { String::new() },
            points,
            ..Chart::default()
        }
    }

    /// The last quarters, the oldest first.
    fn last_quarters(&self) -> Vec<Quarter> {
        let all = &self.standing.quarters;
        all.iter().skip(all.len().saturating_sub(QUARTERS_MAX)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::royalties::standing::tests::{date, of_2025, week};

    #[test]
    fn what_is_not_final_goes_on_from_the_last_final_quarter() {
        let mut ledger = of_2025();
        let found = Royalties::of(&ledger, date("2026-01-01"), 530);
        assert_eq!(found.pool_chart().earlier_title, "");
        assert_eq!(found.rate_chart().say(3), "Q4 2025: $10.34");
        week(&mut ledger, "2026-01-05", "", 70_000);
        let chart = Royalties::of(&ledger, date("2026-01-01"), 530).pool_chart();
        let points: Vec<(Option<i64>, bool)> =
            chart.points.iter().skip(2).map(|point| (point.value, point.earlier.is_some())).collect();
        assert_eq!(points, [(Some(1_435_400), false), (Some(924_900), true), (None, true)]);
        // 90 days at 10,000 minutes and the rate of the last quarter.
        assert_eq!(chart.say(4), "Q1 2026: —, With what is not final (incomplete): $9,302.45");
    }

    #[test]
    fn weeks_stand_before_those_of_a_quarter_earlier() {
        let mut ledger = of_2025();
        for n in 0..14 {
            let first = crate::period::plus(date("2025-10-06"), jiff::ToSpan::days(n * 7));
            week(&mut ledger, &first.to_string(), "", 1_000 + n);
        }
        let chart = Royalties::of(&ledger, date("2026-01-01"), 530).weeks_chart();
        assert_eq!(chart.points.len(), WEEKS);
        assert_eq!(chart.say(10), "29 Dec: 1,012, 12 weeks before (6 Oct 2025): 1,000");
        assert_eq!(chart.points[0].earlier, None);
    }
}
