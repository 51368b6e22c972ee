//! The menus and chips of the page: every choice is a link to the question that it asks. Pure.

use crate::country;
use crate::sales::model::{Chip, Choice, Controls, Menu, platform_name};
use crate::sales::question::{Bucket, Comparison, Filter, Measure, Preset, Question, Range, RefundDate, UNKNOWN};
use crate::sources::Source;

/// The controls for a question. `sources` are all there are.
pub fn controls(question: &Question, sources: &[Source]) -> Controls {
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
            menu("Platform", &platforms, platform_name, question, |platform| {
                with_filter(question, |filter| filter.platforms = vec![platform.to_owned()])
            }),
            menu("Revenue", Measure::ALL, Measure::title, question, |measure| Question { measure, ..question.clone() }),
            menu("Refunds count", RefundDate::ALL, RefundDate::title, question, |refunds| Question {
                refunds,
                ..question.clone()
            }),
            menu("Chart by", Bucket::ALL, Bucket::title, question, |bucket| Question {
                bucket: Some(bucket),
                ..question.clone()
            }),
            status_menu(question),
        ],
        chips: chips(question),
        from,
        to,
    }
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
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chip_leads_to_the_question_without_it() {
        let query = [("range", "7d"), ("country", "DE,GB"), ("measure", "net")];
        let controls = controls(&Question::parse(query).expect("a question"), &[]);
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
}
