//! The demo's running trade: signed webhooks over HTTP to this server, the way a platform sends them.

use std::collections::VecDeque;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::demo::shop::{DemoOrder, Shop, shopify_body, standard_body};
use crate::demo::source_name;
use crate::period::Instant;
use crate::server::clock::Clock;
use crate::server::http;
use crate::sources::{Source, shopify, standard};

/// How long an answer may take: longer than the server's own patience with its database.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// The first pause after a failure; it doubles with each further one.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest pause: a server that comes back has orders within a minute.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// No pause between orders is longer than this many times the pace: a watcher should not think that it broke.
const PAUSE_MAX: f64 = 4.0;
/// How many of a hundred deliveries are refunds.
const REFUND_PERCENT: f64 = 2.0;
/// Sent orders that are remembered for a refund.
const REMEMBERED: usize = 100;

/// Why an order was not taken. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No answer.
    #[error("the server does not answer at {0}: start it with `takings serve`, or give its address ({1})")]
    Unreachable(String, reqwest::Error),
    /// The server's answer was not 200.
    #[error("the server answered {0}: {1}")]
    Refused(StatusCode, String),
    /// The secret cannot sign.
    #[error(
        "the secret of source {0} is not base64 after its whsec_: give the source a new one with `takings source add`"
    )]
    Secret(String),
}

impl SendError {
    /// Whether sending the same again may help: not when the server understood it and refused.
    fn may_pass(&self) -> bool {
        !matches!(self, SendError::Refused(status, _) if status.is_client_error())
    }
}

/// Sends one order, signed with the source's secret, to the endpoint of the source's platform. An order with a
/// refund goes as an update.
pub async fn send(base_url: &str, source: &Source, order: &DemoOrder) -> Result<(), SendError> {
    let client = http::client().build().map_err(|error| SendError::Unreachable(base_url.to_owned(), error))?;
    post(&client, base_url, source, order, Clock::default().now()).await
}

/// Sends orders about every `pace` until `shutdown`, now and then a refund of one of them. What fails is sent
/// again, with growing pauses.
pub async fn run(
    base_url: String,
    sources: Vec<Source>,
    shop: Shop,
    clock: Clock,
    pace: Duration,
    shutdown: CancellationToken,
) {
    let client = match http::client().build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "the demo cannot send orders");
            return;
        }
    };
    let mut sent: VecDeque<DemoOrder> = VecDeque::with_capacity(REMEMBERED);
    let mut next = None;
    let mut failures = 0u32;
    let mut n = 0;
    loop {
        let pause = if failures == 0 { random_pause(pace) } else { back_off(failures) };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let order = next.take().unwrap_or_else(|| {
            n += 1;
            refund_of_one(&mut sent, clock.now()).unwrap_or_else(|| shop.fresh_order(n, clock.now()))
        });
        let Some(source) = sources.iter().find(|source| source.name == source_name(order.platform)) else { continue };
        let answer = tokio::select! {
            () = shutdown.cancelled() => return,
            answer = post(&client, &base_url, source, &order, clock.now()) => answer,
        };
        match answer {
            Ok(()) => {
                if failures > 0 {
                    tracing::info!(failures, "the demo's orders are taken again");
                }
                failures = 0;
                remember(&mut sent, order);
            }
            Err(error) => {
                if failures == 0 {
                    tracing::warn!(%error, source = source.name, "the demo's order was not taken; it goes on trying");
                }
                failures = failures.saturating_add(1);
                next = Some(order).filter(|_| error.may_pass());
            }
        }
    }
}

async fn post(
    client: &Client,
    base_url: &str,
    source: &Source,
    order: &DemoOrder,
    now: Instant,
) -> Result<(), SendError> {
    let is_update = !order.order.refunds.is_empty();
    // Stays the same when the same is sent again.
    let modified = order.order.sale.as_ref().map_or(0, |sale| sale.modified_at.timestamp_micros());
    let id = format!("msg_{}_{modified}", order.external_id);
    let base_url = base_url.trim_end_matches('/');
    let request = if source.platform == "shopify" {
        let body = shopify_body(order);
        client
            .post(format!("{base_url}/webhooks/shopify/{}", source.name))
            .header("x-shopify-topic", if is_update { "orders/updated" } else { "orders/create" })
            .header("x-shopify-webhook-id", id)
            .header("x-shopify-hmac-sha256", shopify::sign(&body, &source.secrets.current))
            .body(body)
    } else {
        let body = standard_body(order, if is_update { "order.updated" } else { "order.placed" }, now);
        let signature = standard::sign(&id, now.timestamp(), &body, &source.secrets.current)
            .ok_or_else(|| SendError::Secret(source.name.clone()))?;
        client
            .post(format!("{base_url}/webhooks/standard/{}", source.name))
            .header("webhook-id", id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", signature)
            .body(body)
    };
    let unreachable = |error| SendError::Unreachable(base_url.to_owned(), error);
    let answer =
        request.header("content-type", "application/json").timeout(ANSWER_WAIT).send().await.map_err(unreachable)?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(SendError::Refused(answer.status(), answer.text().await.unwrap_or_default()))
}

/// Now and then, one of the sent orders with a refund paid at `now`.
fn refund_of_one(sent: &mut VecDeque<DemoOrder>, now: Instant) -> Option<DemoOrder> {
    if sent.is_empty() || rand::random::<f64>() * 100.0 >= REFUND_PERCENT {
        return None;
    }
    let mut order = sent.remove(rand::random::<u32>() as usize % sent.len())?;
    order.refund(now, rand::random());
    Some(order)
}

fn remember(sent: &mut VecDeque<DemoOrder>, order: DemoOrder) {
    if !order.order.refunds.is_empty() {
        return;
    }
    if sent.len() == REMEMBERED {
        sent.pop_front();
    }
    sent.push_back(order);
}

/// A pause as between buyers who know nothing of each other: exponential around `pace`.
fn random_pause(pace: Duration) -> Duration {
    let times = -(1.0 - rand::random::<f64>()).ln();
    pace.mul_f64(times.min(PAUSE_MAX))
}

fn back_off(failures: u32) -> Duration {
    RETRY_FIRST.saturating_mul(1 << (failures - 1).min(16)).min(RETRY_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_below_four_times_the_pace() {
        let pace = Duration::from_secs(2);
        assert!((0..1000).all(|_| random_pause(pace) <= pace * 4));
    }

    #[test]
    fn pauses_after_failures_grow_to_a_minute() {
        assert_eq!([1, 2, 3, 99].map(back_off).map(|pause| pause.as_secs()), [1, 2, 4, 60]);
    }

    #[test]
    fn an_order_is_refunded_once() {
        let order = Shop::new(1).fresh_order(1, "2026-11-01T14:30:00Z".parse().expect("an instant"));
        let mut sent = VecDeque::new();
        remember(&mut sent, order.clone());
        let refunded =
            std::iter::repeat_with(|| refund_of_one(&mut sent, "2026-11-01T15:00:00Z".parse().expect("an instant")))
                .find_map(|refunded| refunded)
                .expect("a refund");
        assert_eq!(
            (refunded.external_id.as_str(), refunded.order.refunds.len(), sent.len()),
            (order.external_id.as_str(), 1, 0)
        );
        remember(&mut sent, refunded);
        assert!(sent.is_empty());
    }
}
