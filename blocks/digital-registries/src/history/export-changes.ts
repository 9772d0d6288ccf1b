import { type Kysely, sql } from 'kysely';
import type { RegistryTables } from '../tables.ts';
import { listCheckpoints, treesOf } from './checkpoints.ts';
import { pathOf } from './hash-tree.ts';
import type { ProvenChange } from './verify-proofs.ts';

type Db = Kysely<RegistryTables>;

interface Exported {
  position: string;
  checkpoint: number;
  registry_id: string;
  record: string;
  row_version: number;
  action: string;
  application: string;
  operator: string | null;
  person: string | null;
  exchange_id: string;
  at: string;
  scheme: number;
  before_digest: Buffer | null;
  after_digest: Buffer | null;
  digest: Buffer;
  kept: boolean;
  salt: Buffer | null;
  before: string | null;
  after: string | null;
}

const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null;

/** Places of the chain that one page looks through. */
const window = 100_000;

/**
 * Changes of a registry that are under checkpoints, in the order of the chain, each with its path to the root that is
 * signed. `contents`: with what they said, where it is not erased.
 */
export async function exportChanges(
  db: Db,
  registryId: string,
  after: bigint,
  pageSize: number,
  contents: boolean,
): Promise<{ readonly changes: readonly ProvenChange[]; readonly next: string | undefined }> {
  const to = after + BigInt(window);
  const { rows } = await sql<Exported>`
    select s.position, p.number as checkpoint, c.registry_id, c.record, c.row_version, c.action, c.application,
      c.operator, c.person, c.exchange_id, c.at, c.scheme, c.before_digest, c.after_digest, c.digest,
      k.seq is not null as kept, k.salt, k.before::text as before, k.after::text as after
    from change_seal s
    join change_log c on c.seq = s.change_seq
    join lateral (
      select number
      from checkpoint
      where to_position >= s.position
      order by to_position
      limit 1
    ) p on true
    left join change_content k on k.seq = c.seq and ${contents}
    where s.position > ${after.toString()} and s.position <= ${to.toString()}
      and c.registry_id = ${registryId}::bigint and c.scheme > 1
    order by s.position
    limit ${pageSize + 1}`.execute(db);
  const page = rows.slice(0, pageSize);
  const numbers = [...new Set(page.map(({ checkpoint }) => checkpoint))];
  const checkpoints = new Map(
    (await Promise.all(numbers.map((number) => listCheckpoints(db, number - 1, 1)))).flatMap(([one]) =>
      one ? [[one.number, one] as const] : [],
    ),
  );
  const treeOf = treesOf(db);
  const changes: ProvenChange[] = [];
  for (const row of page) {
    const checkpoint = checkpoints.get(row.checkpoint);
    if (!checkpoint) continue;
    const leaf = Number(BigInt(row.position) - BigInt(checkpoint.from_position));
    changes.push({
      position: row.position,
      registryId: row.registry_id,
      record: row.record,
      rowVersion: row.row_version,
      action: row.action,
      application: row.application,
      operator: row.operator,
      person: row.person,
      exchangeId: row.exchange_id,
      at: new Date(row.at).toISOString(),
      scheme: row.scheme,
      beforeDigest: hex(row.before_digest),
      afterDigest: hex(row.after_digest),
      digest: row.digest.toString('hex'),
      checkpoint: row.checkpoint,
      path: pathOf(await treeOf(checkpoint), leaf).toString('base64'),
      ...(row.kept ? { content: { salt: hex(row.salt), before: row.before, after: row.after } } : {}),
    });
  }
  const end = await sql<{ to: string | null }>`select max(to_position) as to from checkpoint`.execute(db);
  const looked = BigInt(end.rows[0]?.to ?? 0) > to ? to : undefined;
  return { changes, next: rows.length > pageSize ? page.at(-1)?.position : looked?.toString() };
}
