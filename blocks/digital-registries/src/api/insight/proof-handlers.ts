import { badRequest, type Handlers } from '@govstack/platform';
import {
  checkpointKeys,
  knownCheckpoints,
  listCheckpoints,
  makeCheckpoints,
} from '../../history/checkpoints.ts';
import { exportChanges } from '../../history/export-changes.ts';
import { sealChanges } from '../../history/seal-changes.ts';
import { verifyChain } from '../../history/verify-chain.ts';
import type { ProvenChange } from '../../history/verify-proofs.ts';
import type { Row } from '../../records/content.ts';
import { shownRows } from '../../records/read.ts';
import type { Registry } from '../../schema/catalogue.ts';
import { readerOf } from '../reader-of.ts';
import type { InsightParts } from './parts.ts';
import type { proofOperations } from './proof-operations.ts';

const mostVerified = 10_000_000;

/** Rows as far as the read log needs them, from what changes said. */
function rowsSaid({ current }: Registry, changes: readonly ProvenChange[]): Row[] {
  return changes.flatMap(({ record, content }) =>
    [content?.before, content?.after].flatMap((text) => {
      if (text === undefined || text === null) return [];
      const said = JSON.parse(text) as Record<string, unknown>;
      return [
        {
          uuid: record,
          ...Object.fromEntries(current.map(({ id, column }) => [column, said[id]])),
        } as unknown as Row,
      ];
    }),
  );
}

export function proofHandlers({
  db,
  catalogue,
  gate,
  hash,
  checkpointKey,
  keyring,
  onSealed,
}: InsightParts): Handlers<typeof proofOperations> {
  return {
    async listCheckpoints({ query }) {
      const checkpoints = await listCheckpoints(db, query.after ?? 0, query.limit, query.newest);
      return {
        status: 200,
        body: {
          checkpoints: checkpoints.map((one) => ({
            number: one.number,
            from: one.from_position,
            to: one.to_position,
            at: new Date(one.at).toISOString(),
            signed: one.signed,
          })),
        },
      };
    },
    async listCheckpointKeys() {
      return { status: 200, body: { keys: await checkpointKeys(db) } };
    },
    async makeCheckpoint(who) {
      gate.administer(who);
      while ((await sealChanges(db, onSealed)) > 0);
      return { status: 200, body: { newest: await makeCheckpoints(db, checkpointKey) } };
    },
    async exportChanges({ body, caller, person }) {
      const owner = gate.administer({ caller, person });
      const { registry } = await catalogue.find(owner, body.registry, 'latest');
      const { after = '0', pageSize = 100, contents = false } = body;
      if (!/^\d{1,18}$/.test(after))
        throw badRequest('This is not a place in the chain', [
          { in: 'body', pointer: '/after', detail: 'is not a whole number' },
        ]);
      const { changes, next } = await exportChanges(db, registry.id, BigInt(after), pageSize, contents);
      const reader = readerOf(caller, person);
      const granted = { registry, fields: registry.fields, rows: undefined, foreign: false };
      const rows = rowsSaid(registry, changes);
      if (rows.length > 0) await shownRows(db, granted, reader, 'list', rows, hash);
      return {
        status: 200,
        body: {
          changes: changes.map(({ content, ...change }) => ({
            ...change,
            ...(content ? { content: { ...content } } : {}),
          })),
          ...(next === undefined ? {} : { next }),
        },
      };
    },
    async verifyChain({ body, ...who }) {
      gate.administer(who);
      const { fromCheckpoint = 0 } = body;
      const known = await knownCheckpoints(db, fromCheckpoint);
      const trusted = fromCheckpoint > 0 ? known.shift() : undefined;
      return { status: 200, body: await verifyChain(db, keyring, mostVerified, known, trusted) };
    },
  };
}
