-- What members, applications and their developers ask for (IM-6.2-a, b, f, j): nothing of it is in force before it is
-- approved. `document` is what was asked for, as it was asked.
create table registration_request (
  id uuid not null,
  kind text not null,
  subject text not null,
  -- Whose approval it needs: the service's application, or null for the ecosystem's administrators.
  provider text,
  document jsonb not null,
  state text not null default 'WAITING',
  agency text not null,
  requested_by text not null,
  requested_at timestamptz not null default now(),
  decided_by text,
  decided_at timestamptz,
  reason text,
  constraint registration_request_pkey primary key (id),
  constraint registration_request_kind_check check (kind in ('member', 'application', 'access')),
  constraint registration_request_state_check
    check (state in ('WAITING', 'SUBMITTED_FOR_APPROVAL', 'APPROVED', 'DECLINED', 'REVOKED')),
  constraint registration_request_decision_check
    check ((state in ('APPROVED', 'DECLINED')) = (decided_by is not null))
);
create index registration_request_state on registration_request (state, id);
create index registration_request_agency on registration_request (agency, id);
