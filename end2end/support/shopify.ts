// A Shopify shop: the platform's real bodies, re-dated, signed over their exact bytes and delivered as it delivers.

import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const FIXTURES = join(__dirname, '../../src/tests/fixtures');
/** The platform gives up on an answer after five seconds. */
const ANSWER_MS = 5_000;
const RETRY_EVERY_MS = 250;
const RETRY_FOR_MS = 60_000;

const DAY_MS = 24 * 3600 * 1000;

export const SHOP = 'shop';
export const SECRET = 'a secret that only the shop and Takings know';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type Body = Record<string, Json>;

export type Topic = 'orders/create' | 'orders/updated' | 'refunds/create';

/** One delivery: what is posted, the same bytes at each try. */
export interface Delivery {
  topic: Topic;
  body: Buffer;
  webhookId: string;
}

export interface OrderWish {
  /** Minor units. */
  minor: number;
  placedAt?: Date;
  id?: number;
  /** Where it goes, as an ISO code. */
  country?: string;
}

function fixture(name: string): Body {
  return JSON.parse(readFileSync(join(FIXTURES, `shopify-${name}.json`), 'utf8')) as Body;
}

/** Writes minor units as the platform does: `45.67`. */
export function decimal(minor: number): string {
  return `${Math.trunc(minor / 100)}.${String(Math.abs(minor % 100)).padStart(2, '0')}`;
}

/** Writes minor units of pounds as the page does: `£1,045.67`. */
export function pounds(minor: number): string {
  const text = (Math.abs(minor) / 100).toLocaleString('en-GB', { minimumFractionDigits: 2 });
  return `${minor < 0 ? '\u2212' : ''}£${text}`;
}

/** The body with every currency in it made pounds. */
function inPounds(value: Json): Json {
  if (Array.isArray(value)) return value.map(inPounds);
  if (value === null || typeof value !== 'object') return value;
  const named = (key: string) => key === 'currency' || key === 'currency_code' || key === 'presentment_currency';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, named(key) ? 'GBP' : inPounds(inner)]));
}

// Ids of a run: they differ between the tests of a file, which share a server.
let newestId = 6_000_000_000 + (Date.now() % 1_000_000) * 1_000;

export function newId(): number {
  newestId += 1;
  return newestId;
}

export function daysAgo(days: number): Date {
  return new Date(Date.now() - days * DAY_MS);
}

function delivery(topic: Topic, body: Body): Delivery {
  return { topic, body: Buffer.from(JSON.stringify(body)), webhookId: randomUUID() };
}

/** A real order of Shopify's (to Canada, discounted), with its own id, date, country and total, in pounds. */
export function order({ minor, placedAt = new Date(), id = newId(), country = 'CA' }: OrderWish, topic: Topic = 'orders/create'): Delivery {
  const real = inPounds(fixture('orders_create_discounted')) as Body;
  const at = placedAt.toISOString();
  const total = decimal(minor);
  const money = { amount: total, currency_code: 'GBP' };
  return delivery(topic, {
    ...real,
    id,
    admin_graphql_api_id: `gid://shopify/Order/${id}`,
    name: `#${id % 100_000}`,
    created_at: at,
    processed_at: at,
    updated_at: at,
    total_price: total,
    current_total_price: total,
    total_price_set: { shop_money: money, presentment_money: money },
    shipping_address: { ...(real.shipping_address as Body), country_code: country },
  });
}

/** A real refund of Shopify's, of now, that pays back `minor` of the order. */
export function refund(orderId: number, minor: number): Delivery {
  const real = inPounds(fixture('refunds_create')) as Body;
  const at = new Date().toISOString();
  const id = newId();
  const [transaction] = real.transactions as Body[];
  return delivery('refunds/create', {
    ...real,
    id,
    order_id: orderId,
    created_at: at,
    processed_at: at,
    transactions: [
      { ...transaction, id: newId(), order_id: orderId, created_at: at, processed_at: at, amount: decimal(minor) },
    ],
  });
}

export class Shop {
  /** Tries that were not taken. */
  refused = 0;

  constructor(
    private readonly url: string,
    private readonly secret: string = SECRET,
  ) {}

  /** Posts once; the status. `secret` signs instead of the shop's own. */
  async post({ topic, body, webhookId }: Delivery, secret: string = this.secret): Promise<number> {
    const answer = await fetch(`${this.url}/webhooks/shopify/${SHOP}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-shopify-topic': topic,
        'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
        'x-shopify-shop-domain': 'jsmith.myshopify.com',
        'x-shopify-webhook-id': webhookId,
        'x-shopify-triggered-at': new Date().toISOString(),
      },
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** Delivers as the platform does: again and again until it is taken. Returns how many tries it took. */
  async deliver(what: Delivery): Promise<number> {
    const deadline = Date.now() + RETRY_FOR_MS;
    for (let tries = 1; ; tries += 1) {
      const status = await this.post(what).catch((error: Error) => error.message);
      if (typeof status === 'number' && status >= 200 && status < 300) return tries;
      this.refused += 1;
      if (Date.now() > deadline) throw new Error(`an order was not taken in a minute; the last answer: ${status}`);
      await pause(RETRY_EVERY_MS);
    }
  }
}

/** Orders that keep arriving, several at once, until they are told to end. */
export class Rush {
  private ending = false;
  private readonly pending = new Set<Promise<void>>();
  private readonly sending: Promise<void>;
  private failure?: unknown;
  /** Orders that were sent, and the sum of their totals. */
  orders = 0;
  minor = 0;
  /** Deliveries that were not taken at the first try. */
  retried = 0;

  constructor(shop: Shop, everyMs = 60) {
    this.sending = this.run(shop, everyMs);
  }

  private async run(shop: Shop, everyMs: number): Promise<void> {
    while (!this.ending) {
      // Totals that differ: a lost order and a doubled one can't make up for each other.
      const minor = 1_000 + 37 * this.orders;
      this.orders += 1;
      this.minor += minor;
      const delivered = shop
        .deliver(order({ minor }))
        .then((tries) => void (this.retried += tries > 1 ? 1 : 0))
        .catch((error: unknown) => void (this.failure ??= error))
        .finally(() => this.pending.delete(delivered));
      this.pending.add(delivered);
      await pause(everyMs);
    }
  }

  /** Sends no more; returns when all that was sent is taken. */
  async end(): Promise<void> {
    this.ending = true;
    await this.sending;
    await Promise.all(this.pending);
    if (this.failure) throw this.failure;
  }
}
