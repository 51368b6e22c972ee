//! The page about the API, `/api`: what can be asked, made from the specification. It needs no script, so the browser's half
//! of the program leaves it out.

use std::sync::LazyLock;

use leptos::prelude::*;

use crate::rest::reference::{Answer, Operation, Parameter, operations};
use crate::rest::specification;
use crate::ui::frame::Frame;

/// The operations in the order of the page.
static OPERATIONS: LazyLock<Vec<Operation>> =
    LazyLock::new(|| operations(&serde_json::to_value(specification()).unwrap_or_default()));

/// `/api`.
#[component]
pub fn ApiPage() -> impl IntoView {
    let contents = OPERATIONS.iter().map(|operation| {
        let (place, title, path) = (format!("#{}", operation.id), operation.title.clone(), operation.path.clone());
        view! { <li><a href=place>{title}</a><code>{path}</code></li> }
    });
    view! {
        <Frame title="The API">
            <div class="reference">
            <h1>"The API"</h1>
            <p>
                "Every figure, order and delivery as JSON or as a file. An address takes an API token, which "
                <code>"takings token add NAME"</code>" makes, or the session of someone who is signed in. The whole as OpenAPI 3.1: "
                <a href="/api/v1/openapi.json">"openapi.json"</a>"."
            </p>
            <p>
                "What is refused is told as "<code>"application/problem+json"</code>"; its "<code>"detail"</code>
                " says what to do. Every answer has an "<code>"ETag"</code>": send it back as "<code>"If-None-Match"</code>
                ", and 304 says that nothing changed."
            </p>
            <p>"The examples take two variables: "<code>"TAKINGS"</code>", the address of this server, and "<code>"TOKEN"</code>"."</p>
            <nav aria-label="Operations"><ul class="contents">{contents.collect_view()}</ul></nav>
            <div id="operations">
                {OPERATIONS.iter().map(|operation| view! { <OperationCard operation/> }).collect_view()}
            </div>
            </div>
        </Frame>
    }
}

#[component]
fn OperationCard(operation: &'static Operation) -> impl IntoView {
    let Operation { id, method, path, title, description, parameters, answers, example } = operation;
    let (heading, named_by) = (format!("{id}-title"), format!("{id}-title"));
    view! {
        <section id=id.as_str() class="card operation" aria-labelledby=named_by>
            <h2 id=heading>{title.as_str()}</h2>
            <p class="address"><code>{method.as_str()}" "{path.as_str()}</code></p>
            {description.iter().map(|part| view! { <p>{prose(part)}</p> }).collect_view()}
            <pre tabindex="0"><code>{example.as_str()}</code></pre>
            <Parameters parameters/>
            <Answers answers/>
        </section>
    }
}

#[component]
fn Parameters(parameters: &'static [Parameter]) -> impl IntoView {
    let rows = parameters.iter().map(|parameter| {
        view! {
            <tr>
                <th scope="row"><code>{parameter.name.as_str()}</code></th>
                <td>{parameter.place.as_str()}</td>
                <td>{parameter.values.as_str()}</td>
                <td>{prose(&parameter.description)}</td>
            </tr>
        }
    });
    view! {
        <h3>"Takes"</h3>
        <div class="reference-scroll" tabindex="0" role="group" aria-label="Parameters">
            <table>
                <thead><tr><th scope="col">"Name"</th><th scope="col">"In"</th><th scope="col">"Values"</th><th scope="col">"Meaning"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

#[component]
fn Answers(answers: &'static [Answer]) -> impl IntoView {
    let rows = answers.iter().map(|answer| {
        view! {
            <tr>
                <th scope="row">{answer.status.as_str()}</th>
                <td>{prose(&answer.description)}</td>
                <td><code>{answer.media.as_str()}</code></td>
            </tr>
        }
    });
    view! {
        <h3>"Answers"</h3>
        <div class="reference-scroll" tabindex="0" role="group" aria-label="Answers">
            <table>
                <thead><tr><th scope="col">"Status"</th><th scope="col">"When"</th><th scope="col">"As"</th></tr></thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
}

/// Text of the specification: what stands between backticks is code.
fn prose(text: &'static str) -> impl IntoView {
    let parts = text.split('`').enumerate().map(|(i, part)| match i % 2 {
        0 => part.into_any(),
        _ => view! { <code>{part}</code> }.into_any(),
    });
    parts.collect_view()
}
