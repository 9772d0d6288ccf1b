-- Vouchers: groups and their stock, the vouchers with every move they make, who may cash them in, and each cashing in.

create table voucher_group (
  source_id text not null,
  code text not null,
  programme_id text not null,
  name text not null,
  description text,
  -- Counted from activation, the same for every voucher of the group (PAY-6.2.1-b).
  validity_seconds integer not null,
  -- Empty: any merchant.
  merchant_groups text[] not null default '{}',
  on_demand boolean not null default false,
  variable_amounts boolean not null default false,
  cancel_suspended boolean not null default false,
  payee_check jsonb,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint voucher_group_pkey primary key (source_id, code),
  constraint voucher_group_programme_fkey
    foreign key (source_id, programme_id) references programme (source_id, id),
  constraint voucher_group_validity_check check (validity_seconds between 1 and 315360000),
  constraint voucher_group_variable_check check (on_demand or not variable_amounts)
);

create table voucher_denomination (
  source_id text not null,
  group_code text not null,
  amount bigint not null,
  stock_threshold integer not null default 0,
  -- Set while the stock is known to be low: one alarm until it is filled up again.
  alarmed_at timestamptz,
  constraint voucher_denomination_pkey primary key (source_id, group_code, amount),
  constraint voucher_denomination_group_fkey
    foreign key (source_id, group_code) references voucher_group (source_id, code),
  constraint voucher_denomination_amount_check check (amount > 0),
  constraint voucher_denomination_threshold_check check (stock_threshold >= 0)
);

-- Keys for voucher numbers, each wrapped by a key that is not in the database.
create table voucher_key (
  id integer not null,
  wrapped bytea not null,
  created_by text not null,
  created_at timestamptz not null default now(),
  constraint voucher_key_pkey primary key (id)
);
create trigger voucher_key_append_only before update or delete or truncate on voucher_key
  for each statement execute function ledger_append_only();

-- Key of a source to which numbers are encrypted when they leave.
create table voucher_recipient_key (
  source_id text not null,
  public_key jsonb not null,
  updated_at timestamptz not null default now(),
  constraint voucher_recipient_key_pkey primary key (source_id),
  constraint voucher_recipient_key_source_fkey foreign key (source_id) references source_system (id)
);

create table voucher_request (
  id uuid not null,
  source_id text not null,
  operation text not null,
  request_id text not null,
  batch_id text,
  content_hash text not null,
  voucher_count integer not null,
  -- Sealed: by mistake a secret number may stand where a serial number should.
  failures_cipher bytea,
  caller text not null,
  created_at timestamptz not null default now(),
  constraint voucher_request_pkey primary key (id),
  constraint voucher_request_key unique (source_id, operation, request_id),
  constraint voucher_request_source_fkey foreign key (source_id) references source_system (id),
  constraint voucher_request_operation_check check (operation in ('create', 'activate', 'cancel'))
);
-- A batch of vouchers is created by one request.
create unique index voucher_request_batch on voucher_request (source_id, batch_id)
  where operation = 'create' and batch_id is not null;

create table voucher_stock_batch (
  id uuid not null,
  source_id text not null,
  group_code text not null,
  reference text not null,
  amount bigint not null,
  voucher_count integer not null,
  actor text not null,
  created_at timestamptz not null default now(),
  constraint voucher_stock_batch_pkey primary key (id),
  constraint voucher_stock_batch_key unique (source_id, group_code, reference),
  constraint voucher_stock_batch_group_fkey
    foreign key (source_id, group_code) references voucher_group (source_id, code)
);

-- Fifteen digits and a check digit: below 2^53, so that no reader of JSON loses any.
create sequence voucher_serial minvalue 100000000000000 maxvalue 900000000000000;

create table voucher (
  id uuid not null,
  serial text not null,
  number_token bytea not null,
  number_cipher bytea,
  key_id integer not null,
  source_id text not null,
  programme_id text not null,
  group_code text not null,
  currency text not null,
  amount bigint not null,
  stock_batch_id uuid,
  state text not null,
  -- Who moved it last, and why; each move is copied to its history.
  actor text not null,
  reason text,
  request_id uuid,
  instruction_id text,
  payee_token bytea,
  payee_cipher bytea,
  narration text,
  wrong_numbers integer not null default 0,
  reserved_until timestamptz,
  activated_at timestamptz,
  expires_at timestamptz,
  purge_after timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  due_at timestamptz generated always as (
    case
      when state = 'pre-activated' then reserved_until
      when state in ('activated', 'suspended', 'blocked') then expires_at
      when state in ('redeemed', 'cancelled', 'expired') then purge_after
    end
  ) stored,
  constraint voucher_pkey primary key (id),
  -- Unique across sources, groups and currencies (PAY-6.2.1-a).
  constraint voucher_serial_key unique (serial),
  constraint voucher_number_key unique (number_token),
  constraint voucher_group_fkey foreign key (source_id, group_code) references voucher_group (source_id, code),
  constraint voucher_programme_fkey
    foreign key (source_id, programme_id) references programme (source_id, id),
  constraint voucher_key_fkey foreign key (key_id) references voucher_key (id),
  constraint voucher_request_fkey foreign key (request_id) references voucher_request (id),
  constraint voucher_stock_batch_fkey foreign key (stock_batch_id) references voucher_stock_batch (id),
  constraint voucher_amount_check check (amount > 0),
  constraint voucher_state_check check (state in (
    'provisioned', 'pre-activated', 'activated', 'suspended', 'blocked', 'redeeming', 'redeemed', 'cancelled',
    'expired', 'purged'
  ))
);
-- An instruction of a source gets one voucher.
create unique index voucher_instruction on voucher (source_id, instruction_id) where instruction_id is not null;
create index voucher_of_request on voucher (request_id) where request_id is not null;
create index voucher_in_stock on voucher (source_id, group_code, amount, serial) where state = 'provisioned';
create index voucher_due on voucher (due_at) where due_at is not null;
create index voucher_list on voucher (source_id, group_code, id);
create index voucher_sealed on voucher (key_id) where number_cipher is not null;

create table voucher_move (
  from_state text not null,
  to_state text not null,
  constraint voucher_move_pkey primary key (from_state, to_state)
);
insert into voucher_move (from_state, to_state) values
  ('provisioned', 'pre-activated'),
  ('provisioned', 'cancelled'),
  ('pre-activated', 'activated'),
  ('pre-activated', 'cancelled'),
  ('pre-activated', 'expired'),
  ('activated', 'suspended'),
  ('activated', 'blocked'),
  ('activated', 'redeeming'),
  ('activated', 'cancelled'),
  ('activated', 'expired'),
  ('suspended', 'activated'),
  ('suspended', 'cancelled'),
  ('suspended', 'expired'),
  ('blocked', 'activated'),
  ('blocked', 'cancelled'),
  ('blocked', 'expired'),
  ('redeeming', 'redeemed'),
  ('redeeming', 'activated'),
  ('redeemed', 'purged'),
  ('cancelled', 'purged'),
  ('expired', 'purged');

create table voucher_event (
  id bigint not null generated always as identity,
  voucher_id uuid not null,
  from_state text,
  to_state text not null,
  reason text,
  actor text not null,
  at timestamptz not null default now(),
  constraint voucher_event_pkey primary key (id)
);
create index voucher_event_voucher on voucher_event (voucher_id, id);
create trigger voucher_event_append_only before update or delete or truncate on voucher_event
  for each statement execute function ledger_append_only();

create function voucher_created() returns trigger language plpgsql as $$
begin
  if exists (select from after_rows a where a.state <> 'provisioned') then
    raise exception 'a voucher begins in stock' using errcode = 'restrict_violation';
  end if;
  insert into voucher_event (voucher_id, from_state, to_state, reason, actor)
  select a.id, null, a.state, a.reason, a.actor from after_rows a;
  return null;
end $$;
create trigger voucher_created after insert on voucher
  referencing new table as after_rows
  for each statement execute function voucher_created();

create function voucher_moved() returns trigger language plpgsql as $$
begin
  if exists (
    select
    from before_rows b
    join after_rows a on a.id = b.id
    where (a.serial, a.source_id, a.programme_id, a.group_code, a.currency, a.amount, a.stock_batch_id,
           a.created_at)
      is distinct from
          (b.serial, b.source_id, b.programme_id, b.group_code, b.currency, b.amount, b.stock_batch_id,
           b.created_at)
      or (a.expires_at is distinct from b.expires_at
        and not (b.state = 'pre-activated' and a.state = 'activated'))
  ) or (select count(*) from before_rows b join after_rows a on a.id = b.id)
    <> (select count(*) from before_rows) then
    raise exception 'what a voucher is worth, for whom and how long never changes'
      using errcode = 'restrict_violation';
  end if;
  if exists (
    select
    from before_rows b
    join after_rows a on a.id = b.id
    left join voucher_move m on m.from_state = b.state and m.to_state = a.state
    where a.state <> b.state and m.from_state is null
  ) then
    raise exception 'a voucher makes no such move' using errcode = 'restrict_violation';
  end if;
  insert into voucher_event (voucher_id, from_state, to_state, reason, actor)
  select a.id, b.state, a.state, a.reason, a.actor
  from before_rows b
  join after_rows a on a.id = b.id
  where a.state <> b.state;
  return null;
end $$;
create trigger voucher_moved after update on voucher
  referencing old table as before_rows new table as after_rows
  for each statement execute function voucher_moved();
create trigger voucher_not_removed before delete or truncate on voucher
  for each statement execute function ledger_append_only();

-- Merchants and agents that the treasury registered; the network itself is outside (PAY-5.2.2).
create table merchant (
  id text not null,
  name text not null,
  application text not null,
  voucher_groups text[] not null default '{}',
  modality text not null,
  institution_code text,
  address_cipher bytea not null,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint merchant_pkey primary key (id),
  constraint merchant_modality_check check (modality in ('00', '01', '03', '04'))
);
create index merchant_application on merchant (application);

-- One cashing in of one voucher: committed before the rail hears of it. Its id is the reference at the rail.
create table voucher_redemption (
  id uuid not null,
  voucher_id uuid not null,
  payee text not null,
  request_id text not null,
  caller text not null,
  overridden boolean not null,
  rail_id text not null,
  institution_code text,
  address_cipher bytea,
  amount bigint not null,
  currency text not null,
  state text not null default 'sent',
  reason_code text,
  rail_reference text,
  sends integer not null default 1,
  resend boolean not null default false,
  checks integer not null default 0,
  next_check_at timestamptz not null,
  correlation_id text not null,
  sent_at timestamptz not null default now(),
  answered_at timestamptz,
  answered_by text,
  constraint voucher_redemption_pkey primary key (id),
  constraint voucher_redemption_request_key unique (payee, request_id),
  constraint voucher_redemption_voucher_fkey foreign key (voucher_id) references voucher (id),
  constraint voucher_redemption_rail_fkey foreign key (rail_id) references rail (id),
  constraint voucher_redemption_state_check check (state in ('sent', 'unknown', 'succeeded', 'failed'))
);
-- A voucher is cashed in once (PAY-6.2.3-c).
create unique index voucher_redeemed_once on voucher_redemption (voucher_id) where state <> 'failed';
create index voucher_redemption_check on voucher_redemption (next_check_at) where state in ('sent', 'unknown');
create index voucher_redemption_voucher on voucher_redemption (voucher_id, sent_at);

create table voucher_redemption_move (
  from_state text not null,
  to_state text not null,
  constraint voucher_redemption_move_pkey primary key (from_state, to_state)
);
insert into voucher_redemption_move (from_state, to_state) values
  ('sent', 'succeeded'),
  ('sent', 'failed'),
  ('sent', 'unknown'),
  ('unknown', 'succeeded'),
  ('unknown', 'failed');

create function voucher_redemption_moved() returns trigger language plpgsql as $$
begin
  if (new.id, new.voucher_id, new.payee, new.request_id, new.caller, new.overridden, new.rail_id, new.amount,
      new.currency)
    is distinct from
     (old.id, old.voucher_id, old.payee, old.request_id, old.caller, old.overridden, old.rail_id, old.amount,
      old.currency) then
    raise exception 'the content of a redemption never changes' using errcode = 'restrict_violation';
  end if;
  if new.state <> old.state and not exists (
    select from voucher_redemption_move m where m.from_state = old.state and m.to_state = new.state
  ) then
    raise exception 'a redemption moves only forward' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger voucher_redemption_moved before update on voucher_redemption
  for each row execute function voucher_redemption_moved();
create trigger voucher_redemption_not_removed before delete or truncate on voucher_redemption
  for each statement execute function ledger_append_only();

-- Numbers presented that do not exist, by who presented them.
create table voucher_guess (
  id bigint not null generated always as identity,
  scope text not null,
  at timestamptz not null default now(),
  constraint voucher_guess_pkey primary key (id)
);
create index voucher_guess_scope on voucher_guess (scope, at);
