-- Statements of royalties, the files that they are from, and what each file changed, so that it can be taken back.

create table imports (
    workspace_id int not null references workspaces,
    id int generated always as identity,
    -- As whoever sent it called it: text from outside.
    file_name text not null,
    sha256 bytea not null,
    kind text not null constraint import_kind check (kind in ('weekly', 'monthly', 'country', 'revenue')),
    rows_new int not null,
    rows_changed int not null,
    rows_same int not null,
    rows_rejected int not null,
    -- The name stays when the person goes.
    imported_by text not null,
    imported_at timestamptz not null,
    undone_by text,
    undone_at timestamptz,
    primary key (workspace_id, id),
    constraint import_undone check ((undone_at is null) = (undone_by is null))
);
-- The same file says nothing new, unless it was taken back.
create unique index import_once on imports (workspace_id, sha256) where undone_at is null;

create table royalty_statements (
    workspace_id int not null,
    series text not null constraint royalty_series check (series in ('weekly', 'country', 'monthly')),
    first_day date not null,
    last_day date not null,
    -- ISO 3166 alpha-2 or ZZ; empty for all countries. So is the title for all titles: both are parts of the key.
    country text not null,
    title text not null,
    minutes bigint not null constraint royalty_minutes check (minutes >= 0),
    -- Cents of a dollar; a week has none.
    revenue_minor bigint constraint royalty_revenue check (revenue_minor >= 0),
    stage text not null constraint royalty_stage check (stage in ('estimate', 'provisional', 'final')),
    -- Where it is from.
    import_id int not null,
    line int not null,
    primary key (workspace_id, series, first_day, last_day, country, title),
    foreign key (workspace_id, import_id) references imports,
    constraint royalty_days check (first_day <= last_day),
    constraint royalty_money check ((series = 'monthly') = (revenue_minor is not null)),
    constraint royalty_estimate check ((series = 'monthly') = (stage <> 'estimate'))
);

-- The statements of a title, for its sum.
create index royalty_statements_by_title on royalty_statements (workspace_id, title, first_day)
    where title <> '' and series = 'monthly';

-- What statements add up to, so that a page costs the same however many there are. An import or its undoing makes the rows
-- anew that it touches; `takings check-sums` holds them against the statements.
create table royalty_periods (
    workspace_id int not null references workspaces,
    series text not null,
    first_day date not null,
    last_day date not null,
    -- 0 all countries and titles, 1 by country, 2 by title, 3 by both. The least that there is stands for the period.
    detail smallint not null,
    statements bigint not null,
    minutes bigint not null,
    revenue_minor bigint,
    stage text not null,
    -- The first line of the earliest import among them.
    import_id int not null,
    line int not null,
    primary key (workspace_id, series, first_day, last_day, detail)
);

create table royalty_countries (
    workspace_id int not null references workspaces,
    first_day date not null,
    last_day date not null,
    series text not null,
    country text not null,
    -- Of all titles, or their sum.
    is_whole boolean not null,
    minutes bigint not null,
    primary key (workspace_id, first_day, last_day, series, country, is_whole)
);

create table royalty_titles (
    workspace_id int not null references workspaces,
    title text not null,
    months bigint not null,
    minutes bigint not null,
    received_minor bigint not null,
    provisional_minor bigint not null,
    primary key (workspace_id, title)
);
create index royalty_titles_by_money on royalty_titles (workspace_id, received_minor desc, title);

-- Every row of a file that was taken, and what stood in its place.
create table import_rows (
    workspace_id int not null,
    import_id int not null,
    line int not null,
    series text not null,
    first_day date not null,
    last_day date not null,
    country text not null,
    title text not null,
    outcome text not null constraint import_outcome check (outcome in ('new', 'changed', 'same')),
    minutes bigint not null,
    revenue_minor bigint,
    stage text not null,
    old_minutes bigint,
    old_revenue_minor bigint,
    old_stage text,
    old_import_id int,
    old_line int,
    primary key (workspace_id, import_id, series, first_day, last_day, country, title),
    foreign key (workspace_id, import_id) references imports,
    constraint import_old check ((outcome = 'new') = (old_minutes is null))
);
-- What came after a row of an import.
create index import_rows_by_key on import_rows (workspace_id, series, first_day, last_day, country, title, import_id);

-- The rows of a file in its order.
create index import_rows_by_line on import_rows (workspace_id, import_id, line);

-- Files that are looked at before they are imported. They go when they are imported, or after a day.
create table import_drafts (
    workspace_id int not null references workspaces,
    token text not null,
    file_name text not null,
    content bytea not null,
    created_at timestamptz not null,
    primary key (workspace_id, token)
);

-- Headings that somebody explained once: fields separated by commas, with nothing for a column that is left out.
create table import_mappings (
    workspace_id int not null references workspaces,
    signature text not null,
    fields text not null,
    made_by text not null,
    made_at timestamptz not null,
    primary key (workspace_id, signature)
);

-- What a quarter was projected to bring, as it stood after the last import of a day, in cents. It shows how good
-- projections were.
create table royalty_projections (
    workspace_id int not null references workspaces,
    quarter date not null,
    made_on date not null,
    low_minor bigint not null,
    mid_minor bigint not null,
    high_minor bigint not null,
    primary key (workspace_id, quarter, made_on)
);
