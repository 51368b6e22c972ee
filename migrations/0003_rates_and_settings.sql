-- Exchange rates beyond the shipped history, the workspace's settings, and changing the reporting currency.

-- Units of a currency for one euro, as the European Central Bank published them. Reference data: of no workspace.
create table exchange_rates (
    day date not null,
    currency text not null constraint exchange_rate_currency check (currency ~ '^[A-Z]{3}$'),
    per_euro numeric not null constraint exchange_rate_positive check (per_euro > 0),
    primary key (day, currency)
);

-- The average length of a title: minutes listened to, divided by it, are completes (R3).
alter table workspaces add column completes_minutes int not null default 530
    constraint completes_minutes_sensible check (completes_minutes between 1 and 100000);

-- Counts the changes of what recordings and figures depend on: the settings and the exchange rates. It stands in the
-- row that every recording locks, so that none is made with books that are out of date.
alter table cursors add column books_revision bigint not null default 0;

-- Orders that no rate was known for are looked for whenever rates arrive.
create index orders_without_rate on orders (workspace_id, id) where rate is null;

-- A change of the reporting currency that is under way; without one there is no row.
create table workspace_recomputations (
    workspace_id int primary key references workspaces,
    -- The reporting currency to come.
    currency text not null,
    requested_at timestamptz not null default now(),
    -- Orders up to this number are computed.
    after_order bigint not null default 0,
    orders_done bigint not null default 0,
    orders_total bigint not null
);

-- What a change of the reporting currency has computed so far, an order a row: its rate into the new currency. A
-- recording that touches an order removes its row, so that it is computed again.
create table recomputed_orders (
    workspace_id int not null,
    order_id bigint not null,
    rate numeric,
    rate_date date,
    primary key (workspace_id, order_id)
);

-- And the order's entries in the ledger as they will be. They count while the order has its row.
create table recomputed_entries (
    workspace_id int not null,
    order_id bigint not null,
    kind ledger_kind not null,
    part text not null,
    revision smallint not null,
    converted_minor bigint,
    orders smallint not null,
    flagged smallint not null,
    primary key (workspace_id, order_id, kind, part, revision)
);
