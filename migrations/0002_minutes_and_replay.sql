-- How a kept body is read when it is replayed.
alter table deliveries add column format text not null default 'shopify';
update deliveries set format = 'standard' where problem is not null
    and source_id in (select id from sources where platform <> 'shopify');
create index deliveries_unreadable on deliveries (workspace_id, id) where problem is not null;

-- Sums by minute: a window that ends at any moment reads the ledger for less than a minute.

-- The entries of the ledger as the measures that are summed. A sum of these rows is what a row of sums holds.
create view ledger_measures as
select workspace_id, order_id, occurred_at, orders,
    case when kind = 'sale' then coalesce(converted_minor, 0) else 0 end as gross_minor,
    case when kind = 'discount' then coalesce(converted_minor, 0) else 0 end as discount_minor,
    case when kind = 'shipping' then coalesce(converted_minor, 0) else 0 end as shipping_minor,
    case when kind = 'tax' then coalesce(converted_minor, 0) else 0 end as tax_minor,
    case when kind in ('refund_goods', 'cancel_goods') then coalesce(converted_minor, 0) else 0 end as returned_goods_minor,
    case when kind in ('refund_shipping', 'cancel_shipping') then coalesce(converted_minor, 0) else 0 end
        as returned_shipping_minor,
    case when kind in ('refund_tax', 'cancel_tax') then coalesce(converted_minor, 0) else 0 end as returned_tax_minor,
    flagged
from ledger;

create table sums_minute (
    workspace_id int not null,
    -- Start of the minute, UTC.
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

insert into sums_minute
select workspace_id, date_trunc('minute', occurred_at, 'UTC'), sum(orders), sum(gross_minor), sum(discount_minor),
    sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor), sum(returned_tax_minor),
    sum(flagged)
from ledger_measures group by 1, 2;
