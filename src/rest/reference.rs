//! The specification as the page about it shows it: operations with their parameters, answers and an example each.

use serde_json::Value;

/// An operation of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its name, which is also its place on the page.
    pub id: String,
    /// Its method, such as `GET`.
    pub method: String,
    /// Its address.
    pub path: String,
    /// What it is, in a few words.
    pub title: String,
    /// What it answers, in paragraphs.
    pub description: Vec<String>,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// What it answers.
    pub answers: Vec<Answer>,
    /// How it is asked from a shell.
    pub example: String,
}

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Where it stands: `path`, `query` or `header`.
    pub place: String,
    /// What it means.
    pub description: String,
    /// What it can be.
    pub values: String,
}

/// An answer of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: String,
    /// When it comes.
    pub description: String,
    /// Its media types.
    pub media: String,
}

/// The operations of a specification, in the order of their subjects.
pub fn operations(document: &Value) -> Vec<Operation> {
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let subject = |operation: &Value| tags.iter().position(|tag| tag["name"] == operation["tags"][0]);
    let paths = document["paths"].as_object().into_iter().flatten();
    let mut all: Vec<(&str, &str, &Value)> = paths
        .flat_map(|(path, item)| {
            let methods = ["get", "post", "put", "delete"].into_iter();
            methods.map(move |method| (path.as_str(), method, &item[method])).filter(|(.., known)| known.is_object())
        })
        .collect();
    all.sort_by_key(|(.., operation)| subject(operation));
    all.into_iter().map(|(path, method, known)| operation(path, method, known, document)).collect()
}

fn operation(path: &str, method: &str, operation: &Value, document: &Value) -> Operation {
    let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let body = body.as_str().and_then(|name| document.pointer(name.trim_start_matches('#')));
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let responses = operation["responses"].as_object().into_iter().flatten();
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        title: text(&operation["summary"]),
        description: text(&operation["description"]).split("\n\n").map(|part| part.replace('\n', " ")).collect(),
        parameters: parameters.iter().map(parameter).collect(),
        answers: responses.map(|(status, answer)| self::answer(status, answer)).collect(),
        example: example(path, method, parameters, body.map(|schema| &schema["example"])),
    }
}

fn parameter(parameter: &Value) -> Parameter {
    Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        description: text(&parameter["description"]).replace('\n', " "),
        values: values(&parameter["schema"]),
    }
}

/// What a schema lets through, in words.
fn values(schema: &Value) -> String {
    let mut words = match (schema["enum"].as_array(), text(&schema["type"]).as_str()) {
        (Some(all), _) => all.iter().map(text).collect::<Vec<_>>().join(", "),
        (None, "array") => format!("up to {} names with commas between", schema["maxItems"]),
        (None, "integer") => match (&schema["minimum"], &schema["maximum"]) {
            (Value::Null, _) => "a number".to_owned(),
            (least, Value::Null) => format!("a number from {least}"),
            (least, most) => format!("a number from {least} to {most}"),
        },
        (None, _) if schema["format"] == "date" => "a date such as 2026-11-21".to_owned(),
        (None, _) => "text".to_owned(),
    };
    if !schema["default"].is_null() {
        words.push_str(&format!("; without it {}", text(&schema["default"])));
    }
    words
}

fn answer(status: &str, answer: &Value) -> Answer {
    let media = answer["content"].as_object().into_iter().flatten().map(|(media, _)| media.as_str());
    Answer {
        status: status.to_owned(),
        description: text(&answer["description"]),
        media: media.collect::<Vec<_>>().join(", "),
    }
}

/// The command that asks for the examples of the parameters.
fn example(path: &str, method: &str, parameters: &[Value], body: Option<&Value>) -> String {
    let mut address = path.to_owned();
    let mut query = Vec::new();
    for parameter in parameters.iter().filter(|parameter| !parameter["example"].is_null()) {
        let (name, value) = (text(&parameter["name"]), text(&parameter["example"]));
        match parameter["in"].as_str() {
            Some("path") => address = address.replace(&format!("{{{name}}}"), &value),
            Some("query") => query.push(format!("{name}={value}")),
            _ => {}
        }
    }
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let method = if method == "get" { String::new() } else { format!(" -X {}", method.to_uppercase()) };
    let body = body.map(|example| format!(" -d '{example}'")).unwrap_or_default();
    format!("curl{method} -H \"Authorization: Bearer $TOKEN\"{body} \"$TAKINGS{address}{query}\"")
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_shown_with_what_it_takes_and_how_it_is_asked() {
        let document = serde_json::to_value(crate::rest::specification()).expect("JSON");
        let operations = operations(&document);
        assert_eq!(operations.last().map(|operation| operation.id.as_str()), Some("openapi"), "subjects have an order");
        let named = |id: &str| operations.iter().find(|operation| operation.id == id).expect("an operation");
        let orders = named("orders");
        let taken = |name: &str| orders.parameters.iter().find(|taken| taken.name == name).expect("a parameter");
        assert_eq!(taken("limit").values, "a number from 1 to 200; without it 50");
        assert!(taken("range").values.starts_with("today, yesterday, 7d") && taken("range").values.ends_with("30d"));
        assert_eq!(taken("country").values, "up to 50 names with commas between");
        assert_eq!(
            named("table").example,
            "curl -H \"Authorization: Bearer $TOKEN\" \
             \"$TAKINGS/api/v1/tables/countries.csv?range=month&header=plain\""
        );
        assert_eq!(
            named("set_goal").example,
            "curl -X POST -H \"Authorization: Bearer $TOKEN\" -d '{\"measure\":\"total\",\"period\":\"month\",\"target\":\"50000\"}' \
             \"$TAKINGS/api/v1/goals\""
        );
        assert_eq!((named("remove_goal").method.as_str(), named("goals").method.as_str()), ("DELETE", "GET"));
        assert!(operations.iter().all(|operation| !operation.title.is_empty() && operation.answers.len() >= 4));
    }
}
