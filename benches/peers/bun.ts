// Bun's own HTTP, PostgreSQL and publish: a signed order comes in, becomes a row, and is told to everyone.

import { timingSafeEqual } from "node:crypto";
import { SQL } from "bun";

const { PORT, SECRET, POOL, PGHOST, PGUSER, PGPASSWORD, PGDATABASE } = process.env;
const sql = new SQL({
  adapter: "postgres",
  path: `${PGHOST}/.s.PGSQL.5432`,
  username: PGUSER,
  password: PGPASSWORD,
  database: PGDATABASE,
  max: Number(POOL),
});
const TOPIC = "orders";
let sequence = 0;

function isSigned(header: string | null, body: Uint8Array) {
  const expected = new Bun.CryptoHasher("sha256", SECRET).update(body).digest();
  const given = Buffer.from(header ?? "", "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function insert(order: any) {
  const done = await sql`
    insert into shopify_orders (id, order_number, email, created_at, financial_status, fulfillment_status, total, subtotal,
      total_tax, currency, shipping_country, customer_id, line_items_count)
    values (${order.id}, ${order.order_number ?? null}, ${order.email ?? null}, ${order.created_at}, ${order.financial_status},
      ${order.fulfillment_status}, ${order.total_price}, ${order.subtotal_price ?? null}, ${order.total_tax}, ${order.currency},
      ${order.shipping_address?.country_code ?? null}, ${order.customer?.id ?? null}, ${order.line_items.length})
    on conflict (id) do nothing`;
  return done.count === 1;
}

function event(order: any) {
  return {
    sequence: ++sequence,
    kind: "order_created",
    id: String(order.id),
    number: order.name,
    amount_minor: Math.round(Number(order.total_price) * 100),
    currency: order.currency,
    status: order.financial_status,
    country: order.shipping_address?.country_code ?? null,
    platform: "shopify",
    placed_at: order.created_at,
    local_time: new Date(order.created_at).toISOString().slice(11, 16),
  };
}

const server = Bun.serve({
  port: Number(PORT),
  hostname: "127.0.0.1",
  idleTimeout: 120,
  routes: {
    "/healthz": new Response("alive"),
    "/ws": (request, server) => (server.upgrade(request) ? undefined : new Response("a WebSocket's address", { status: 426 })),
    "/webhook/shopify": {
      POST: async (request) => {
        const body = await request.bytes();
        if (!isSigned(request.headers.get("X-Shopify-Hmac-Sha256"), body)) {
          return new Response("the signature does not match", { status: 401 });
        }
        const order = JSON.parse(new TextDecoder().decode(body));
        if (await insert(order)) server.publish(TOPIC, JSON.stringify({ type: "changes", events: [event(order)] }));
        return new Response("OK");
      },
    },
  },
  websocket: {
    idleTimeout: 960,
    open: (socket) => socket.subscribe(TOPIC),
    message() {},
  },
});
process.on("SIGTERM", () => process.exit(0));
