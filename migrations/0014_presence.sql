-- Who is on the page, as each server says of its own sockets. Nothing here is worth the log: it is written again every few seconds,
-- and after a crash by those who are there.

create unlogged table presence (
    workspace_id int not null,
    -- A server, by the number that it gave itself when it started.
    server_id bigint not null,
    person_id int not null,
    -- Where they look, in words; empty where their browser did not say.
    place text not null constraint presence_place_length check (char_length(place) <= 60),
    idle boolean not null,
    -- When they came, or when place or idle changed.
    moved_at timestamptz not null default now(),
    -- When their server said so last, by the database's clock: a server that says nothing more has died.
    seen_at timestamptz not null default now(),
    primary key (workspace_id, server_id, person_id),
    constraint presence_person foreign key (workspace_id, person_id) references people on delete cascade
);
