//! Pages of access: sign in, and welcome by a link. They are plain forms that need no script, so the browser's half of the
//! program leaves them out.

use axum::http::request::Parts;
use leptos::prelude::*;
use leptos::server_fn::ServerFn;
use leptos::server_fn::error::ServerFnUrlError;

use crate::access::api::{LinkPurpose, SignIn, UseLink, read_link};
use crate::access::model::PASSWORD_MIN_CHARS;

pub use crate::access::sign_out::SignOutButton;

/// A value of the address's query.
fn from_address(name: &str) -> Option<String> {
    let parts = use_context::<Parts>()?;
    let mut pairs = form_urlencoded::parse(parts.uri.query()?.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// What went wrong with the form before: the server function's answer sends it back in the address.
#[component]
fn Problem() -> impl IntoView {
    let sent_back = from_address("__err");
    let sentence = sent_back.map(|error| match ServerFnUrlError::<ServerFnError>::decode_err(&error) {
        ServerFnError::ServerError(sentence) => sentence,
        _ => "That did not work. Try again.".to_owned(),
    });
    view! { <p class="problem" role="alert">{sentence.unwrap_or_default()}</p> }
}

/// `/sign-in`.
#[component]
pub fn SignInPage() -> impl IntoView {
    view! {
        <main class="narrow card">
            <p class="brand">"Takings"</p>
            <h1>"Sign in"</h1>
            <form method="post" action=SignIn::url()>
                <label for="name">"Name"</label>
                <input id="name" name="name" autocomplete="username" required=true/>
                <label for="password">"Password"</label>
                <input id="password" name="password" type="password" autocomplete="current-password" required=true/>
                <Problem/>
                <button class="button is-primary" type="submit">"Sign in"</button>
            </form>
        </main>
    }
}

/// `/welcome?token=…`: a link that works once.
#[component]
pub fn WelcomePage() -> impl IntoView {
    let token = from_address("token").unwrap_or_default();
    let purpose = {
        let token = token.clone();
        Resource::new_blocking(move || token.clone(), read_link)
    };
    view! {
        <main class="narrow card">
            <p class="brand">"Takings"</p>
            <Suspense fallback=|| ()>
                {move || {
                    let token = token.clone();
                    Suspend::new(async move { opened(purpose.await, token) })
                }}
            </Suspense>
        </main>
    }
}

fn opened(purpose: Result<LinkPurpose, ServerFnError>, token: String) -> AnyView {
    match purpose {
        Ok(LinkPurpose::FirstAdministrator) => view! { <FirstAdministrator token/> }.into_any(),
        Ok(LinkPurpose::SignIn) => view! { <OpenLink token/> }.into_any(),
        Ok(LinkPurpose::Ended) => view! {
            <h1>"This link has ended"</h1>
            <p>"Links work once. Ask for a new one, or sign in with your name and password."</p>
            <p><a class="button" href="/sign-in">"Sign in"</a></p>
        }
        .into_any(),
        Err(_) => view! { <h1>"This link could not be checked"</h1><p>"The database does not answer at the moment. Try again."</p> }.into_any(),
    }
}

#[component]
fn FirstAdministrator(token: String) -> impl IntoView {
    view! {
        <h1>"Welcome"</h1>
        <p>"You are the first here. Choose the name and password of the administrator."</p>
        <form method="post" action=UseLink::url()>
            <input type="hidden" name="token" value=token/>
            <label for="name">"Name"</label>
            <input id="name" name="name" autocomplete="username" required=true/>
            <label for="password">{format!("Password, at least {PASSWORD_MIN_CHARS} characters")}</label>
            <input id="password" name="password" type="password" autocomplete="new-password" required=true minlength=PASSWORD_MIN_CHARS.to_string()/>
            <Problem/>
            <button class="button is-primary" type="submit">"Begin"</button>
        </form>
    }
}

#[component]
fn OpenLink(token: String) -> impl IntoView {
    view! {
        <h1>"Open Takings"</h1>
        <p>"This link signs you in once."</p>
        <form method="post" action=UseLink::url()>
            <input type="hidden" name="token" value=token/>
            <Problem/>
            <button class="button is-primary" type="submit">"Sign in"</button>
        </form>
    }
}
