import Fastify, { type FastifyInstance } from 'fastify';
import type pg from 'pg';

const columns = Array.from({ length: 20 }, (_, index) => `f_${index + 1}`);
const names = [
  'nationalId',
  'givenName',
  'familyName',
  'village',
  'birthDate',
  'sex',
  'householdSize',
  'income',
  'enrolled',
  'enrolledAt',
  'phone',
  'occupation',
  'education',
  'district',
  'plots',
  'hectares',
  'roof',
  'water',
  'note',
  'status',
] as const;
const shown = columns.map((column, index) => `${column} as "${names[index]}"`).join(', ');
const casts: Readonly<Record<number, string>> = {
  4: 'date',
  6: 'bigint',
  7: 'numeric',
  8: 'boolean',
  9: 'timestamptz',
  14: 'bigint',
  15: 'numeric',
};
const parameters = columns.map((_, index) => `$${index + 3}::${casts[index] ?? 'text'}`).join(', ');

type Content = Record<string, unknown>;
interface Body {
  readonly content: Content;
  readonly entries: readonly Content[];
  readonly id: string;
  readonly village: string;
  readonly words: string;
  readonly note: string;
}

/**
 * The floor: a minimal Fastify handler with one hand-written, prepared statement an operation, on the same table. No
 * rights, no validation, no history, no evidence.
 */
export function floor(pool: pg.Pool, table: string, readLog: boolean): FastifyInstance {
  const app = Fastify({ bodyLimit: 16 * 1024 * 1024 });
  const run = (name: string, text: string, values: unknown[]) =>
    pool.query({ name: `${table} ${name}`, text, values });
  const insert = `
    insert into ${table} (uuid, no, schema_version, created_at, modified_at, ${columns.join(', ')})
    values ($1::uuid, $2, '1.0', now(), now(), ${parameters})
    returning uuid`;
  app.post<{ Body: Body }>('/create', async ({ body }) => {
    const id = crypto.randomUUID();
    const { rows } = await run('create', insert, [
      id,
      id,
      ...names.map((name) => body.content[name] ?? null),
    ]);
    return rows[0];
  });
  app.post<{ Body: Body }>('/read', async ({ body }) => {
    const select = `select uuid, no, row_version, ${shown} from ${table} where f_1 = $1 and state = 'active'`;
    const { rows } = readLog
      ? await run(
          'read',
          `with found as (${select}), logged as (
            insert into read_log (id, registry_id, records, subjects, fields, method, application, exchange_id, correlation_id, at)
            select gen_random_uuid(), 1, array_agg(uuid), array[sha256($1::bytea)], array['nationalId'], 'read', 'floor', '', '', now()
            from found)
          select * from found`,
          [body.id],
        )
      : await run('read', select, [body.id]);
    return rows[0];
  });
  app.post<{ Body: Body }>('/exists', async ({ body }) => {
    const { rows } = await run(
      'exists',
      `select exists (select from ${table} where f_1 = $1 and state = 'active') as status`,
      [body.id],
    );
    return rows[0];
  });
  app.post<{ Body: Body }>('/page', async ({ body }) => {
    const { rows } = await run(
      'page',
      `select uuid, no, row_version, ${shown} from ${table} where f_4 = $1 and state = 'active' order by f_5, uuid limit 50`,
      [body.village],
    );
    return rows;
  });
  app.post<{ Body: Body }>('/words', async ({ body }) => {
    const { rows } = await run(
      'words',
      `select uuid, no, row_version, ${shown} from ${table}
      where to_tsvector('simple', coalesce(f_2, '') || ' ' || coalesce(f_3, '')) @@ plainto_tsquery('simple', $1) and state = 'active'
      order by uuid limit 50`,
      [body.words],
    );
    return rows;
  });
  app.post<{ Body: Body }>('/update', async ({ body }) => {
    const { rows } = await run(
      'update',
      `update ${table} set f_19 = $2, row_version = row_version + 1, modified_at = now()
      where f_1 = $1 and state = 'active' returning uuid, row_version`,
      [body.id, body.note],
    );
    return rows[0];
  });
  app.post<{ Body: Body }>('/bulk', async ({ body }) => {
    const ids = body.entries.map(() => crypto.randomUUID());
    const { rowCount } = await run(
      'bulk',
      `insert into ${table} (uuid, no, schema_version, created_at, modified_at, ${columns.join(', ')})
      select r.*
      from unnest($1::uuid[], $2::text[], array_fill('1.0'::text, array[cardinality($1::uuid[])]),
        array_fill(now(), array[cardinality($1::uuid[])]), array_fill(now(), array[cardinality($1::uuid[])]),
        ${columns.map((_, index) => `$${index + 3}::${casts[index] ?? 'text'}[]`).join(', ')}) r`,
      [ids, ids, ...names.map((name) => body.entries.map((entry) => entry[name] ?? null))],
    );
    return { count: rowCount };
  });
  return app;
}
