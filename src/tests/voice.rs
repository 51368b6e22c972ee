//! `/voice`: rooms and who is in them, coming back, what administrators may do, and what is refused. The sound itself is tested in
//! `voice/media/` and in the browser.

use serde_json::{Value, json};
use sqlx::PgPool;
use takings::server::database::WORKSPACE;
use takings::voice::store;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::util::{Socket, TestApp};

/// The room that every workspace begins with.
const TEAM: i32 = 1;

async fn voice_of(app: &TestApp, cookie: &str) -> Socket {
    let mut request = format!("ws://{}/voice", app.address).into_client_request().expect("a request");
    request.headers_mut().insert("cookie", cookie.parse().expect("a header"));
    Socket::open(request).await
}

/// Somebody with an open dock.
async fn somebody(app: &TestApp, name: &str, role: &str) -> (String, Socket) {
    let cookie = app.cookie_as(name, role).await;
    let socket = voice_of(app, &cookie).await;
    (cookie, socket)
}

async fn told(socket: &mut Socket, kind: &str) -> Value {
    socket.find(|message| (message["type"] == kind).then(|| message.clone())).await
}

async fn join(socket: &mut Socket, room: i32) -> Value {
    socket.say(&json!({"type": "join", "room": room})).await;
    told(socket, "joined").await
}

/// Waits until a socket is told that these and no others are in the team's room.
async fn sees(socket: &mut Socket, expected: &[&str]) -> Value {
    socket
        .find(|message| {
            let room = message["rooms"].as_array()?.iter().find(|room| room["id"] == TEAM)?;
            let names: Vec<&str> =
                room["people"].as_array()?.iter().filter_map(|person| person["name"].as_str()).collect();
            (names == expected).then(|| room.clone())
        })
        .await
}

#[sqlx::test(migrations = "./migrations")]
async fn people_see_who_is_in_the_rooms_and_come_and_go(db: PgPool) {
    let app = TestApp::start(db).await;
    let (_, mut ada) = somebody(&app, "Ada Lovelace", "administrator").await;
    let (_, mut bob) = somebody(&app, "bob", "viewer").await;
    let first = told(&mut ada, "rooms").await;
    assert_eq!(first["rooms"], json!([{"id": TEAM, "name": "Team room", "people": []}]));
    assert_eq!(first["you"]["is_administrator"], true);
    assert_eq!(told(&mut bob, "rooms").await["you"]["is_administrator"], false);

    let joined = join(&mut ada, TEAM).await;
    assert_eq!((&joined["resumed"], &joined["slots"], &joined["room"]), (&json!(false), &json!(5), &json!(TEAM)));
    assert!(joined["epoch"].as_u64().is_some_and(|epoch| epoch < 1 << 53), "JavaScript holds it: {joined}");
    assert!(joined["ttl_seconds"].as_u64().is_some_and(|ttl| ttl <= 600), "{joined}");
    let room = sees(&mut bob, &["Ada Lovelace"]).await;
    assert_eq!((&room["people"][0]["initials"], &room["people"][0]["state"]), (&json!("AL"), &json!("connecting")));

    join(&mut bob, TEAM).await;
    let changed =
        ada.find(|message| (message["rooms"][0]["people"][1]["name"] == "bob").then(|| message.clone())).await;
    assert_eq!(changed["you"], Value::Null, "who they are does not change: {changed}");
    bob.say(&json!({"type": "mute", "on": true})).await;
    bob.say(&json!({"type": "deafen", "on": true})).await;
    ada.find(|message| {
        let bob = &message["rooms"][0]["people"][1];
        (bob["muted"] == true && bob["deafened"] == true).then_some(())
    })
    .await;
    bob.say(&json!({"type": "ptt", "down": true})).await;
    ada.find(|message| (message["rooms"][0]["people"][1]["muted"] == false).then_some(())).await;

    bob.say(&json!({"type": "leave"})).await;
    assert_eq!(told(&mut bob, "left").await["why"], "left");
    sees(&mut ada, &["Ada Lovelace"]).await;
    bob.say(&json!({"type": "ping"})).await;
    told(&mut bob, "pong").await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_seat_is_taken_back_by_its_person_alone_and_is_one_a_person(db: PgPool) {
    let app = TestApp::start(db).await;
    let (cookie, mut ada) = somebody(&app, "ada", "analyst").await;
    let (_, mut bob) = somebody(&app, "bob", "analyst").await;
    let joined = join(&mut ada, TEAM).await;
    let resume = json!({"type": "join", "room": TEAM, "resume": joined["resume"]});
    drop(ada);

    // Another person with the same secret gets a seat of their own.
    bob.say(&resume).await;
    let other = told(&mut bob, "joined").await;
    assert_eq!(other["resumed"], false);
    assert_ne!(other["epoch"], joined["epoch"]);

    let mut back = voice_of(&app, &cookie).await;
    back.say(&resume).await;
    let again = told(&mut back, "joined").await;
    assert_eq!((&again["resumed"], &again["epoch"]), (&json!(true), &joined["epoch"]));
    sees(&mut bob, &["ada", "bob"]).await;

    // From another page without the secret: another seat, and the first page is told.
    let mut elsewhere = voice_of(&app, &cookie).await;
    let moved = join(&mut elsewhere, TEAM).await;
    assert_ne!(moved["epoch"], joined["epoch"]);
    assert_eq!(told(&mut back, "left").await["why"], "elsewhere");
    sees(&mut bob, &["bob", "ada"]).await;
    // The first page's secret is worth nothing any more: it is told so again, and nothing happens to the other.
    back.say(&resume).await;
    assert_eq!(told(&mut back, "left").await["why"], "elsewhere");
    elsewhere.say(&json!({"type": "mute", "on": true})).await;
    bob.find(|message| (message["rooms"][0]["people"][1]["muted"] == true).then_some(())).await;
    // Who asks for it joins from there.
    assert_eq!(join(&mut back, TEAM).await["resumed"], false);
    assert_eq!(told(&mut elsewhere, "left").await["why"], "elsewhere");
    // A secret that nobody knows is that of a server that was started anew since.
    bob.say(&json!({"type": "join", "room": TEAM, "resume": "of another server"})).await;
    assert_eq!(told(&mut bob, "joined").await["resumed"], false);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn administrators_mute_and_remove_and_nobody_else_does(db: PgPool) {
    let app = TestApp::start(db).await;
    let (_, mut ada) = somebody(&app, "ada", "administrator").await;
    let (_, mut bob) = somebody(&app, "bob", "analyst").await;
    join(&mut ada, TEAM).await;
    let seat = join(&mut bob, TEAM).await;
    let room = sees(&mut ada, &["ada", "bob"]).await;
    let (ada_s, bob_s) = (&room["people"][0]["person"], &room["people"][1]["person"]);

    bob.say(&json!({"type": "moderate", "person": ada_s, "action": "remove"})).await;
    assert_eq!(told(&mut bob, "refused").await["why"], "denied");

    ada.say(&json!({"type": "moderate", "person": bob_s, "action": "mute"})).await;
    let moderated = told(&mut bob, "moderated").await;
    assert_eq!((&moderated["action"], &moderated["by"]), (&json!("mute"), &json!("ada")));
    ada.find(|message| (message["rooms"][0]["people"][1]["server_muted"] == true).then_some(())).await;
    ada.say(&json!({"type": "moderate", "person": bob_s, "action": "unmute"})).await;
    ada.find(|message| (message["rooms"][0]["people"][1]["server_muted"] == false).then_some(())).await;
    ada.say(&json!({"type": "moderate", "person": bob_s, "action": "remove"})).await;
    assert_eq!(told(&mut bob, "left").await["why"], "removed");
    sees(&mut ada, &["ada"]).await;
    // Nobody who was removed is back by themselves; who asks to join is let in.
    bob.say(&json!({"type": "join", "room": TEAM, "resume": seat["resume"]})).await;
    assert_eq!(told(&mut bob, "left").await["why"], "removed");
    join(&mut bob, TEAM).await;
    sees(&mut ada, &["ada", "bob"]).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_view_and_a_pointer_reach_the_others_in_the_room(db: PgPool) {
    let app = TestApp::start(db).await;
    let (_, mut ada) = somebody(&app, "ada", "analyst").await;
    let (_, mut bob) = somebody(&app, "bob", "analyst").await;
    join(&mut ada, TEAM).await;
    join(&mut bob, TEAM).await;
    ada.say(&json!({"type": "present", "on": true})).await;
    let presenter = told(&mut bob, "presenting").await["person"].clone();
    assert!(presenter.is_i64());
    ada.say(&json!({"type": "view", "address": "/?range=week", "target": "Countries"})).await;
    let view = told(&mut bob, "view").await;
    assert_eq!(
        (&view["person"], &view["address"], &view["target"]),
        (&presenter, &json!("/?range=week"), &json!("Countries"))
    );

    // Who comes later is led there too.
    let (_, mut cyd) = somebody(&app, "cyd", "analyst").await;
    assert_eq!(join(&mut cyd, TEAM).await["presenting"], presenter);
    assert_eq!(told(&mut cyd, "view").await["address"], "/?range=week");

    let at = json!({"target": "Countries", "x": 500, "y": 20, "words": "Germany £1,045.67"});
    bob.say(&json!({"type": "pointer", "at": at})).await;
    for socket in [&mut ada, &mut cyd] {
        assert_eq!(told(socket, "pointer").await["at"], at);
    }

    // Who does not present leads nobody, and nobody is led off the site.
    bob.say(&json!({"type": "view", "address": "/royalties"})).await;
    ada.say(&json!({"type": "view", "address": "//evil.example/"})).await;
    assert_eq!(told(&mut ada, "refused").await["why"], "unreadable");
    ada.say(&json!({"type": "leave"})).await;
    let nobody = cyd.find(|message| match message["type"].as_str() {
        Some("view") => panic!("led by somebody who does not present: {message}"),
        Some("presenting") => Some(message["person"].clone()),
        _ => None,
    });
    assert_eq!(nobody.await, Value::Null);
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn what_nobody_may_or_can_is_refused(db: PgPool) {
    let app = TestApp::start(db).await;
    // No session, a script, a page of another site.
    let ask = |name: &'static str, value: String| {
        let request = app.client.get(app.url("/voice")).header("connection", "upgrade").header("upgrade", "websocket");
        let request =
            request.header("sec-websocket-version", "13").header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        async move { request.header(name, value).send().await.expect("an answer").status().as_u16() }
    };
    let cookie = app.cookie_as("ada", "analyst").await;
    assert_eq!(ask("x-nothing", "".into()).await, 401);
    assert_eq!(ask("authorization", format!("Bearer {}", app.token().await)).await, 403);
    assert_eq!(ask("origin", "https://evil.example".into()).await, 403);

    let mut ada = voice_of(&app, &cookie).await;
    told(&mut ada, "rooms").await;
    for (said, why) in [
        (json!({"type": "join", "room": 99}), "no_room"),
        (json!({"type": "mute", "on": true}), "unreadable"),
        (json!({"type": "nonsense"}), "unreadable"),
        (json!({"type": "mute", "on": "yes"}), "unreadable"),
        (json!([1, 2]), "unreadable"),
    ] {
        ada.say(&said).await;
        let refused = told(&mut ada, "refused").await;
        assert_eq!(refused["why"], why, "{said} → {refused}");
        assert!(refused["sentence"].as_str().is_some_and(|sentence| sentence.len() > 10), "{refused}");
    }
    let epoch = join(&mut ada, TEAM).await["epoch"].as_u64().expect("a number");
    ada.say(&json!({"type": "offer", "epoch": epoch + 1, "attempt": 1, "sdp": "v=0"})).await;
    assert_eq!(told(&mut ada, "refused").await["why"], "media", "a seat that is not theirs");
    ada.say(&json!({"type": "offer", "epoch": epoch, "attempt": 1, "sdp": "no description"})).await;
    assert_eq!(told(&mut ada, "refused").await["why"], "media");

    // What cannot be read counts as well.
    let mut bob = voice_of(&app, &app.cookie_of("bob").await).await;
    for _ in 0..150 {
        bob.say(&json!("nonsense")).await;
    }
    bob.find(|message| (message["why"] == "rate_limited").then_some(())).await;

    // Too much at once is refused, and a message beyond all size ends the socket.
    for _ in 0..150 {
        ada.say(&json!({"type": "ping"})).await;
    }
    let refused = told(&mut ada, "refused").await;
    assert_eq!(refused["why"], "rate_limited");
    assert!(refused["retry_after_ms"].as_u64().is_some_and(|wait| wait <= 1_000), "{refused}");
    ada.say(&json!({"type": "offer", "epoch": epoch, "attempt": 2, "sdp": "x".repeat(64 * 1024)})).await;
    while ada.next().await.is_some() {}
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn a_session_that_ends_ends_its_voice(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let (cookie, mut ada) = somebody(&app, "ada", "analyst").await;
    join(&mut ada, TEAM).await;
    let (_, mut bob) = somebody(&app, "bob", "analyst").await;
    sees(&mut bob, &["ada"]).await;
    let token = cookie.split_once('=').expect("a cookie").1.to_owned();
    takings::access::store::end_session(&db, &token).await.expect("ended");
    // An answer is believed for a second.
    until(&app, &cookie, 401).await;
    ada.say(&json!({"type": "ping"})).await;
    assert_eq!(told(&mut ada, "left").await["why"], "signed_out");
    assert_eq!(ada.next().await, None, "the socket ends");
    sees(&mut bob, &[]).await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn while_the_database_is_away_a_call_goes_on(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let (cookie, mut ada) = somebody(&app, "ada", "administrator").await;
    let (_, mut bob) = somebody(&app, "bob", "analyst").await;
    join(&mut ada, TEAM).await;
    let room = sees(&mut bob, &["ada"]).await;
    sqlx::query("alter table sessions rename to away").execute(&db).await.expect("away");
    until(&app, &cookie, 503).await;
    ada.say(&json!({"type": "mute", "on": true})).await;
    bob.find(|message| (message["rooms"][0]["people"][0]["muted"] == true).then_some(())).await;
    ada.say(&json!({"type": "moderate", "person": room["people"][0]["person"], "action": "remove"})).await;
    let refused = told(&mut ada, "refused").await;
    assert_eq!(refused["why"], "denied");
    assert!(refused["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "{refused}");
    sqlx::query("alter table away rename to sessions").execute(&db).await.expect("back");
    app.stop().await;
}

/// Asks who somebody is until the answer has this status.
async fn until(app: &TestApp, cookie: &str, status: u16) {
    let asked = async {
        while app
            .client
            .get(app.url("/api/v1/goals"))
            .header("cookie", cookie)
            .send()
            .await
            .expect("an answer")
            .status()
            != status
        {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), asked).await.expect("the answer in time");
}

#[sqlx::test(migrations = "./migrations")]
async fn who_has_too_many_pages_or_asks_a_server_without_voice_is_told_so(db: PgPool) {
    let app = TestApp::start(db.clone()).await;
    let cookie = app.cookie_of("ada").await;
    let mut pages = Vec::new();
    for _ in 0..10 {
        let mut page = voice_of(&app, &cookie).await;
        told(&mut page, "rooms").await;
        pages.push(page);
    }
    let mut eleventh = voice_of(&app, &cookie).await;
    let refused = eleventh.next().await.expect("a message");
    assert_eq!((&refused["type"], &refused["why"]), (&json!("refused"), &json!("denied")));
    assert!(refused["sentence"].as_str().is_some_and(|sentence| sentence.contains("10 pages")), "{refused}");
    assert_eq!(eleventh.next().await, None);

    let silent = TestApp::without_voice(&db).await;
    let mut page = voice_of(&silent, &cookie).await;
    let refused = page.next().await.expect("a message");
    assert_eq!(refused, json!({"type": "refused", "why": "off", "sentence": "voice is not carried by this server"}));
    assert_eq!(page.next().await, None);
    silent.stop().await;
    app.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn rooms_are_added_renamed_and_removed(db: PgPool) {
    let room = store::add_room(&db, WORKSPACE, " Orders ").await.expect("a room");
    assert_eq!(
        store::rooms(&db, WORKSPACE).await.expect("rooms"),
        [(TEAM, "Team room".into()), (room, "Orders".into())]
    );
    for (name, expected) in [("", "1 to 60"), ("Team room", "another room"), ("a\u{7}b", "1 to 60")] {
        let refused = store::add_room(&db, WORKSPACE, name).await.expect_err("refused").to_string();
        assert!(refused.contains(expected), "{name:?}: {refused}");
    }
    assert!(store::rename_room(&db, WORKSPACE, room, "Team room").await.is_err());
    store::rename_room(&db, WORKSPACE, room, "Royalties").await.expect("renamed");
    store::remove_room(&db, WORKSPACE, TEAM).await.expect("removed");
    assert!(store::remove_room(&db, WORKSPACE, TEAM).await.is_err());
    assert_eq!(store::rooms(&db, WORKSPACE).await.expect("rooms"), [(room, "Royalties".into())]);
}
