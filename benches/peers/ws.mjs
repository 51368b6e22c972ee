// Express and ws: a signed order comes in, becomes a row, and is told to everyone; and the page's questions, straight over the rows.

import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import express from "express";
import pg from "pg";
import { WebSocket, WebSocketServer } from "ws";

const { PORT, SECRET, POOL } = process.env;
const pool = new pg.Pool({ max: Number(POOL) });
const app = express();
const server = createServer(app);
server.keepAliveTimeout = 120_000;
const sockets = new WebSocketServer({ server, path: "/ws" });
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

function broadcast(text) {
  for (const socket of sockets.clients) {
    if (socket.readyState === WebSocket.OPEN) socket.send(text);
  }
}

app.post("/webhook/shopify", express.raw({ type: "application/json", limit: "2mb" }), async (request, response) => {
  if (!isSigned(request.get("X-Shopify-Hmac-Sha256"), request.body)) {
    return response.status(401).send("the signature does not match");
  }
  const order = JSON.parse(request.body);
  const { rowCount } = await pool.query({ ...INSERT, values: columns(order) });
  response.sendStatus(200);
  if (rowCount === 1) broadcast(JSON.stringify({ type: "changes", events: [event(order)] }));
});

// The page: eleven questions. Days are the database's, as they were.

async function rows(name, text, values = []) {
  return (await pool.query({ name, text, values })).rows;
}

function percent(now, before) {
  return Number(before) === 0 ? null : (((now - before) / before) * 100).toFixed(1);
}

// A period to date, and the one before it up to the same point.
function toDate(unit) {
  return `
    select count(*) filter (where created_at >= date_trunc('${unit}', now())) as orders,
      coalesce(sum(total) filter (where created_at >= date_trunc('${unit}', now())), 0) as revenue,
      count(*) filter (where created_at < now() - interval '1 ${unit}') as orders_before,
      coalesce(sum(total) filter (where created_at < now() - interval '1 ${unit}'), 0) as revenue_before
    from shopify_orders
    where created_at >= date_trunc('${unit}', now()) - interval '1 ${unit}' and created_at <= now()`;
}

function differences(row) {
  return {
    ordersDiff: row.orders - row.orders_before,
    ordersPercent: percent(row.orders, row.orders_before),
    revenueDiff: (row.revenue - row.revenue_before).toFixed(2),
    revenuePercent: percent(row.revenue, row.revenue_before),
  };
}

async function compared(unit, now, before) {
  const [row] = await rows(`compared ${unit}`, toDate(unit));
  return {
    [now]: { orders: Number(row.orders), revenue: row.revenue },
    [before]: { orders: Number(row.orders_before), revenue: row.revenue_before },
    comparison: differences(row),
  };
}

async function growth(unit, now, before) {
  const [row] = await rows(`growth ${unit}`, toDate(unit));
  const { ordersPercent, revenuePercent } = differences(row);
  return {
    [now]: { order_count: Number(row.orders), revenue: row.revenue },
    [before]: { order_count: Number(row.orders_before), revenue: row.revenue_before },
    comparison: { ordersPercent, revenuePercent },
  };
}

async function today() {
  const [[row], [whole]] = await Promise.all([
    rows("today", toDate("day")),
    rows(
      "yesterday",
      `select count(*) as orders, coalesce(sum(total), 0) as revenue from shopify_orders
       where created_at >= current_date - 1 and created_at < current_date`,
    ),
  ]);
  return {
    today: { orders: Number(row.orders), revenue: row.revenue },
    yesterday: { orders: Number(row.orders_before), revenue: row.revenue_before },
    yesterdayFullDay: { orders: Number(whole.orders), revenue: whole.revenue },
    comparison: { currentTime: new Date().toISOString().slice(11, 16), ...differences(row) },
  };
}

async function projection() {
  const [months, [weeks]] = await Promise.all([
    rows(
      "months",
      `select to_char(month, 'FMMonth') as name, extract(year from month)::int as year, revenue, minutes_streamed as minutes
       from monthly_revenue where month >= date_trunc('quarter', now()) - interval '3 months' order by month`,
    ),
    rows("weeks", "select avg(total_minutes)::int as minutes from spotify_weekly_stats where report_week_start > current_date - 84"),
  ]);
  const of = (column) => months.reduce((sum, month) => sum + Number(month[column]), 0);
  return {
    months: months.map((month) => ({ ...month, status: "actual" })),
    totals: { revenue: of("revenue"), minutes: of("minutes") },
    avgWeeklyMinutes: weeks.minutes,
    lastUpdated: new Date().toISOString(),
  };
}

const QUESTIONS = {
  "/api/comparison/today-vs-yesterday": today,
  "/api/comparison/week-vs-lastweek": () => compared("week", "thisWeek", "lastWeek"),
  "/api/comparison/month-vs-lastmonth": () => compared("month", "thisMonth", "lastMonth"),
  "/api/growth/weekly": () => growth("week", "thisWeek", "lastWeek"),
  "/api/growth/monthly": () => growth("month", "thisMonth", "lastMonth"),
  "/api/growth/daily": ({ days = 30 }) =>
    rows(
      "daily",
      `select created_at::date::text as date, count(*)::int as order_count, sum(total) as revenue from shopify_orders
       where created_at >= current_date - $1::int group by 1 order by 1`,
      [days],
    ),
  "/api/spotify/minutes": ({ weeks = 12 }) =>
    rows(
      "minutes",
      `select report_week_start::text, sum(total_minutes)::int as total_minutes from spotify_weekly_stats
       group by 1 order by 1 desc limit $1`,
      [weeks],
    ),
  "/api/spotify/countries": () =>
    rows(
      "countries by week",
      `select report_week_start::text, country, minutes from spotify_country_stats
       where report_week_start > current_date - 56 order by 1 desc, minutes desc`,
    ),
  "/api/spotify/quarterly-projection": projection,
  "/api/revenue/platforms": () =>
    rows(
      "platforms",
      `select platform, count(*)::int as order_count, sum(total) as revenue from shopify_orders
       where created_at >= now() - interval '30 days' group by 1 order by 3 desc`,
    ),
  "/api/countries": () =>
    rows(
      "countries",
      `select shipping_country, count(*)::int as order_count, sum(total) as revenue from shopify_orders
       where created_at >= now() - interval '30 days' group by 1 order by 3 desc limit 10`,
    ),
};
for (const [path, answer] of Object.entries(QUESTIONS)) {
  app.get(path, async (request, response) => response.json(await answer(request.query)));
}

app.get("/healthz", (_request, response) => response.send("alive"));

server.listen(Number(PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
