//! Pages and components of access: sign in, welcome, sign out.

use leptos::form::ActionForm;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::access::api::{LinkPurpose, SignIn, SignOut, UseLink, read_link};
use crate::access::model::PASSWORD_MIN_CHARS;
use crate::ui::{flag, text};

/// The sentence of a server function's error.
fn sentence(error: &ServerFnError) -> String {
    match error {
        ServerFnError::ServerError(sentence) => sentence.clone(),
        _ => "The server could not be reached. Try again.".into(),
    }
}

#[component]
fn Problem(#[prop(into)] of: Signal<Option<String>>) -> impl IntoView {
    view! { <p class="problem" role="alert">{text(move || of.get().unwrap_or_default())}</p> }
}

/// `/sign-in`.
#[component]
pub fn SignInPage() -> impl IntoView {
    let action = ServerAction::<SignIn>::new();
    let problem = move || action.value().get().and_then(Result::err).map(|error| sentence(&error));
    view! {
        <main class="narrow card">
            <p class="brand">"Takings"</p>
            <h1>"Sign in"</h1>
            <ActionForm action>
                <label for="name">"Name"</label>
                <input id="name" name="name" autocomplete="username" required=true/>
                <label for="password">"Password"</label>
                <input id="password" name="password" type="password" autocomplete="current-password" required=true/>
                <Problem of=Signal::derive(problem)/>
                <button class="button is-primary" type="submit" disabled=flag(move || action.pending().get())>"Sign in"</button>
            </ActionForm>
        </main>
    }
}

/// `/welcome?token=…`: a link that works once.
#[component]
pub fn WelcomePage() -> impl IntoView {
    let query = use_query_map();
    let token = move || query.with(|q| q.get("token").unwrap_or_default());
    let purpose = Resource::new_blocking(token, read_link);
    view! {
        <main class="narrow card">
            <p class="brand">"Takings"</p>
            <Suspense fallback=|| ()>
                {move || Suspend::new(async move {
                    match purpose.await {
                        Ok(LinkPurpose::FirstAdministrator) => view! { <FirstAdministrator token=token()/> }.into_any(),
                        Ok(LinkPurpose::SignIn) => view! { <OpenLink token=token()/> }.into_any(),
                        Ok(LinkPurpose::Ended) => view! {
                            <h1>"This link has ended"</h1>
                            <p>"Links work once. Ask for a new one, or sign in with your name and password."</p>
                            <p><a class="button" href="/sign-in">"Sign in"</a></p>
                        }.into_any(),
                        Err(error) => view! { <h1>"This link could not be checked"</h1><p>{sentence(&error)}</p> }.into_any(),
                    }
                })}
            </Suspense>
        </main>
    }
}

#[component]
fn FirstAdministrator(token: String) -> impl IntoView {
    let action = ServerAction::<UseLink>::new();
    let problem = move || action.value().get().and_then(Result::err).map(|error| sentence(&error));
    view! {
        <h1>"Welcome"</h1>
        <p>"You are the first here. Choose the name and password of the administrator."</p>
        <ActionForm action>
            <input type="hidden" name="token" value=token/>
            <label for="name">"Name"</label>
            <input id="name" name="name" autocomplete="username" required=true/>
            <label for="password">{format!("Password, at least {PASSWORD_MIN_CHARS} characters")}</label>
            <input id="password" name="password" type="password" autocomplete="new-password" required=true minlength=PASSWORD_MIN_CHARS.to_string()/>
            <Problem of=Signal::derive(problem)/>
            <button class="button is-primary" type="submit" disabled=flag(move || action.pending().get())>"Begin"</button>
        </ActionForm>
    }
}

#[component]
fn OpenLink(token: String) -> impl IntoView {
    let action = ServerAction::<UseLink>::new();
    let problem = move || action.value().get().and_then(Result::err).map(|error| sentence(&error));
    view! {
        <h1>"Open Takings"</h1>
        <p>"This link signs you in once."</p>
        <ActionForm action>
            <input type="hidden" name="token" value=token/>
            <Problem of=Signal::derive(problem)/>
            <button class="button is-primary" type="submit" disabled=flag(move || action.pending().get())>"Sign in"</button>
        </ActionForm>
    }
}

/// The button that signs out.
#[component]
pub fn SignOutButton() -> impl IntoView {
    let action = ServerAction::<SignOut>::new();
    view! {
        <ActionForm action>
            <button class="button is-quiet" type="submit">"Sign out"</button>
        </ActionForm>
    }
}
