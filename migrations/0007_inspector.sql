-- What stands behind a figure: the orders that do not count, and the rates of orders in another currency.

create index orders_left_out on orders (workspace_id, placed_at) where standing <> 'counted';
create index orders_foreign on orders (workspace_id, currency, placed_at) where rate is not null and rate <> 1;

-- The entries of the ledger as the measures that are summed, as before; but an order's returns are looked up order by order.
-- Joined freely, a plan for all times takes the returns to be few, and reads the whole ledger for them.
create or replace view ledger_measures as
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
from orders o
cross join lateral (
    select kind, converted_minor from ledger
    where workspace_id = o.workspace_id and order_id = o.id
        and kind not in ('sale', 'discount', 'shipping', 'tax', 'fee')
    offset 0
) l;
