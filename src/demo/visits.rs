//! The demo's visitors: page views over HTTP to this server, the way the script in a shop's pages sends them. All of them are made
//! up, with addresses and names that are kept for examples.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::USER_AGENT;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::http;

/// So many visitors come for each order of the demo: one in forty buys something.
const VISITORS_AN_ORDER: f64 = 40.0;
/// No shorter than this between two page views, however fast orders are sent: it is a demo, not a load.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// How long an answer may take.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Pages that one visitor looks at, at most.
const PAGES_MAX: u32 = 5;
/// Visitors at once; each goes on to another page or leaves.
const AT_ONCE: usize = 12;

const HOST: &str = "shop.demo.example";
const PAGES: &[&str] = &[
    "/",
    "/",
    "/audiobooks",
    "/audiobooks/the-lighthouse",
    "/audiobooks/a-year-by-the-sea",
    "/books",
    "/books/the-lighthouse",
    "/offers",
    "/basket",
    "/checkout",
];
const REFERRERS: &[&str] =
    &["", "", "", "search.example", "search.example", "social.example", "news.example", "newsletter.demo.example"];
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
];

/// Somebody who looks around.
struct Guest {
    address: String,
    agent: &'static str,
    pages_left: u32,
    referrer: &'static str,
}

impl Guest {
    fn new() -> Guest {
        // The three networks that are kept for examples.
        let network = choice(&["192.0.2", "198.51.100", "203.0.113"]);
        Guest {
            address: format!("{network}.{}", 1 + rand::random::<u32>() % 254),
            agent: choice(AGENTS),
            pages_left: 1 + rand::random::<u32>() % PAGES_MAX,
            referrer: choice(REFERRERS),
        }
    }
}

/// Lets visitors come until `shutdown`, for orders about every `pace`. What fails is left out: the next one comes.
pub async fn run(base_url: String, pace: Duration, shutdown: CancellationToken) {
    let Ok(client) = http::client().build() else { return };
    let views_a_visitor = f64::from(1 + PAGES_MAX) / 2.0;
    let pause = pace.div_f64(VISITORS_AN_ORDER * views_a_visitor).max(PAUSE_MIN);
    let mut guests: Vec<Guest> = Vec::with_capacity(AT_ONCE);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        if guests.len() < AT_ONCE {
            guests.push(Guest::new());
        }
        let place = rand::random::<u32>() as usize % guests.len();
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = look(&client, &base_url, &mut guests[place]) => {}
        }
        if guests[place].pages_left == 0 {
            guests.swap_remove(place);
        }
    }
}

/// One page view of a guest.
async fn look(client: &Client, base_url: &str, guest: &mut Guest) {
    let body = json!({ "h": HOST, "p": choice(PAGES), "r": guest.referrer }).to_string();
    guest.pages_left = guest.pages_left.saturating_sub(1);
    guest.referrer = "";
    let sent = client
        .post(format!("{base_url}/v"))
        .header(USER_AGENT, guest.agent)
        .header("x-forwarded-for", &guest.address)
        .body(body)
        .timeout(ANSWER_WAIT)
        .send();
    if let Err(error) = sent.await {
        tracing::debug!(%error, "a visitor of the demo was not heard of");
    }
}

fn choice(of: &[&'static str]) -> &'static str {
    of.get(rand::random::<u32>() as usize % of.len().max(1)).copied().unwrap_or_default()
}
