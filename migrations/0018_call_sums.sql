-- What a call adds up to, from what is kept of it: computed in one place, for calls that go on and, once, for those that end.
create view call_sums as
select c.workspace_id, c.id as call_id,
    (select count(*)::int from call_people p where p.workspace_id = c.workspace_id and p.call_id = c.id) as people,
    (select sum(p.relayed_seconds) from call_people p where p.workspace_id = c.workspace_id and p.call_id = c.id)
        as relayed_seconds,
    s.score, s.loss_percent, s.rtt_ms
from calls c, lateral (
    -- Each ten seconds of a person count the same: who was there for an hour weighs more than who was there for a minute.
    select avg(score)::real as score, avg(loss_percent)::real as loss_percent, avg(rtt_ms)::real as rtt_ms
    from call_samples where workspace_id = c.workspace_id and call_id = c.id
) s;
