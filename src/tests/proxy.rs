//! `deploy/nginx.conf` as it is shipped, before two processes of Takings over one database.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::join_all;
use reqwest::header::HeaderMap;
use reqwest::{Client, Response, StatusCode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use sqlx::PgPool;
use takings::access::{password, store as access};
use takings::server::database::WORKSPACE;
use takings::sources::{shopify, store as sources};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::util::programs::{Program, free_port, listens, system};
use crate::util::{PASSWORD, SECRET, Socket, assert_status, database_url, function, shopify_order};

const HOST: &str = "takings.example";
const NGINX: &str = "127.0.0.1";

/// nginx with two instances behind it.
struct Site {
    db: PgPool,
    folder: PathBuf,
    nginx: Program,
    plain: u16,
    port: u16,
    instances: Vec<(u16, Program)>,
    tls: rustls::ClientConfig,
    client: Client,
    token: String,
}

/// The shipped file, with ports of the test, its certificate, and two instances. Each text that is replaced is there once.
fn configuration(folder: &str, [plain, tls]: [u16; 2], instances: [u16; 2]) -> String {
    let shipped = include_str!("../../deploy/nginx.conf");
    let servers = instances.map(|port| format!("server 127.0.0.1:{port};")).join("\n    ");
    let replaced = [
        ("listen 80;", format!("listen 127.0.0.1:{plain};")),
        ("listen [::]:80;", String::new()),
        ("listen 443 ssl http2;", format!("listen 127.0.0.1:{tls} ssl http2;")),
        ("listen [::]:443 ssl http2;", String::new()),
        ("/etc/letsencrypt/live/takings.example/fullchain.pem", format!("{folder}/certificate.pem")),
        ("/etc/letsencrypt/live/takings.example/privkey.pem", format!("{folder}/key.pem")),
        ("server 127.0.0.1:3000;", servers),
    ];
    replaced.into_iter().fold(shipped.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, &to)
    })
}

impl Site {
    async fn start(db: PgPool, name: &str) -> Site {
        let folder = std::env::temp_dir().join(format!("takings-proxy-{}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("site/vendor")).expect("a folder");
        let path = folder.to_str().expect("a path").to_owned();
        std::fs::write(folder.join("site/vendor/plain.js"), "plain").expect("a file");
        std::fs::write(folder.join("site/vendor/plain.js.br"), "compressed").expect("a file");
        let tls = certificate(&path).await;
        sources::add(&db, WORKSPACE, "shop", "shopify", SECRET).await.expect("a source");
        let token = access::make_token(&db, WORKSPACE, "tests").await.expect("a token");
        let mut instances = Vec::new();
        for _ in 0..2 {
            let port = free_port().await;
            let mut command = Command::new(env!("CARGO_BIN_EXE_takings"));
            command.args(["serve", "--addr", &format!("127.0.0.1:{port}"), "--bus", ""]);
            command.env("DATABASE_URL", database_url(&db));
            command.env("LEPTOS_OUTPUT_NAME", "takings").env("LEPTOS_SITE_ROOT", folder.join("site"));
            instances.push((port, Program::start(&mut command)));
        }
        for (port, _) in &instances {
            listens(*port).await;
        }
        let ports = [free_port().await, free_port().await];
        let text = configuration(&path, ports, [instances[0].0, instances[1].0]);
        std::fs::write(folder.join("takings.conf"), text).expect("written");
        // One process, so that nothing is left when it is ended.
        let main = format!(
            "daemon off; master_process off; pid {path}/pid; error_log stderr; events {{ worker_connections 512; }}
             http {{ access_log off; client_body_temp_path {path}/body; proxy_temp_path {path}/proxy;
             fastcgi_temp_path {path}/f; uwsgi_temp_path {path}/u; scgi_temp_path {path}/s; include {path}/takings.conf; }}"
        );
        std::fs::write(folder.join("nginx.conf"), main).expect("written");
        let nginx =
            Program::start(Command::new(system("nginx")).args(["-p", &path, "-c", &format!("{path}/nginx.conf")]));
        listens(ports[1]).await;
        let client = client(&tls, ports[1], None);
        Site { db, folder, nginx, plain: ports[0], port: ports[1], instances, tls, client, token }
    }

    fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port)
    }

    /// A client with an address of its own.
    fn client_from(&self, address: &str) -> Client {
        client(&self.tls, self.port, Some(address.parse().expect("an address")))
    }

    async fn post(&self, id: i64, now: &str) -> Response {
        let body = shopify_order(id, "10.00", now);
        let signature = shopify::sign(body.as_bytes(), SECRET);
        let request = self.client.post(self.url("/webhooks/shopify/shop")).header("X-Shopify-Topic", "orders/create");
        request.header("X-Shopify-Hmac-Sha256", signature).body(body).send().await.expect("an answer")
    }

    async fn get(&self, path: &str, headers: HeaderMap) -> Response {
        let request = self.client.get(self.url(path)).bearer_auth(&self.token).headers(headers);
        request.send().await.expect("an answer")
    }

    /// A socket through nginx.
    async fn socket(&self, query: &str) -> Socket {
        let mut request = format!("wss://{HOST}:{}/ws{query}", self.port).into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("authorization", format!("Bearer {}", self.token).parse().expect("a header"));
        headers.insert("sec-websocket-protocol", "takings.v1".parse().expect("a header"));
        headers.insert("origin", format!("https://{HOST}:{}", self.port).parse().expect("a header"));
        let connection = TcpStream::connect((NGINX, self.port)).await.expect("a connection");
        let name = ServerName::try_from(HOST).expect("a name");
        let connector = TlsConnector::from(Arc::new(self.tls.clone()));
        Socket::over(Box::new(connector.connect(name, connection).await.expect("TLS")), request).await
    }

    async fn sign_in(&self, client: &Client, password: &str) -> Response {
        let request = client.post(self.url(&function("sign_in"))).header("origin", self.url(""));
        let request = request.header("X-Forwarded-For", "192.0.2.1").header("accept", "application/json");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let body = format!("name=Ada&password={}", password.replace(' ', "+"));
        request.body(body).send().await.expect("an answer")
    }

    async fn stop(self) {
        for (_, instance) in self.instances {
            instance.kill().await;
        }
        self.nginx.kill().await;
        std::fs::remove_dir_all(self.folder).expect("removed");
    }
}

fn client(tls: &rustls::ClientConfig, port: u16, address: Option<IpAddr>) -> Client {
    let client = Client::builder().tls_backend_preconfigured(tls.clone()).redirect(reqwest::redirect::Policy::none());
    let nginx = SocketAddr::new(NGINX.parse().expect("an address"), port);
    client.resolve(HOST, nginx).local_address(address).build().expect("a client")
}

/// Makes a certificate, and what trusts it alone.
async fn certificate(folder: &str) -> rustls::ClientConfig {
    let (key, file) = (format!("{folder}/key.pem"), format!("{folder}/certificate.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=takings.example", "-addext", "subjectAltName=DNS:takings.example"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", &key, "-out", &file])
        .output();
    let made = made.await.expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&file).expect("a certificate")).expect("a root");
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn sequences(message: &Value) -> Vec<i64> {
    message["events"].as_array().into_iter().flatten().filter_map(|event| event["sequence"].as_i64()).collect()
}

#[sqlx::test(migrations = "./migrations")]
async fn a_watcher_comes_back_through_the_other_instance_when_one_dies_and_no_order_is_lost(db: PgPool) {
    let mut site = Site::start(db, "dies").await;
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut watchers = Vec::new();
    for _ in 0..4 {
        let mut socket = site.socket("?last_event=0").await;
        assert_eq!(socket.next().await.expect("open")["type"], "snapshot");
        watchers.push((socket, Vec::new()));
    }
    for answer in join_all((1..=20).map(|id| site.post(id, &now))).await {
        assert_status(answer, StatusCode::OK).await;
    }
    for (socket, seen) in &mut watchers {
        while seen.last() != Some(&20) {
            seen.extend(sequences(&socket.next().await.expect("open")));
        }
    }
    // One dies in the midst of a rush: what it had not answered is given to the other one, and every order is answered.
    let (_, dies) = site.instances.remove(0);
    let (answers, ()) = tokio::join!(join_all((21..=120).map(|id| site.post(id, &now))), dies.kill());
    for answer in answers {
        assert_status(answer, StatusCode::OK).await;
    }
    let mut came_back = 0;
    for (socket, seen) in &mut watchers {
        while seen.last() != Some(&120) {
            match socket.next().await {
                Some(message) => seen.extend(sequences(&message)),
                None => {
                    came_back += 1;
                    *socket = site.socket(&format!("?last_event={}", seen.last().expect("seen"))).await;
                }
            }
        }
        assert_eq!(*seen, (1..=120).collect::<Vec<_>>());
    }
    assert!((1..4).contains(&came_back), "{came_back} of 4 watchers were on the instance that died");
    let counted = "select last_event, (select count(*) from orders) from cursors";
    let counted: (i64, i64) = sqlx::query_as(counted).fetch_one(&site.db).await.expect("read");
    assert_eq!(counted, (120, 120));
    site.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn who_signs_in_through_the_proxy_is_known_to_every_instance_by_the_address_they_have(db: PgPool) {
    let site = Site::start(db, "session").await;
    let hash = password::hash(PASSWORD.into()).await.expect("a hash");
    access::put_person(&site.db, WORKSPACE, "Ada", &hash, "analyst").await.expect("a person");
    let ada = site.client_from("127.0.0.2");
    site.sign_in(&ada, "a wrong password").await;
    let failed = "select subject from sign_in_failures where subject like 'address:%'";
    let failed: Vec<String> = sqlx::query_scalar(failed).fetch_all(&site.db).await.expect("read");
    assert_eq!(failed, ["address:127.0.0.2"], "neither the proxy's, nor what the client made up");

    let signed_in = site.sign_in(&ada, PASSWORD).await;
    let cookie = signed_in.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("Secure"), "{cookie}");
    let session = cookie.split(';').next().expect("a pair");
    for (port, _) in &site.instances {
        let goals = ada.get(format!("http://127.0.0.1:{port}/api/v1/goals")).header("cookie", session).send().await;
        assert_status(goals.expect("an answer"), StatusCode::OK).await;
    }
    let page = ada.get(site.url("/")).header("cookie", session).send().await.expect("a page");
    assert!(assert_status(page, StatusCode::OK).await.contains("Takings"));

    // Attempts are limited by address, and by no header that a client sends.
    let guesser = site.client_from("127.0.0.3");
    let mut statuses = Vec::new();
    for _ in 0..13 {
        statuses.push(site.sign_in(&guesser, "a guess").await.status());
    }
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
    assert_ne!(site.sign_in(&site.client_from("127.0.0.4"), "x").await.status(), StatusCode::TOO_MANY_REQUESTS);
    site.stop().await;
}

#[sqlx::test(migrations = "./migrations")]
async fn streams_files_and_headers_go_through_the_proxy_as_they_are(db: PgPool) {
    let site = Site::start(db, "streams").await;
    // Server-Sent Events come one by one.
    let mut stream = site.get("/api/v1/events/stream", HeaderMap::new()).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_status(site.post(1, &chrono::Utc::now().to_rfc3339()).await, StatusCode::OK).await;
    let mut text = String::new();
    while !text.contains("event: order_created") {
        let chunk = tokio::time::timeout(std::time::Duration::from_secs(20), stream.chunk()).await.expect("in time");
        text.push_str(std::str::from_utf8(&chunk.expect("a chunk").expect("open")).expect("text"));
    }

    // What was compressed when it was built, what a cache may keep, and what needs no second answer.
    let header = |name: &'static str, value: &str| {
        HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("a value"))])
    };
    let file = site.get("/vendor/plain.js", header("accept-encoding", "br")).await;
    assert_eq!(file.headers()["content-encoding"], "br");
    assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(file.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(file.bytes().await.expect("a body"), "compressed");
    let first = site.get("/api/v1/goals", HeaderMap::new()).await;
    let tag = first.headers()["etag"].to_str().expect("text").to_owned();
    let again = site.get("/api/v1/goals", header("if-none-match", &tag)).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);

    // A file of 50 MB is looked at by Takings, which also says what is larger than it takes.
    let upload = async |bytes: usize| {
        let request = site.client.post(site.url("/api/v1/imports?name=file.csv")).bearer_auth(&site.token);
        let answer =
            request.header("content-type", "text/csv").body(vec![b'x'; bytes]).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{answer:?}");
        answer.status()
    };
    assert_eq!(upload(50 * 1024 * 1024).await, StatusCode::UNPROCESSABLE_ENTITY);
    let large = site.client.post(site.url("/webhooks/shopify/shop")).body(vec![b'x'; 2_500_000]).send().await;
    let sentence = assert_status(large.expect("an answer"), StatusCode::PAYLOAD_TOO_LARGE).await;
    assert!(!sentence.contains("nginx"), "{sentence}");
    // Plain HTTP leads to TLS.
    let plain = Client::builder().redirect(reqwest::redirect::Policy::none());
    let plain = plain.tls_backend_preconfigured(site.tls.clone()).build().expect("a client");
    let plain = plain.get(format!("http://{NGINX}:{}/goals", site.plain)).header("host", HOST).send().await;
    assert_eq!(plain.expect("an answer").headers()["location"], format!("https://{HOST}/goals"));
    site.stop().await;
}
