-- The days that a recording changed. By them a server knows which sums that it keeps in memory no longer hold. Recordings only
-- append; the oldest are deleted.
create table day_changes (
    workspace_id int not null references workspaces,
    -- The recording, as the cursor counts them.
    revision bigint not null,
    -- Dates in the workspace's zone. None named: any may have changed.
    days date[] not null,
    primary key (workspace_id, revision)
);

-- What was summed by the minute is summed by the quarter of an hour and kept in memory from then on. No release has read it.
drop table sums_minute;

-- Sums of all orders (dimension and value are empty) and by the values of dimensions.
create view sums_days as
select workspace_id, '' as dimension, bucket, '' as value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
    returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
    reversed_tax_minor, flagged
from sums_day
union all
select workspace_id, dimension, bucket, value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
    returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
    reversed_tax_minor, flagged
from sums_day_by;

create view sums_quarter_hours as
select workspace_id, '' as dimension, bucket, '' as value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
    returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
    reversed_tax_minor, flagged
from sums_quarter_hour
union all
select workspace_id, dimension, bucket, value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
    returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
    reversed_tax_minor, flagged
from sums_quarter_hour_by;

create view ledger_entries as
select workspace_id, at, '' as dimension, '' as value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
    returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
    reversed_tax_minor, flagged
from ledger_measures
union all
select workspace_id, at, dimension, value, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
    returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
    reversed_tax_minor, flagged
from ledger_dimensions;

-- Builds all sums of a workspace again from its ledger. Whoever calls it holds the lock of the cursor.
create or replace function rebuild_sums(workspace int) returns void language sql as $$
    delete from sums_quarter_hour where workspace_id = workspace;
    delete from sums_day where workspace_id = workspace;
    delete from sums_quarter_hour_by where workspace_id = workspace;
    delete from sums_day_by where workspace_id = workspace;
    insert into sums_quarter_hour (workspace_id, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
        returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
        reversed_tax_minor, flagged)
    select workspace, date_bin('15 minutes', at, timestamptz '2000-01-01 00:00Z'), sum(orders), sum(gross_minor),
        sum(discount_minor), sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
        sum(returned_tax_minor), sum(reversed_goods_minor), sum(reversed_shipping_minor), sum(reversed_tax_minor), sum(flagged)
    from ledger_measures where workspace_id = workspace and at is not null group by 2 order by 2;
    insert into sums_day (workspace_id, bucket, orders, gross_minor, discount_minor, shipping_minor, tax_minor,
        returned_goods_minor, returned_shipping_minor, returned_tax_minor, reversed_goods_minor, reversed_shipping_minor,
        reversed_tax_minor, flagged)
    select workspace, (s.bucket at time zone w.zone)::date, sum(orders), sum(gross_minor), sum(discount_minor),
        sum(shipping_minor), sum(tax_minor), sum(returned_goods_minor), sum(returned_shipping_minor),
        sum(returned_tax_minor), sum(reversed_goods_minor), sum(reversed_shipping_minor), sum(reversed_tax_minor), sum(flagged)
    from sums_quarter_hour s join workspaces w on w.id = s.workspace_id where s.workspace_id = workspace group by 2 order by 2;
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
