//! The specification of the API: what stands around the operations, and what all of them have in common.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi as Document, RefOr, Required, ResponseBuilder, Type, schema,
};
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::money::Currency;
use crate::server::problem::{MEDIA_TYPE, ProblemBody};

/// The name of the one way to say who asks.
const TOKEN: &str = "token";

/// What every operation may answer when it does not answer: the status, when, and whether the address has a query.
const REFUSALS: &[(&str, &str, bool)] = &[
    ("400", "A parameter is none that the address takes, or its value none that it can be", true),
    ("401", "No API token, or one that is not good", false),
    ("404", "There is nothing of this name or number", false),
    ("413", "The request has a body, and a large one", false),
    ("422", "Each parameter can be, but there is no answer to them together", true),
    ("503", "The database does not answer at the moment; try again", false),
];

/// A body of any bytes.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it describes")]
pub struct Bytes(Vec<u8>);

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Takings",
        description = "A company's revenue as it happens. Every figure is the one on the page.\n\nMoney is decimal text, but for \
            the snapshot, which has minor units. Times have the offset of the workspace's zone.",
        license(name = "MIT", identifier = "MIT")
    ),
    servers((url = "/", description = "This server")),
    security(("token" = [])),
    components(schemas(ProblemBody, Currency)),
    tags(
        (name = "Figures", description = "What the page shows"),
        (name = "Orders", description = "What the figures are made of"),
        (name = "Royalties", description = "What listeners heard and what was paid for it, and the files that say so"),
        (name = "Visitors", description = "Who looks at the shop's pages: how many, never who"),
        (name = "Goals", description = "Goals, notes on days, and milestones"),
        (name = "People", description = "Who is on the page"),
        (name = "Calls", description = "How calls go, now and in the past: for administrators, and for scripts with a token"),
        (name = "Specification", description = "What stands here, for programs")
    )
)]
struct Base;

/// The same of operations that change something.
const WRITING_REFUSALS: &[(&str, &str, bool)] = &[
    ("400", "The body is not the JSON that was expected", true),
    ("401", "No API token, or one that is not good", false),
    ("403", "Who asks may not change it", false),
    ("404", "There is nothing of this number", false),
    ("413", "The body is too large", false),
    ("422", "The body can be read, but what it says cannot be", true),
    ("503", "The database does not answer at the moment; try again", false),
];

/// How operations that are for administrators refuse everybody else, beside [`REFUSALS`].
const ADMINISTRATORS: (&str, &[(&str, &str, bool)]) = ("Calls", &[("403", "Who asks is no administrator", false)]);

/// The document without its operations.
pub fn base() -> Document {
    let mut document = Base::openapi();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "An API token: `takings token add NAME` makes one. The cookie of someone who is signed in does as well.",
    ));
    document.components.get_or_insert_default().add_security_scheme(TOKEN, SecurityScheme::Http(token.build()));
    document
}

/// The document with what its operations have in common: validators, and how they refuse.
pub fn completed(mut document: Document) -> Document {
    for item in document.paths.paths.values_mut() {
        item.get.iter_mut().for_each(|operation| {
            validate(operation);
            refuse(operation, REFUSALS);
            if operation.tags.iter().flatten().any(|tag| tag == ADMINISTRATORS.0) {
                refuse(operation, ADMINISTRATORS.1);
            }
        });
        let writing = [&mut item.post, &mut item.put, &mut item.delete];
        writing.into_iter().flatten().for_each(|operation| refuse(operation, WRITING_REFUSALS));
    }
    document
}

/// The validators of an address that is read.
fn validate(operation: &mut Operation) {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let parameters = operation.parameters.get_or_insert_default();
    let known = ParameterBuilder::new()
        .name("If-None-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `ETag` of an answer that you have: 304 says that it is still the answer."))
        .schema(Some(text()));
    parameters.push(RefOr::T(known.build()));
    let tag = || HeaderBuilder::new().schema(Some(text())).description(Some("Names this very body")).build();
    let responses = &mut operation.responses.responses;
    if let Some(RefOr::T(answer)) = responses.get_mut("200") {
        answer.headers.insert("ETag".into(), RefOr::T(tag()));
    }
    let unchanged =
        ResponseBuilder::new().description("The answer is the one that `If-None-Match` names").header("ETag", tag());
    responses.insert("304".into(), unchanged.build().into());
}

/// How an operation refuses.
fn refuse(operation: &mut Operation, refusals: &[(&str, &str, bool)]) {
    let parameters = operation.parameters.iter().flatten();
    let places: Vec<&ParameterIn> = parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(&parameter.parameter_in),
            RefOr::Ref(_) => None,
        })
        .collect();
    let says_something = places.contains(&&ParameterIn::Query) || operation.request_body.is_some();
    let has_path = places.contains(&&ParameterIn::Path);
    let responses = &mut operation.responses.responses;
    for (status, when, of_what_is_said) in refusals {
        if *of_what_is_said && !says_something || *status == "404" && !has_path {
            continue;
        }
        let problem = ContentBuilder::new().schema(Some(schema::Ref::from_schema_name("Problem"))).build();
        let refusal = ResponseBuilder::new().description(*when).content(MEDIA_TYPE, problem);
        responses.insert((*status).into(), refusal.build().into());
    }
}

impl PartialSchema for Currency {
    fn schema() -> RefOr<schema::Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("An ISO 4217 code"))
            .pattern(Some("^[A-Z]{3}$"))
            .examples(["GBP"])
            .build()
            .into()
    }
}

impl ToSchema for Currency {}

#[cfg(test)]
mod tests {
    use super::ADMINISTRATORS;
    use crate::rest::specification;

    #[test]
    fn every_operation_is_described_and_refuses_with_problems() {
        let document = serde_json::to_value(specification()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        assert!(paths.len() >= 7, "{:?}", paths.keys());
        for (path, item) in paths {
            assert!(path.starts_with("/api/v1/"), "{path}");
            for (method, operation) in item.as_object().expect("operations") {
                assert!(operation["description"].as_str().is_some_and(|text| text.len() > 20), "{method} {path}");
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["description"].is_string(), "{method} {path}: {parameter}");
                }
                for status in ["401", "413", "503"] {
                    let content = &operation["responses"][status]["content"];
                    assert_eq!(content["application/problem+json"]["schema"]["$ref"], "#/components/schemas/Problem");
                }
                let is_read = method == "get";
                assert_eq!(operation["responses"]["304"].is_object(), is_read, "{method} {path}");
                let is_open = is_read && operation["tags"] != serde_json::json!([ADMINISTRATORS.0]);
                assert_eq!(operation["responses"]["403"].is_object(), !is_open, "{method} {path}");
            }
        }
    }

    #[test]
    fn every_schema_that_is_named_is_there() {
        fn named<'a>(value: &'a serde_json::Value, out: &mut Vec<&'a str>) {
            match value {
                serde_json::Value::Object(map) => {
                    out.extend(map.get("$ref").and_then(|name| name.as_str()));
                    map.values().for_each(|value| named(value, out));
                }
                serde_json::Value::Array(items) => items.iter().for_each(|value| named(value, out)),
                _ => {}
            }
        }
        let document = serde_json::to_value(specification()).expect("JSON");
        let mut names = Vec::new();
        named(&document, &mut names);
        assert!(!names.is_empty());
        for name in names {
            assert!(document.pointer(name.trim_start_matches('#')).is_some(), "{name}");
        }
    }
}
