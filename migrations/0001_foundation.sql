-- The tables of the foundation. Every table of facts has the workspace first in its key.

create table workspaces (
    id int primary key,
    name text not null,
    -- ISO 4217 code of the reporting currency.
    currency text not null default 'GBP',
    -- IANA name of the zone that cuts the days.
    zone text not null default 'Europe/London',
    -- First day of the week: 1 is Monday, 7 Sunday.
    week_start smallint not null default 1 check (week_start between 1 and 7)
);
insert into workspaces (id, name) values (1, 'Takings');

-- Where orders come from: a shop on a platform, a file, a feed.
create table sources (
    workspace_id int not null references workspaces,
    id int generated always as identity,
    name text not null constraint source_name_form check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    platform text not null,
    secret text not null,
    -- The secret before the last rotation; deliveries signed with it are still accepted.
    previous_secret text,
    created_at timestamptz not null default now(),
    primary key (workspace_id, id),
    constraint source_name_unique unique (workspace_id, name)
);

-- Every delivery that was signed rightly, as it came, also those that could not be read.
create table deliveries (
    workspace_id int not null,
    id bigint generated always as identity,
    source_id int not null,
    received_at timestamptz not null,
    topic text not null,
    -- The sender's name for this delivery.
    external_id text,
    body bytea not null,
    -- Why the body could not be read; null when it was recorded.
    problem text,
    primary key (workspace_id, id)
);
-- Bodies are kept as they are: compressing them would cost more than the disk they take.
alter table deliveries alter column body set storage external;

-- One row an order: what is known of it. Amounts are minor units of the order's currency.
-- The columns of the sale are null while only a refund of the order has been seen.
create table orders (
    workspace_id int not null,
    id bigint not null,
    source_id int not null,
    external_id text not null,
    number text,
    placed_at timestamptz,
    -- The platform's modified time: an older description of the order never replaces a newer one.
    modified_at timestamptz,
    currency text,
    gross_minor bigint,
    discount_minor bigint,
    shipping_minor bigint,
    tax_minor bigint,
    -- What the buyer paid in, where it differs from the shop's currency.
    presentment_currency text,
    presentment_minor bigint,
    country text,
    -- counted, test, draft, deleted, voided or failed (M4).
    standing text,
    payment text,
    cancelled_at timestamptz,
    refunds jsonb,
    -- Reporting currency for one unit of the order's currency; null when no rate was known (M7).
    rate numeric,
    rate_date date,
    primary key (workspace_id, id),
    constraint order_identity unique (workspace_id, source_id, external_id)
);

create type ledger_kind as enum (
    'sale', 'discount', 'shipping', 'tax', 'fee',
    'refund_goods', 'refund_shipping', 'refund_tax', 'cancel_goods', 'cancel_shipping', 'cancel_tax'
);

-- What happened, append-only (M2). The order stands for source account, platform and external id; a correction
-- of an entry is a further revision of it. Amounts are signed: a discount or a refund is negative.
create table ledger (
    workspace_id int not null,
    order_id bigint not null,
    kind ledger_kind not null,
    part text not null,
    revision smallint not null,
    occurred_at timestamptz not null,
    currency text not null,
    amount_minor bigint not null,
    -- In the reporting currency; null when no rate was known.
    converted_minor bigint,
    -- 1 where the entry places an order, -1 where it takes one back, else 0.
    orders smallint not null,
    -- 1 where the entry adds an order without a rate, -1 where the rate has come, else 0.
    flagged smallint not null,
    primary key (workspace_id, order_id, kind, part, revision)
);
create index ledger_occurred_at on ledger (workspace_id, occurred_at);

-- Sums of the ledger, one small table a dimension. Amounts are minor units of the reporting currency.
create table sums_quarter_hour (
    workspace_id int not null,
    -- Start of the quarter of an hour, UTC.
    bucket timestamptz not null,
    orders bigint not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    shipping_minor bigint not null,
    tax_minor bigint not null,
    returned_goods_minor bigint not null,
    returned_shipping_minor bigint not null,
    returned_tax_minor bigint not null,
    flagged bigint not null,
    primary key (workspace_id, bucket)
) with (fillfactor = 50);

create table sums_day (
    workspace_id int not null,
    -- The date in the workspace's zone.
    bucket date not null,
    orders bigint not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    shipping_minor bigint not null,
    tax_minor bigint not null,
    returned_goods_minor bigint not null,
    returned_shipping_minor bigint not null,
    returned_tax_minor bigint not null,
    flagged bigint not null,
    primary key (workspace_id, bucket)
) with (fillfactor = 50);

-- One row a workspace. Its lock is held from the start of a recording to its commit: recordings follow one
-- another, so sequence numbers become visible in their order.
create table cursors (
    workspace_id int primary key references workspaces,
    -- Counts the recordings; a snapshot is of one revision.
    revision bigint not null default 0,
    -- The last number given to a live event.
    last_event bigint not null default 0,
    last_order bigint not null default 0
);
insert into cursors (workspace_id) values (1);

-- What watchers are told, in commit order, without gaps.
create table live_events (
    workspace_id int not null,
    sequence bigint not null,
    recorded_at timestamptz not null,
    event jsonb not null,
    primary key (workspace_id, sequence)
);

create table people (
    workspace_id int not null references workspaces,
    id int generated always as identity,
    name text not null,
    -- argon2id in PHC form.
    password_hash text not null,
    role text not null constraint person_role check (role in ('viewer', 'analyst', 'administrator')),
    created_at timestamptz not null default now(),
    primary key (workspace_id, id)
);
create unique index person_name_unique on people (workspace_id, lower(name));

create table sessions (
    -- SHA-256 of the cookie's token: whoever reads this table cannot sign in with it.
    token_hash bytea primary key,
    workspace_id int not null,
    person_id int not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    foreign key (workspace_id, person_id) references people on delete cascade
);

-- Links that work once: the first administrator's, and those printed by the demo.
create table sign_in_links (
    token_hash bytea primary key,
    workspace_id int not null references workspaces,
    -- Null: whoever opens it becomes the first administrator.
    person_id int,
    expires_at timestamptz not null,
    foreign key (workspace_id, person_id) references people on delete cascade
);

create table api_tokens (
    token_hash bytea primary key,
    workspace_id int not null references workspaces,
    name text not null,
    created_at timestamptz not null default now(),
    constraint api_token_name_unique unique (workspace_id, name)
);

-- Sign-in attempts that failed, counted per name and per address in windows of a quarter of an hour.
create table sign_in_failures (
    subject text not null,
    window_start timestamptz not null,
    failures int not null,
    primary key (subject, window_start)
);
