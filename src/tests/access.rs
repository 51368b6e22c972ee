//! Who may see what: every page, server function, socket and API is closed without a session.

use reqwest::StatusCode;
use reqwest::header::{LOCATION, SET_COOKIE};
use sqlx::PgPool;
use takings::access::store;
use takings::server::database::WORKSPACE;

use crate::util::{PASSWORD, TestApp, assert_status, function};

async fn sign_in(app: &TestApp, name: &str, password: &str) -> reqwest::Response {
    app.client
        .post(app.url(&function("sign_in")))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("name={name}&password={}", password.replace(' ', "+")))
        .send()
        .await
        .expect("an answer")
}

#[sqlx::test(migrations = "./migrations")]
async fn strangers_see_nothing(db: PgPool) {
    let app = TestApp::start(db).await;
    let page = app.client.get(app.url("/")).send().await.expect("an answer");
    assert_eq!((page.status(), page.headers()[LOCATION].to_str().ok()), (StatusCode::SEE_OTHER, Some("/sign-in")));
    for path in ["/api/v1/snapshot", "/ws"] {
        let answer = app.client.get(app.url(path)).send().await.expect("an answer");
        assert!(
            matches!(
                answer.status(),
                StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST | StatusCode::UPGRADE_REQUIRED
            ),
            "{path}"
        );
    }
    let figures = app
        .client
        .post(app.url(&function("load_dashboard")))
        .header("content-type", "application/json")
        .body(r#"{"fresh":false}"#);
    let answer = figures.send().await.expect("an answer");
    assert_ne!(answer.status(), StatusCode::OK);
    assert!(!answer.text().await.expect("a text").contains("overview"));
    let bad_token =
        app.client.get(app.url("/api/v1/snapshot")).bearer_auth("nonsense").send().await.expect("an answer");
    assert_status(bad_token, StatusCode::UNAUTHORIZED).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_session_and_a_token_open_the_figures(db: PgPool) {
    let app = TestApp::start(db).await;
    let cookie = app.cookie_of("ada").await;
    let page = app.client.get(app.url("/")).header("cookie", &cookie).send().await.expect("an answer");
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    let html = assert_status(page, StatusCode::OK).await;
    assert!(
        html.contains("data-figure=\"today-revenue\"") && html.contains("£0.00"),
        "the figures are in the first answer"
    );
    assert!(policy.contains("'nonce-") && !policy.contains("unsafe-inline"), "{policy}");
    let snapshot =
        app.client.get(app.url("/api/v1/snapshot")).bearer_auth(app.token().await).send().await.expect("an answer");
    assert!(assert_status(snapshot, StatusCode::OK).await.contains("\"overview\""));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn signing_in_and_out_begins_and_ends_a_session(db: PgPool) {
    let app = TestApp::start(db).await;
    app.cookie_of("Ada").await;
    let answer = sign_in(&app, "ada", PASSWORD).await;
    let cookie = answer.headers()[SET_COOKIE].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let page = app.client.get(app.url("/")).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
    let out = app
        .client
        .post(app.url(&function("sign_out")))
        .header("cookie", &cookie)
        .header("content-type", "application/x-www-form-urlencoded");
    out.send().await.expect("an answer");
    let page = app.client.get(app.url("/")).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn attempts_to_guess_are_limited(db: PgPool) {
    let app = TestApp::start(db).await;
    app.cookie_of("ada").await;
    for _ in 0..10 {
        let said = sign_in(&app, "ada", "wrong").await.text().await.expect("a text");
        assert!(said.contains("not right"), "{said}");
    }
    let said = sign_in(&app, "ada", PASSWORD).await.text().await.expect("a text");
    assert!(said.contains("Too many attempts"), "{said}");
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_link_works_once_and_the_first_administrator_s_ends_with_a_new_one(db: PgPool) {
    let first = store::make_link(&db, WORKSPACE, None).await.expect("a link");
    let second = store::make_link(&db, WORKSPACE, None).await.expect("a link");
    assert_eq!(store::link_person(&db, &first).await.expect("an answer"), None);
    assert_eq!(store::link_person(&db, &second).await.expect("an answer"), Some(None));
    assert!(store::use_link(&db, &second).await.expect("an answer"));
    assert!(!store::use_link(&db, &second).await.expect("an answer"));
}

#[sqlx::test(migrations = "./migrations")]
async fn a_page_of_another_site_changes_nothing(db: PgPool) {
    let app = TestApp::start(db).await;
    let cookie = app.cookie_of("ada").await;
    let out = app
        .client
        .post(app.url(&function("sign_out")))
        .header("cookie", &cookie)
        .header("origin", "https://evil.example");
    assert_status(out.send().await.expect("an answer"), StatusCode::FORBIDDEN).await;
    let page = app.client.get(app.url("/")).header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
    app.stop().await;
}
