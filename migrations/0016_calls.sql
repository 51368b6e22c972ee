-- Calls: who was in them and how they went, as samples of ten seconds, and what was the matter.

-- How long calls are kept, in days, and what the relay is taken to cost: millionths of a dollar for a person and an hour.
alter table workspaces add column call_days int not null default 30 constraint workspace_call_days check (call_days between 1 and 3650);
alter table workspaces add column relay_hour_micros bigint not null default 50000
    constraint workspace_relay_hour check (relay_hour_micros between 0 and 1000000000);

create table calls (
    workspace_id int not null references workspaces,
    -- The number that the server of voice gave it.
    id bigint not null,
    room_id int not null,
    -- What the room was called then; rooms are renamed and removed.
    room text not null,
    began_at timestamptz not null,
    -- When it was sampled last.
    seen_at timestamptz not null,
    -- Null while it goes on, as is what follows: it is added up once, when the call has ended.
    ended_at timestamptz,
    people int,
    score real,
    loss_percent real,
    rtt_ms real,
    relayed_seconds double precision,
    primary key (workspace_id, id)
);
create index calls_by_time on calls (workspace_id, began_at);
create index calls_by_room on calls (workspace_id, room_id, began_at);
-- Those whose time has come, and those of a server that died.
create index calls_by_end on calls (workspace_id, seen_at);

create table call_people (
    workspace_id int not null,
    call_id bigint not null,
    person_id int not null,
    -- The name stays when the person goes.
    name text not null,
    joined_at timestamptz not null,
    seen_at timestamptz not null,
    relayed_seconds double precision not null,
    relayed_bytes bigint not null,
    primary key (workspace_id, call_id, person_id),
    constraint call_people_call foreign key (workspace_id, call_id) references calls on delete cascade
);

-- A person for ten seconds: means of what was measured, null where nothing was.
create table call_samples (
    workspace_id int not null,
    call_id bigint not null,
    -- When the ten seconds began.
    at timestamptz not null,
    person_id int not null,
    up_kbps real not null,
    down_kbps real not null,
    rtt_ms real,
    jitter_ms real,
    loss_percent real,
    concealed_percent real,
    -- From 0 to 100.
    score real,
    relayed boolean not null,
    primary key (workspace_id, call_id, at, person_id),
    constraint call_samples_call foreign key (workspace_id, call_id) references calls on delete cascade
);

create table call_alerts (
    workspace_id int not null,
    id bigint not null,
    call_id bigint not null,
    person_id int not null,
    person text not null,
    kind text not null constraint call_alert_kind check (kind in ('loss', 'delay', 'disconnected', 'quality')),
    severity text not null constraint call_alert_severity check (severity in ('warning', 'critical')),
    -- The worst that was measured: percent, ms, seconds or the score.
    worst real not null,
    raised_at timestamptz not null,
    cleared_at timestamptz,
    -- Who has seen it; the name stays when the person goes.
    acknowledged_by text,
    acknowledged_at timestamptz,
    primary key (workspace_id, id),
    constraint call_alert_acknowledged check ((acknowledged_by is null) = (acknowledged_at is null)),
    constraint call_alerts_call foreign key (workspace_id, call_id) references calls on delete cascade
);
create index call_alerts_by_call on call_alerts (workspace_id, call_id, raised_at);
