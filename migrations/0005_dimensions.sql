-- Sums by country, by source and by status of payment; returns dated to their order; one way to build all sums again.

-- Orders by time, for the rows behind a figure and for returns dated to their order.
create index orders_placed_at on orders (workspace_id, placed_at);

-- Returns (refunds and cancellations) of the orders placed in the bucket, whenever they happened: the second view of M5.
alter table sums_minute add column reversed_goods_minor bigint not null default 0,
    add column reversed_shipping_minor bigint not null default 0, add column reversed_tax_minor bigint not null default 0;
alter table sums_quarter_hour add column reversed_goods_minor bigint not null default 0,
    add column reversed_shipping_minor bigint not null default 0, add column reversed_tax_minor bigint not null default 0;
alter table sums_day add column reversed_goods_minor bigint not null default 0,
    add column reversed_shipping_minor bigint not null default 0, add column reversed_tax_minor bigint not null default 0;

-- What the ledger holds, as what is summed, at the time it counts. A return counts twice: on its own date, and as
-- reversed on its order's. A sum of these rows is what a row of sums holds.
drop view ledger_measures;
create view ledger_measures as
select workspace_id, order_id, occurred_at as at, orders::bigint as orders,
    case when kind = 'sale' then coalesce(converted_minor, 0) else 0 end as gross_minor,
    case when kind = 'discount' then coalesce(converted_minor, 0) else 0 end as discount_minor,
    case when kind = 'shipping' then coalesce(converted_minor, 0) else 0 end as shipping_minor,
    case when kind = 'tax' then coalesce(converted_minor, 0) else 0 end as tax_minor,
    case when kind in ('refund_goods', 'cancel_goods') then coalesce(converted_minor, 0) else 0 end as returned_goods_minor,
    case when kind in ('refund_shipping', 'cancel_shipping') then coalesce(converted_minor, 0) else 0 end
        as returned_shipping_minor,
    case when kind in ('refund_tax', 'cancel_tax') then coalesce(converted_minor, 0) else 0 end as returned_tax_minor,
    0::bigint as reversed_goods_minor, 0::bigint as reversed_shipping_minor, 0::bigint as reversed_tax_minor,
    flagged::bigint as flagged
from ledger
union all
select o.workspace_id, o.id, o.placed_at, 0, 0, 0, 0, 0, 0, 0, 0,
    case when l.kind in ('refund_goods', 'cancel_goods') then coalesce(l.converted_minor, 0) else 0 end,
    case when l.kind in ('refund_shipping', 'cancel_shipping') then coalesce(l.converted_minor, 0) else 0 end,
    case when l.kind in ('refund_tax', 'cancel_tax') then coalesce(l.converted_minor, 0) else 0 end,
    0
from orders o join ledger l on l.workspace_id = o.workspace_id and l.order_id = o.id
where l.kind not in ('sale', 'discount', 'shipping', 'tax', 'fee');

-- The same, once for each dimension that an order has a value in.
create view ledger_dimensions as
select m.*, d.dimension, d.value
from ledger_measures m
join orders o on o.workspace_id = m.workspace_id and o.id = m.order_id
cross join lateral (values ('country', coalesce(o.country, 'unknown')), ('source', o.source_id::text),
    ('status', coalesce(o.payment, 'unknown'))) as d (dimension, value);

create table sums_quarter_hour_by (
    workspace_id int not null,
    -- country, source or status.
    dimension text not null,
    -- Start of the quarter of an hour, UTC.
    bucket timestamptz not null,
    -- A country's code, a source's number, what the platform says of the payment; unknown where there is none.
    value text not null,
    orders bigint not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    shipping_minor bigint not null,
    tax_minor bigint not null,
    returned_goods_minor bigint not null,
    returned_shipping_minor bigint not null,
    returned_tax_minor bigint not null,
    reversed_goods_minor bigint not null,
    reversed_shipping_minor bigint not null,
    reversed_tax_minor bigint not null,
    flagged bigint not null,
    primary key (workspace_id, dimension, bucket, value)
) with (fillfactor = 70);

create table sums_day_by (
    workspace_id int not null,
    dimension text not null,
    -- The date in the workspace's zone.
    bucket date not null,
    value text not null,
    orders bigint not null,
    gross_minor bigint not null,
    discount_minor bigint not null,
    shipping_minor bigint not null,
    tax_minor bigint not null,
    returned_goods_minor bigint not null,
    returned_shipping_minor bigint not null,
    returned_tax_minor bigint not null,
    reversed_goods_minor bigint not null,
    reversed_shipping_minor bigint not null,
    reversed_tax_minor bigint not null,
    flagged bigint not null,
    primary key (workspace_id, dimension, bucket, value)
) with (fillfactor = 70);

-- Builds all sums of a workspace again from its ledger. Whoever calls it holds the lock of the cursor.
create function rebuild_sums(workspace int) returns void language sql as $$
    delete from sums_minute where workspace_id = workspace;
    delete from sums_quarter_hour where workspace_id = workspace;
    delete from sums_day where workspace_id = workspace;
    delete from sums_quarter_hour_by where workspace_id = workspace;
    delete from sums_day_by where workspace_id = workspace;
    insert into sums_minute (workspace_id, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
        returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
        reversed_tax_minor, flagged)
    select workspace, date_trunc('minute', at, 'UTC'), sum(orders), sum(gross_minor), sum(discount_minor),
        sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
        sum(returned_tax_minor), sum(reversed_goods_minor), sum(reversed_shipping_minor), sum(reversed_tax_minor), sum(flagged)
    from ledger_measures where workspace_id = workspace and at is not null group by 2 order by 2;
    insert into sums_quarter_hour (workspace_id, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
        returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
        reversed_tax_minor, flagged)
    select workspace, date_bin('15 minutes', bucket, timestamptz '2000-01-01 00:00Z'), sum(orders), sum(gross_minor),
        sum(discount_minor), sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
        sum(returned_tax_minor), sum(reversed_goods_minor), sum(reversed_shipping_minor), sum(reversed_tax_minor), sum(flagged)
    from sums_minute where workspace_id = workspace group by 2 order by 2;
    insert into sums_day (workspace_id, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
        returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
        reversed_tax_minor, flagged)
    select workspace, (s.bucket at time zone w.zone)::date, sum(orders), sum(gross_minor), sum(discount_minor),
        sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
        sum(returned_tax_minor), sum(reversed_goods_minor), sum(reversed_shipping_minor), sum(reversed_tax_minor), sum(flagged)
    from sums_minute s join workspaces w on w.id = s.workspace_id where s.workspace_id = workspace group by 2 order by 2;
    insert into sums_quarter_hour_by (workspace_id, dimension, bucket, value, orders, gross_minor, discount_minor,
        shipping_minor, tax_minor, returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor,
        reversed_shipping_minor, reversed_tax_minor, flagged)
    select workspace, dimension, date_bin('15 minutes', at, timestamptz '2000-01-01 00:00Z'), value, sum(orders),
        sum(gross_minor), sum(discount_minor), sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor),
        sum(returned_shipping_minor), sum(returned_tax_minor), sum(reversed_goods_minor), sum(reversed_shipping_minor),
        sum(reversed_tax_minor), sum(flagged)
    from ledger_dimensions where workspace_id = workspace and at is not null group by 2, 3, 4 order by 2, 3, 4;
    insert into sums_day_by (workspace_id, dimension, bucket, value, orders, gross_minor, discount_minor,
        shipping_minor, tax_minor, returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor,
        reversed_shipping_minor, reversed_tax_minor, flagged)
    select workspace, dimension, (s.bucket at time zone w.zone)::date, value, sum(orders), sum(gross_minor),
        sum(discount_minor), sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
        sum(returned_tax_minor), sum(reversed_goods_minor), sum(reversed_shipping_minor), sum(reversed_tax_minor), sum(flagged)
    from sums_quarter_hour_by s join workspaces w on w.id = s.workspace_id where s.workspace_id = workspace
    group by 2, 3, 4 order by 2, 3, 4;
$$;

select rebuild_sums(id) from workspaces;

-- When a source last delivered something.
alter table sources add column last_delivery_at timestamptz;
update sources s set last_delivery_at = (
    select max(received_at) from deliveries d where d.workspace_id = s.workspace_id and d.source_id = s.id
);
