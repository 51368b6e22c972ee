-- How many orders have which value, so that the median of any window is read in a bounded number of rows.

-- The orders that count, at their totals as placed. An order that was moved or taken back adds up to none where it was.
create view ledger_order_values as
select workspace_id, order_id, occurred_at as placed_at, floor(extract(epoch from occurred_at) / 900)::bigint as quarter,
    sum(converted_minor)::bigint as value_minor
from ledger where kind in ('sale', 'discount', 'shipping', 'tax')
group by workspace_id, order_id, occurred_at having sum(orders) > 0;

-- A tree of counts. Time is cut into cells: quarters of an hour since 1970, UTC, and cells of 8, 64, 512 and 4,096 of them,
-- so that a window is a few dozen of them whatever its length and the workspace's zone. In each cell the values are counted
-- in three levels: by value >> 16, below each of these by value >> 8, below each of those by the value itself.
create table order_values (
    workspace_id int not null,
    -- Bits that the level leaves out of a value: 16, 8 or 0.
    level smallint not null,
    -- The length of the cell: 8 ^ grain quarters of an hour, 0 to 4.
    grain smallint not null,
    -- What the values below have in common: value >> (level + 8); 0 in the first level, which holds all.
    node bigint not null,
    -- The number of the cell: quarter >> (3 * grain).
    cell bigint not null,
    -- The values >> level that there are, and how many orders have each.
    children bigint[] not null,
    orders int[] not null,
    primary key (workspace_id, level, grain, node, cell)
) with (fillfactor = 70, toast_tuple_target = 8160);
-- The newest cells change every second. Up to 256 children stay in the row, as they are.
alter table order_values alter column children set storage external, alter column orders set storage external;

-- What recordings have added that is not in the tree yet: a row a recording, to be the least that it can cost them.
create table order_value_additions (
    workspace_id int not null,
    -- The recording, as the cursor counts them.
    revision bigint not null,
    -- For each entry the quarter of an hour, the value, and how many orders more or fewer have it.
    quarters bigint[] not null,
    values_minor bigint[] not null,
    orders int[] not null,
    primary key (workspace_id, revision)
);

-- Builds the tree again from the ledger. Whoever calls it holds the lock of the cursor; folding waits for the lock taken
-- here.
create function rebuild_order_values(workspace int) returns void language plpgsql as $$
begin
    perform from workspaces where id = workspace for no key update;
    delete from order_value_additions where workspace_id = workspace;
    delete from order_values where workspace_id = workspace;
    -- The values in each quarter of an hour.
    insert into order_values (workspace_id, level, grain, node, cell, children, orders)
    select workspace, 0, 0, value_minor >> 8, quarter, array_agg(value_minor order by value_minor),
        array_agg(orders order by value_minor)
    from (
        select quarter, value_minor, count(*)::int as orders from ledger_order_values where workspace_id = workspace
        group by quarter, value_minor
    ) as counted
    group by value_minor >> 8, quarter order by value_minor >> 8, quarter;
    -- In longer cells, each length from the one before.
    for longer in 1..4 loop
        insert into order_values (workspace_id, level, grain, node, cell, children, orders)
        select workspace, 0, longer, node, cell, array_agg(child order by child), array_agg(orders order by child)
        from (
            select node, cell >> 3 as cell, child, sum(counted.orders)::int as orders
            from order_values v cross join unnest(v.children, v.orders) as counted (child, orders)
            where workspace_id = workspace and level = 0 and grain = longer - 1 group by 1, 2, 3
        ) as counted
        group by node, cell order by node, cell;
    end loop;
    -- The levels above, each from the one below.
    for above in 1..2 loop
        insert into order_values (workspace_id, level, grain, node, cell, children, orders)
        select workspace, 8 * above, grain, case above when 2 then 0 else node >> 8 end, cell, array_agg(node order by node),
            array_agg(orders order by node)
        from (
            select grain, node, cell, (select sum(n)::int from unnest(orders) n) as orders
            from order_values where workspace_id = workspace and level = 8 * (above - 1)
        ) as counted
        group by 3, 4, 5 order by 3, 4, 5;
    end loop;
end
$$;

select rebuild_order_values(id) from workspaces;
