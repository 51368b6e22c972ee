//! What stands in for the pages of access in the browser: they come without a script, so none of these is ever shown.

use leptos::prelude::*;

pub use crate::access::sign_out::SignOutButton;

/// On the server: `/sign-in`.
#[component]
pub fn SignInPage() -> impl IntoView {}

/// On the server: `/welcome`.
#[component]
pub fn WelcomePage() -> impl IntoView {}
