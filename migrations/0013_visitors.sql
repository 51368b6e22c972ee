-- Visitors of the shop's pages: how many there are, never who. An address is in none of these tables.

-- The hosts whose pages are counted; empty for every host.
alter table workspaces add column visitor_hosts text[] not null default '{}';

-- What a day's visitors are hashed with: made by the server that needs it first, shared by all, and deleted once the day is over.
create table visitor_salts (
    workspace_id int not null references workspaces,
    day date not null,
    salt bytea not null constraint visitor_salt_length check (length(salt) = 32),
    primary key (workspace_id, day)
);

-- Who was there: a mark is in a table once, so that whichever server inserts it counts the visitor. Marks are deleted when
-- nothing can be counted by them any more.
create table visitor_day_marks (
    workspace_id int not null references workspaces,
    day date not null,
    visitor bytea not null,
    first_at timestamptz not null,
    primary key (workspace_id, day, visitor)
);
-- Yesterday's visitors up to a point in time.
create index visitor_day_marks_by_time on visitor_day_marks (workspace_id, day, first_at);

create table visitor_hour_marks (
    workspace_id int not null references workspaces,
    -- The instant that the hour begins at, cut by the workspace's zone.
    hour timestamptz not null,
    visitor bytea not null,
    primary key (workspace_id, hour, visitor)
);

-- Who is there now. Only the time changes, and no index has it: PostgreSQL updates the row in its place.
create table visitors_now (
    workspace_id int not null references workspaces,
    visitor bytea not null,
    seen_at timestamptz not null,
    primary key (workspace_id, visitor)
) with (fillfactor = 70);

-- What the marks add up to.
create table visitor_days (
    workspace_id int not null references workspaces,
    day date not null,
    visitors bigint not null,
    views bigint not null,
    -- When the first visitor of the day came.
    first_at timestamptz not null,
    primary key (workspace_id, day)
) with (fillfactor = 50);

create table visitor_hours (
    workspace_id int not null references workspaces,
    hour timestamptz not null,
    visitors bigint not null,
    views bigint not null,
    -- Visitors whose first page of the day was in this hour.
    first_visits bigint not null,
    primary key (workspace_id, hour)
) with (fillfactor = 50);

-- The same by what a page view says: where it came from, its page, its country.
create table visitor_parts (
    workspace_id int not null references workspaces,
    day date not null,
    kind text not null constraint visitor_part_kind check (kind in ('referrer', 'page', 'country')),
    -- Text from outside. Empty where it is not known.
    name text not null constraint visitor_part_name check (length(name) <= 512),
    -- Visitors whose first page view of the day it was.
    visitors bigint not null,
    views bigint not null,
    primary key (workspace_id, day, kind, name)
) with (fillfactor = 70);
