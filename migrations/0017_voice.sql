-- The rooms that people talk in. Who is in them is known to the server that carries the sound, and to nobody after it.
create table voice_rooms (
    workspace_id int not null,
    id int generated always as identity,
    name text not null constraint voice_room_name_length check (char_length(name) between 1 and 60),
    primary key (workspace_id, id),
    constraint voice_room_name unique (workspace_id, name),
    constraint voice_room_workspace foreign key (workspace_id) references workspaces on delete cascade
);

-- Everybody has somewhere to meet.
insert into voice_rooms (workspace_id, name) select id, 'Team room' from workspaces;
