-- Aggregators are let in, and changed, by two people, as billers are: they speak for the billers behind them.
create table aggregator_proposal (
  id uuid not null,
  aggregator_id text not null,
  settings jsonb not null,
  state text not null default 'proposed',
  proposed_by text not null,
  proposed_by_application text not null,
  decided_by text,
  reason text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  constraint aggregator_proposal_pkey primary key (id),
  constraint aggregator_proposal_state_check check (state in ('proposed', 'approved', 'rejected')),
  constraint aggregator_proposal_decision_check check ((state = 'proposed') = (decided_by is null)),
  constraint aggregator_proposal_others_check check (decided_by <> proposed_by)
);
create index aggregator_proposal_open on aggregator_proposal (id) where state = 'proposed';

create function aggregator_proposal_decided() returns trigger language plpgsql as $$
begin
  if old.state <> 'proposed'
    or (new.aggregator_id, new.settings, new.proposed_by) is distinct from
       (old.aggregator_id, old.settings, old.proposed_by) then
    raise exception 'a proposal is decided once and never changes' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger aggregator_proposal_decided before update on aggregator_proposal
  for each row execute function aggregator_proposal_decided();
create trigger aggregator_proposal_not_removed before delete or truncate on aggregator_proposal
  for each statement execute function ledger_append_only();
