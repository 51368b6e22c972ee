-- The tables of the page that Takings replaces, with the index that its questions need.
create table shopify_orders (
    id bigint primary key,
    order_number int,
    email varchar(255),
    created_at timestamptz not null,
    financial_status varchar(50),
    fulfillment_status varchar(50),
    total numeric(10, 2) not null,
    subtotal numeric(10, 2),
    total_tax numeric(10, 2),
    currency varchar(10) not null,
    shipping_country varchar(100),
    customer_id bigint,
    line_items_count int,
    platform varchar(50) not null default 'shopify'
);
create index shopify_orders_created_at on shopify_orders (created_at);

create table spotify_weekly_stats (
    report_week_start date not null,
    report_week_end date not null,
    total_minutes int not null,
    country varchar(10),
    unique (report_week_start, report_week_end, country)
);
create table spotify_country_stats (
    report_week_start date not null,
    country varchar(10) not null,
    minutes int not null,
    unique (report_week_start, country)
);
create table monthly_revenue (
    month date not null unique,
    minutes_streamed bigint not null,
    revenue numeric(10, 2) not null
);

-- Two years of royalties, in twelve countries.
insert into spotify_weekly_stats
select week::date, week::date + 6, 60000 + n * 97 % 20000, null
from generate_series(date_trunc('week', now()) - interval '103 weeks', date_trunc('week', now()), interval '1 week')
    with ordinality as weeks (week, n);
insert into spotify_country_stats
select report_week_start, listeners.country, 2000 + (report_week_start - date '2020-01-01')
from spotify_weekly_stats,
    unnest(array['GB', 'US', 'DE', 'FR', 'NL', 'IE', 'ES', 'IT', 'SE', 'CA', 'AU', 'JP']) as listeners (country);
insert into monthly_revenue
select month::date, 400000 + n * 1931 % 60000, 3000 + n * 37 % 900
from generate_series(date_trunc('month', now()) - interval '24 months', date_trunc('month', now()) - interval '1 month',
    interval '1 month') with ordinality as months (month, n);
