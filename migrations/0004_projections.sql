-- Where running periods were expected to end, as of each local noon, and where they did: the record that the page shows.
create table projections (
    workspace_id int not null references workspaces,
    period text not null constraint projection_period check (period in ('day', 'week', 'month', 'quarter')),
    period_start date not null,
    -- The first date after the period.
    period_end date not null,
    -- The local date of the noon.
    made_on date not null,
    -- Total revenue of the period at noon, and at its end: 1 in 10 below, what is expected, 1 in 10 above.
    so_far_minor bigint not null,
    low_minor bigint not null,
    expected_minor bigint not null,
    high_minor bigint not null,
    -- What came, as the sums said soon after the end; null until then.
    actual_minor bigint,
    primary key (workspace_id, made_on, period),
    constraint projection_range check (low_minor <= expected_minor and expected_minor <= high_minor)
);
create index projections_unscored on projections (workspace_id, period_end) where actual_minor is null;
