-- Who is paid bills, through whom they are reached, and the institutions whose customers pay them.

create table payer_institution (
  id text not null,
  application text not null,
  name text not null,
  bic text,
  -- Where it is told things; without one it only asks.
  service text,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint payer_institution_pkey primary key (id),
  constraint payer_institution_application_key unique (application),
  constraint payer_institution_bic_key unique (bic)
);

-- Names by which customers of a payer institution can be asked to pay; the name is kept as a token only.
create table payer_alias (
  alias_type text not null,
  alias_token bytea not null,
  payer_id text not null,
  address_cipher bytea,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint payer_alias_pkey primary key (alias_type, alias_token),
  constraint payer_alias_payer_fkey foreign key (payer_id) references payer_institution (id),
  constraint payer_alias_type_check check (alias_type in ('00', '01', '02'))
);

create table aggregator (
  id text not null,
  name text not null,
  application text not null,
  service text not null,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint aggregator_pkey primary key (id)
);

create sequence biller_number start 1;
create sequence biller_prefix_number start 1001;

create table biller (
  id text not null,
  prefix text not null,
  name text not null,
  short_name text not null,
  agency text not null,
  aggregator_id text,
  application text not null,
  service text not null,
  group_code text not null,
  currency text not null,
  bill_id_length integer not null,
  bill_id_check text not null,
  part_payment boolean not null,
  status_codes jsonb not null,
  inquiry_timeout_seconds double precision not null,
  disclaimer text,
  institution text not null,
  account_cipher bytea not null,
  suspended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint biller_pkey primary key (id),
  constraint biller_prefix_key unique (prefix),
  constraint biller_aggregator_fkey foreign key (aggregator_id) references aggregator (id),
  constraint biller_prefix_check check (prefix ~ '^[0-9A-Z]{2,8}$'),
  constraint biller_length_check check (bill_id_length between 4 and 20),
  constraint biller_check_check check (bill_id_check in ('none', 'luhn', 'mod97')),
  constraint biller_timeout_check check (inquiry_timeout_seconds > 0 and inquiry_timeout_seconds <= 60)
);
create index biller_application on biller (application);
create index biller_aggregator on biller (aggregator_id);

create function biller_changed() returns trigger language plpgsql as $$
begin
  if (new.id, new.prefix, new.currency) is distinct from (old.id, old.prefix, old.currency) then
    raise exception 'id, prefix and currency of a biller never change' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger biller_changed before update on biller for each row execute function biller_changed();

-- What somebody wants a biller to be, and who else agreed (PAY-9.3.1).
create table biller_proposal (
  id uuid not null,
  biller_id text,
  settings jsonb not null,
  account_cipher bytea not null,
  state text not null default 'proposed',
  proposed_by text not null,
  proposed_by_application text not null,
  agency text not null,
  decided_by text,
  reason text,
  created_at timestamptz not null default now(),
  decided_at timestamptz,
  constraint biller_proposal_pkey primary key (id),
  constraint biller_proposal_biller_fkey foreign key (biller_id) references biller (id),
  constraint biller_proposal_state_check check (state in ('proposed', 'approved', 'rejected')),
  constraint biller_proposal_decision_check check ((state = 'proposed') = (decided_by is null)),
  constraint biller_proposal_others_check check (decided_by <> proposed_by)
);
create index biller_proposal_open on biller_proposal (id) where state = 'proposed';

create function biller_proposal_decided() returns trigger language plpgsql as $$
begin
  if old.state <> 'proposed'
    or (new.settings, new.account_cipher, new.proposed_by, new.agency)
      is distinct from (old.settings, old.account_cipher, old.proposed_by, old.agency) then
    raise exception 'a proposal is decided once and never changes' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger biller_proposal_decided before update on biller_proposal
  for each row execute function biller_proposal_decided();
create trigger biller_proposal_not_removed before delete or truncate on biller_proposal
  for each statement execute function ledger_append_only();
