// Express and Socket.IO: a signed order comes in, becomes a row, and is told to everyone.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import pg from "pg";
import { Server } from "socket.io";

const { PORT, SECRET, POOL } = process.env;
const pool = new pg.Pool({ max: Number(POOL) });
const app = express();
const server = createServer(app);
server.keepAliveTimeout = 120_000;
const io = new Server(server, { serveClient: false });
let sequence = 0;

function isSigned(header, body) {
  const expected = createHmac("sha256", SECRET).update(body).digest();
  const given = Buffer.from(header ?? "", "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

const INSERT = {
  name: "insert",
  text: `insert into shopify_orders (id, order_number, email, created_at, financial_status, fulfillment_status, total, subtotal,
           total_tax, currency, shipping_country, customer_id, line_items_count)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (id) do nothing`,
};

function columns(order) {
  return [
    order.id,
    order.order_number,
    order.email,
    order.created_at,
    order.financial_status,
    order.fulfillment_status,
    order.total_price,
    order.subtotal_price,
    order.total_tax,
    order.currency,
    order.shipping_address?.country_code,
    order.customer?.id,
    order.line_items.length,
  ];
}

function event(order) {
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

app.post("/webhook/shopify", express.raw({ type: "application/json", limit: "2mb" }), async (request, response) => {
  if (!isSigned(request.get("X-Shopify-Hmac-Sha256"), request.body)) {
    return response.status(401).send("the signature does not match");
  }
  const order = JSON.parse(request.body);
  const { rowCount } = await pool.query({ ...INSERT, values: columns(order) });
  response.sendStatus(200);
  if (rowCount === 1) io.emit("changes", { type: "changes", events: [event(order)] });
});

app.get("/healthz", (_request, response) => response.send("alive"));

server.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
