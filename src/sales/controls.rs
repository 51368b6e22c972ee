//! The menus and chips of the page: every choice is a link to the question that it asks. Pure.

use crate::country;
use crate::sales::model::{Chip, Choice, Controls, Menu, platform_name};
use crate::sales::question::{
    Bucket, Comparison, Filter, Measure, Preset, Question, Range, RefundDate, Royalties, UNKNOWN,
};
use crate::sales::snapshot::slice;
use crate::sources::Source;
use crate::table::Table;

/// The controls for a question. `sources` are all there are, `countries` is the table of those that the range has orders
/// of.
pub fn controls(question: &Question, sources: &[Source], countries: &Table) -> Controls {
    let mut platforms: Vec<&str> = sources.iter().map(|source| source.platform.as_str()).collect();
    platforms.sort_unstable();
    platforms.dedup();
    let (from, to) = match &question.range {
        Range::Dates(from, to) => (from.clone(), to.clone()),
        Range::Preset(_) => Default::default(),
    };
    Controls {
        query: question.query(),
        menus: vec![
            menu("Range", Preset::ALL, Preset::title, question, |preset| Question {
                range: Range::Preset(preset),
                bucket: None,
                ..question.clone()
            }),
            menu("Compared with", Comparison::ALL, Comparison::title, question, |compare| Question {
                compare,
                ..question.clone()
            }),
            with_first(
                "All",
                with_filter(question, |filter| filter.platforms.clear()),
                question,
                menu("Platform", &platforms, platform_name, question, |platform| {
                    with_filter(question, |filter| filter.platforms = vec![platform.to_owned()])
                }),
            ),
            menu("Revenue", Measure::ALL, Measure::title, question, |measure| Question { measure, ..question.clone() }),
            menu("Refunds count", RefundDate::ALL, RefundDate::title, question, |refunds| Question {
                refunds,
                ..question.clone()
            }),
            menu("Royalties", Royalties::ALL, Royalties::title, question, |royalties| Question {
                royalties,
                ..question.clone()
            }),
            with_first(
                "What fits",
                Question { bucket: None, ..question.clone() },
                question,
                menu("Chart by", Bucket::ALL, Bucket::title, question, |bucket| Question {
                    bucket: Some(bucket),
                    ..question.clone()
                }),
            ),
            status_menu(question),
        ],
        chips: chips(question),
        countries: country_menu(question, countries),
        cleared: cleared(question).address(),
        note: note(question, sources).into(),
        from,
        to,
    }
}

/// The question about all countries.
pub fn of_all_countries(question: &Question) -> Question {
    with_filter(question, |filter| filter.countries.clear())
}

fn country_menu(question: &Question, countries: &Table) -> Menu {
    let asked = &question.filter.countries;
    let choice = |title: String, only: Vec<String>, is_chosen| Choice {
        title,
        address: with_filter(question, |filter| filter.countries = only.clone()).address(),
        is_chosen,
    };
    let mut choices: Vec<Choice> = countries
        .rows
        .iter()
        .map(|row| choice(country_name(&row.key), vec![row.key.clone()], asked.contains(&row.key)))
        .collect();
    choices.sort_by(|a, b| a.title.cmp(&b.title));
    choices.insert(0, choice("All".into(), Vec::new(), asked.is_empty()));
    Menu { title: "Country".into(), choices }
}

/// The question without the chips.
fn cleared(question: &Question) -> Question {
    Question {
        filter: Filter::default(),
        measure: Measure::default(),
        refunds: RefundDate::default(),
        royalties: Royalties::default(),
        ..question.clone()
    }
}

fn note(question: &Question, sources: &[Source]) -> &'static str {
    match slice(&question.filter, sources) {
        Ok(slice) if !slice.is_summed(None) => {
            "Orders are not added up ahead by two of country, source and payment together: each figure is added up from \
             them now, which takes longer."
        }
        _ if question.royalties == Royalties::With && !question.adds_royalties() => {
            "Royalties are of no platform, country, source or payment: under a filter they are left out."
        }
        _ => "",
    }
}

fn country_name(code: &str) -> String {
    if code == UNKNOWN { "Unknown".into() } else { country::name(code) }
}

fn menu<'a, T: Copy>(
    title: &str,
    all: &[T],
    name: impl Fn(T) -> &'a str,
    question: &Question,
    asking: impl Fn(T) -> Question,
) -> Menu {
    let choices = all.iter().map(|value| {
        let asked = asking(*value);
        Choice { title: name(*value).to_owned(), address: asked.address(), is_chosen: asked == *question }
    });
    Menu { title: title.to_owned(), choices: choices.collect() }
}

/// A menu with a choice before the others, for none of them.
fn with_first(title: &str, asked: Question, question: &Question, mut menu: Menu) -> Menu {
    let is_chosen = asked == *question;
    menu.choices.insert(0, Choice { title: title.to_owned(), address: asked.address(), is_chosen });
    menu
}

fn status_menu(question: &Question) -> Menu {
    let all =
        [("", "All that count"), ("paid", "Paid only"), ("pending", "Pending only"), ("refunded", "Refunded only")];
    let choices = all.iter().map(|(status, title)| {
        let asked = with_filter(question, |filter| {
            filter.statuses = Some((*status).to_owned()).filter(|status| !status.is_empty()).into_iter().collect();
        });
        Choice { title: (*title).to_owned(), address: asked.address(), is_chosen: asked == *question }
    });
    Menu { title: "Payment".into(), choices: choices.collect() }
}

fn with_filter(question: &Question, change: impl Fn(&mut Filter)) -> Question {
    let mut asked = question.clone();
    change(&mut asked.filter);
    asked
}

/// What narrows the question down, each with the address of the question without it.
fn chips(question: &Question) -> Vec<Chip> {
    let Filter { platforms, countries, sources, statuses } = &question.filter;
    let mut out = Vec::new();
    let mut add = |title: String, without: Question| out.push(Chip { title, address: without.address() });
    let country = |code: &String| if code == UNKNOWN { "country unknown".to_owned() } else { country::name(code) };
    for code in countries {
        add(country(code), with_filter(question, |filter| filter.countries.retain(|known| known != code)));
    }
    for platform in platforms {
        let without = with_filter(question, |filter| filter.platforms.retain(|known| known != platform));
        add(platform_name(platform).to_owned(), without);
    }
    for source in sources {
        add(source.clone(), with_filter(question, |filter| filter.sources.retain(|known| known != source)));
    }
    for status in statuses {
        add(
            format!("payment {status}"),
            with_filter(question, |filter| filter.statuses.retain(|known| known != status)),
        );
    }
    if question.measure != Measure::default() {
        add("net sales".into(), Question { measure: Measure::default(), ..question.clone() });
    }
    if question.refunds != RefundDate::default() {
        add("refunds on the order's date".into(), Question { refunds: RefundDate::default(), ..question.clone() });
    }
    if question.royalties != Royalties::default() {
        add("with royalties".into(), Question { royalties: Royalties::default(), ..question.clone() });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Row;

    #[test]
    fn a_chip_leads_to_the_question_without_it() {
        let query = [("range", "7d"), ("country", "DE,GB"), ("measure", "net")];
        let controls = controls(&Question::parse(query).expect("a question"), &[], &Table::default());
        assert_eq!(controls.cleared, "/?range=7d");
        let chips: Vec<(&str, &str)> =
            controls.chips.iter().map(|chip| (chip.title.as_str(), chip.address.as_str())).collect();
        assert_eq!(
            chips,
            [
                ("Germany", "/?range=7d&country=GB&measure=net"),
                ("United Kingdom", "/?range=7d&country=DE&measure=net"),
                ("net sales", "/?range=7d&country=DE,GB"),
            ]
        );
        let chosen: Vec<&str> =
            controls.menus[0].choices.iter().filter(|c| c.is_chosen).map(|c| c.title.as_str()).collect();
        assert_eq!(chosen, ["7 days"]);
    }

    #[test]
    fn the_menu_of_countries_keeps_the_rest_of_the_question() {
        let row = |code: &str| Row { key: code.into(), ..Row::default() };
        let countries = Table { rows: vec![row("GB"), row("unknown"), row("DE")], ..Table::default() };
        let question = Question::parse([("range", "7d"), ("country", "GB")]).expect("a question");
        let menu = controls(&question, &[], &countries).countries;
        let choices: Vec<(&str, &str, bool)> =
            menu.choices.iter().map(|c| (c.title.as_str(), c.address.as_str(), c.is_chosen)).collect();
        assert_eq!(
            choices,
            [
                ("All", "/?range=7d", false),
                ("Germany", "/?range=7d&country=DE", false),
                ("United Kingdom", "/?range=7d&country=GB", true),
                ("Unknown", "/?range=7d&country=unknown", false),
            ]
        );
    }

    #[test]
    fn a_filter_by_two_dimensions_says_that_it_takes_longer() {
        let note = |query: &[(&str, &str)]| {
            let question = Question::parse(query.iter().copied()).expect("a question");
            controls(&question, &[], &Table::default()).note
        };
        assert_eq!(note(&[("country", "DE,GB")]), "");
        assert_eq!(note(&[("platform", "etsy")]), "");
        assert!(note(&[("country", "DE"), ("status", "paid")]).contains("takes longer"));
    }
}
