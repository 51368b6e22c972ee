-- A walk through the orders by time, one by one: with the order's number in the index each page begins where the one before
-- ended, and nothing is sorted.
drop index orders_placed_at;
create index orders_placed_at on orders (workspace_id, placed_at, id);

-- Which order a delivery speaks of: the raw bodies behind an order. Null where it speaks of none, or could not be read.
alter table deliveries add column order_id bigint;
create index deliveries_of_order on deliveries (workspace_id, order_id, id) where order_id is not null;

-- Those that are kept already: their bodies name the order as the platform does.
create function order_named_in(format text, topic text, body bytea) returns text language plpgsql as $$
declare
    said json;
begin
    said := convert_from(body, 'UTF8')::json;
    return case
        when format = 'standard' then said -> 'data' ->> 'id'
        when topic = 'refunds/create' then said ->> 'order_id'
        else said ->> 'id'
    end;
exception when others then
    -- What PostgreSQL cannot read names no order: the delivery is kept all the same.
    return null;
end $$;
update deliveries d set order_id = o.id
from orders o
where d.problem is null and d.topic <> 'orders/delete' and o.workspace_id = d.workspace_id and o.source_id = d.source_id
    and o.external_id = order_named_in(d.format, d.topic, d.body);
drop function order_named_in;
