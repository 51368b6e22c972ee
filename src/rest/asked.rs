//! The query of an address of the API: the page's question, read strictly. A page leaves alone what it does not know; a
//! script that misspells a filter would take the figures of all orders for those it asked for.

use std::sync::LazyLock;

use axum::http::StatusCode;
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterStyle::Form;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, SchemaFormat};
use utoipa::openapi::{Array, KnownFormat, Object, ObjectBuilder, Required, Type};

use crate::sales::question::{
    Bucket, Comparison, Measure, NoQuestion, Preset, Question, RefundDate, Royalties, VALUE_CHARS_MAX, VALUES_MAX,
};
use crate::server::problem::Problem;

/// A query as it stands in the address.
pub type Pairs = Vec<(String, String)>;

/// The question, as every address that answers one takes it.
pub struct QuestionParameters;

impl IntoParams for QuestionParameters {
    fn into_params(_place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let word = |name, about, schema: Object| in_query(name, about).schema(Some(schema));
        let list = |name, about| in_query(name, about).schema(Some(names())).style(Some(Form)).explode(Some(false));
        let parameters = [
            word("range", "Which days. Those that run end now; the others are whole.", presets())
                .example(Some("month".into())),
            word("from", "The first date of the range, in the workspace's zone. It belongs with `to`.", date()),
            word("to", "The last date of the range, which is in it. With dates, `range` means nothing.", date()),
            word("compare", "What the range is compared with.", comparisons()),
            list("platform", "Platforms."),
            list("country", "ISO 3166 alpha-2 codes; `unknown` where an order names none."),
            list("source", "Sources by name."),
            list("status", "What the platform says of the payment, such as `paid`; `unknown` where it says nothing."),
            word("measure", "Which revenue is summed.", measures()),
            word("refunds", "Where refunds and cancellations are dated.", refund_dates()),
            word("royalties", "Whether totals hold royalties too; a filter leaves them out.", royalties()),
            word("bucket", "How long a point of a chart is; without it, that goes by the range's length.", buckets()),
        ];
        parameters.map(ParameterBuilder::build).into()
    }
}

/// A parameter of a query, which can be left out.
pub fn in_query(name: &str, about: &str) -> ParameterBuilder {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
    parameter.required(Required::False).description(Some(about))
}

/// A parameter of a path.
pub fn in_path(name: &str, about: &str) -> ParameterBuilder {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
    parameter.required(Required::True).description(Some(about))
}

/// The names of the question's parameters.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    QuestionParameters::into_params(|| Some(ParameterIn::Query)).into_iter().map(|parameter| parameter.name).collect()
});

/// Reads the question. `further` names what else the address takes. The problem is 400 where a name or a value is none that
/// can be, and 422 where they do not go together.
pub fn question(pairs: &Pairs, further: &[&str]) -> Result<Question, Problem> {
    for (i, (name, value)) in pairs.iter().enumerate() {
        if !NAMES.contains(name) && !further.contains(&name.as_str()) {
            let known: Vec<&str> = NAMES.iter().map(String::as_str).chain(further.iter().copied()).collect();
            return Err(bad(format!("the address takes no {name:?}; it takes {}", known.join(", "))));
        }
        if pairs[..i].iter().any(|(known, _)| known == name) {
            return Err(bad(format!("{name} stands there twice: give it once, several values with commas between")));
        }
        if value.split(',').any(str::is_empty) {
            return Err(bad(format!("{name} has an empty value: leave it out where nothing is meant")));
        }
    }
    Question::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).map_err(|error| match error {
        NoQuestion::Value(sentence) => bad(sentence),
        NoQuestion::Together(sentence) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, sentence),
    })
}

/// 400 where the address says something that it does not take.
pub fn takes_only(pairs: &Pairs, names: &[&str]) -> Result<(), Problem> {
    match pairs.iter().find(|(name, _)| !names.contains(&name.as_str())) {
        Some((name, _)) => Err(bad(format!("the address takes no {name:?}; it takes {}", names.join(", ")))),
        None => Ok(()),
    }
}

/// The value of a parameter that the address takes beside the question.
pub fn value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn bad(sentence: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, sentence)
}

/// A word out of some.
pub fn words<'a>(all: impl IntoIterator<Item = &'a str>, default: Option<&str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(all))
        .default(default.map(serde_json::Value::from))
        .build()
}

fn presets() -> Object {
    words(Preset::ALL.iter().map(|preset| preset.name()), Some(Preset::Days30.name()))
}

fn comparisons() -> Object {
    words(Comparison::ALL.iter().map(|comparison| comparison.name()), Some(Comparison::default().name()))
}

fn measures() -> Object {
    words(Measure::ALL.iter().map(|measure| measure.name()), Some(Measure::default().name()))
}

fn refund_dates() -> Object {
    words(RefundDate::ALL.iter().map(|date| date.name()), Some(RefundDate::default().name()))
}

fn royalties() -> Object {
    words(Royalties::ALL.iter().map(|royalties| royalties.name()), Some(Royalties::default().name()))
}

fn buckets() -> Object {
    words(Bucket::ALL.iter().map(|bucket| bucket.name()), None)
}

fn date() -> Object {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))).build()
}

fn names() -> Array {
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]+$"))
        .min_length(Some(1))
        .max_length(Some(VALUE_CHARS_MAX));
    ArrayBuilder::new().items(name).min_items(Some(1)).max_items(Some(VALUES_MAX)).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Question, Problem> {
        question(&form_urlencoded::parse(query.as_bytes()).into_owned().collect(), &["limit"])
    }

    #[test]
    fn the_question_of_an_address_is_the_page_s() {
        for query in
            ["", "range=last-month&compare=weekday&country=GB,IE&measure=net&refunds=order&royalties=with&bucket=week"]
        {
            assert_eq!(read(query).expect("a question").query(), query);
        }
        assert_eq!(read("limit=5").expect("a question"), Question::default());
    }

    #[test]
    fn what_a_page_would_leave_alone_a_script_is_told() {
        for (query, status, says) in [
            ("contry=GB", 400, "takes no \"contry\""),
            ("country=GB&country=FR", 400, "country stands there twice"),
            ("country=", 400, "empty"),
            ("country=GB,,FR", 400, "empty"),
            ("range=fortnight", 400, "range is one of"),
            ("from=2026-02-01&to=2026-01-01", 422, "swap them"),
        ] {
            let problem = read(query).expect_err(query);
            assert_eq!(problem.status(), status, "{query}");
            assert!(problem.to_string().contains(says), "{query}: {problem}");
        }
    }
}
