//! `/preferences`: what each person has chosen, and nobody else.

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::util::{TestApp, assert_status};

async fn chosen(app: &TestApp, cookie: &str) -> Value {
    let answer = app.client.get(app.url("/preferences")).header("cookie", cookie).send().await.expect("an answer");
    serde_json::from_str(&assert_status(answer, StatusCode::OK).await).expect("JSON")
}

async fn choose(app: &TestApp, cookie: &str, body: &'static str, status: StatusCode) -> String {
    let request = app.client.post(app.url("/preferences")).header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    assert_status(request.send().await.expect("an answer"), status).await
}

#[sqlx::test(migrations = "./migrations")]
async fn each_person_has_their_own_and_a_refusal_changes_nothing(db: PgPool) {
    let app = TestApp::start(db).await;
    let (ada, ben) = (app.cookie_of("ada").await, app.cookie_of("ben").await);
    let default =
        json!({"live": true, "toasts": true, "sound": 0, "mute_free": false, "mute_refunds": false, "notify": false});
    assert_eq!(chosen(&app, &ada).await, default);
    choose(&app, &ada, "live=no&sound=40", StatusCode::NO_CONTENT).await;
    choose(&app, &ada, "mute_free=yes", StatusCode::NO_CONTENT).await;
    let sentence = choose(&app, &ada, "mute_refunds=yes&sound=loud", StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(sentence.contains("from 0 to 100"), "{sentence}");
    let expected =
        json!({"live": false, "toasts": true, "sound": 40, "mute_free": true, "mute_refunds": false, "notify": false});
    assert_eq!(chosen(&app, &ada).await, expected);
    assert_eq!(chosen(&app, &ben).await, default);
    // The page begins as its person left it.
    let page = |cookie: String| app.client.get(app.url("/")).header("cookie", cookie).send();
    assert!(page(ada).await.expect("a page").text().await.expect("text").contains("live off"));
    assert!(!page(ben).await.expect("a page").text().await.expect("text").contains("live off"));
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn strangers_scripts_and_other_sites_choose_nothing(db: PgPool) {
    let app = TestApp::start(db).await;
    let address = app.url("/preferences");
    let stranger = app.client.get(&address).send().await.expect("an answer");
    assert_status(stranger, StatusCode::UNAUTHORIZED).await;
    let script = app.client.get(&address).bearer_auth(app.token().await).send().await.expect("an answer");
    assert_status(script, StatusCode::FORBIDDEN).await;
    let elsewhere = app.client.post(&address).header("cookie", app.cookie_of("ada").await);
    let elsewhere = elsewhere.header("origin", "https://evil.example");
    assert_status(elsewhere.send().await.expect("an answer"), StatusCode::FORBIDDEN).await;
    app.stop().await;
}
