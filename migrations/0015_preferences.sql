-- How each person likes the page; who has no row has never changed anything.
create table preferences (
    workspace_id int not null,
    person_id int not null,
    -- Whether the page follows what happens by itself.
    live boolean not null,
    toasts boolean not null,
    -- Loudness in percent; 0 is silence.
    sound smallint not null constraint preference_sound check (sound between 0 and 100),
    -- What nobody is to be told of.
    mute_free boolean not null,
    mute_refunds boolean not null,
    -- Notifications of the browser, where it was allowed to show them.
    notify boolean not null,
    primary key (workspace_id, person_id),
    foreign key (workspace_id, person_id) references people on delete cascade
);
