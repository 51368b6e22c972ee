-- Goals of the running periods, and notes that people put on days.

create table goals (
    workspace_id int not null references workspaces,
    id int generated always as identity,
    period text not null constraint goal_period check (period in ('day', 'week', 'month', 'quarter', 'year')),
    measure text not null constraint goal_measure check (measure in ('total', 'net', 'orders')),
    -- Minor units of the currency, or orders.
    target bigint not null constraint goal_target check (target > 0),
    -- The reporting currency when it was set: in another one it says nothing. Null for orders.
    currency text,
    set_by text not null,
    set_at timestamptz not null,
    primary key (workspace_id, id),
    constraint goal_once unique (workspace_id, period, measure),
    constraint goal_currency check ((currency is null) = (measure = 'orders'))
);

create table annotations (
    workspace_id int not null references workspaces,
    id int generated always as identity,
    -- Local dates, as people write them: another zone leaves them where they are.
    first_day date not null,
    last_day date not null,
    body text not null constraint annotation_body check (char_length(body) between 1 and 280),
    -- Who wrote it; null for a script. The name stays when the person goes.
    author_id int,
    author text not null,
    written_at timestamptz not null,
    edited_at timestamptz,
    primary key (workspace_id, id),
    constraint annotation_days check (first_day <= last_day)
);
create index annotations_by_day on annotations (workspace_id, first_day, last_day);
