-- Sources whose payees are kept in a directory outside, run by financial service providers, and what it said when.

create table mapper_directory (
  source_id text not null,
  service text not null,
  valid_seconds integer not null,
  updated_at timestamptz not null default now(),
  constraint mapper_directory_pkey primary key (source_id),
  constraint mapper_directory_source_fkey foreign key (source_id) references source_system (id),
  constraint mapper_directory_valid_check check (valid_seconds between 0 and 31536000)
);

create table directory_answer (
  source_id text not null,
  payee_token bytea not null,
  valid_until timestamptz not null,
  constraint directory_answer_pkey primary key (source_id, payee_token),
  constraint directory_answer_source_fkey foreign key (source_id) references source_system (id)
);
