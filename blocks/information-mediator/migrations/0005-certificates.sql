-- Certificates of keys, own and met: who a key speaks for, and what for.
create table certificate (
  key_id text not null,
  owner text not null,
  use text not null,
  der bytea not null,
  -- Serial number as the issuer knows it, hex.
  serial text not null,
  not_after timestamptz not null,
  stored_at timestamptz not null default now(),
  -- Set by the test authority for certificates that it issued.
  revoked_at timestamptz,
  constraint certificate_pkey primary key (key_id),
  constraint certificate_use_check check (use in ('authority', 'signing', 'authentication'))
);
create index certificate_serial on certificate (serial);
create index certificate_owner on certificate (owner, use);

-- What responders said of certificates, kept as evidence that a key was good when it signed.
create table ocsp_answer (
  key_id text not null,
  this_update timestamptz not null,
  status text not null,
  der bytea not null,
  constraint ocsp_answer_pkey primary key (key_id, this_update),
  constraint ocsp_answer_certificate_fkey foreign key (key_id) references certificate (key_id)
);

alter table signing_key
  drop constraint signing_key_purpose_check,
  add constraint signing_key_purpose_check
    check (purpose in ('message', 'caller', 'authority', 'authentication', 'configuration'));
