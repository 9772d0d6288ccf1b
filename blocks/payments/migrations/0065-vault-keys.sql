-- Keys of the vault by number: the highest is in use, the earlier ones open what was sealed with them (PAY-6.15).

create table vault_key (
  number smallint not null,
  provider text not null,
  -- Tells a key from another without telling what it is: a key that was exchanged under the same number shows.
  fingerprint text,
  created_by text not null,
  reason text not null,
  created_at timestamptz not null default now(),
  constraint vault_key_pkey primary key (number),
  constraint vault_key_number_check check (number between 1 and 255)
);
insert into vault_key (number, provider, fingerprint, created_by, reason)
values (1, 'installation', null, 'installation', 'first key');
create function vault_key_guard() returns trigger language plpgsql as $$
begin
  if old.fingerprint is not null
    or (new.number, new.created_by, new.reason, new.created_at)
      is distinct from (old.number, old.created_by, old.reason, old.created_at) then
    raise exception 'a key of the vault stays what it is' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger vault_key_guard before update on vault_key
  for each row execute function vault_key_guard();
create trigger vault_key_not_removed before delete or truncate on vault_key
  for each statement execute function ledger_append_only();

-- A version of a payee's account never changes, but it may be sealed anew under the key in use.
drop trigger mapper_version_append_only on mapper_version;
create trigger mapper_version_append_only before delete or truncate on mapper_version
  for each statement execute function ledger_append_only();
create function mapper_version_guard() returns trigger language plpgsql as $$
begin
  if coalesce(current_setting('vault.resealing', true), '') <> 'on'
    or (new.id, new.entry_id, new.number, new.modality, new.institution_code, new.address_token, new.active,
        new.request_id, new.created_at)
      is distinct from
       (old.id, old.entry_id, old.number, old.modality, old.institution_code, old.address_token, old.active,
        old.request_id, old.created_at)
    or (new.address_cipher is null) <> (old.address_cipher is null) then
    raise exception 'a version of an account never changes' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger mapper_version_guard before update on mapper_version
  for each row execute function mapper_version_guard();
