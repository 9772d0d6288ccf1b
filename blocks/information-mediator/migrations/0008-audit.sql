-- Administrative acts (IM-6.6-e): who set about what, on record before it is done, and what became of it. An act without
-- an outcome was cut off: the process ended in between.
create table audit (
  seq bigint generated always as identity,
  at timestamptz not null,
  exchange_id uuid not null,
  application text not null,
  person text,
  -- The member for which it was done.
  agency text not null,
  surface text not null,
  operation text not null,
  subject jsonb not null,
  constraint audit_pkey primary key (seq)
);
create index audit_agency on audit (agency, seq);
create index audit_at on audit using brin (at);

create table audit_outcome (
  seq bigint not null,
  at timestamptz not null,
  status integer not null,
  refusal text,
  constraint audit_outcome_pkey primary key (seq),
  constraint audit_outcome_audit_fkey foreign key (seq) references audit (seq)
);

create trigger audit_append_only before update or delete or truncate on audit
  for each statement execute function refuse_change();
create trigger audit_outcome_append_only before update or delete or truncate on audit_outcome
  for each statement execute function refuse_change();
