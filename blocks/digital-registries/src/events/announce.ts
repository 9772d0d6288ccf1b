import { announce, newContext, withContext } from '@govstack/platform';
import type { EventSpec } from '@govstack/platform/operation';
import type { Transaction } from 'kysely';
import {
  type RecordChange,
  recordArchived,
  recordCreated,
  recordDeleted,
  recordErased,
  recordRestored,
  recordsChanged,
  recordUpdated,
} from '../api/events.ts';
import type { Change } from '../history/change-log.ts';
import type { SealedChange } from '../history/seal-changes.ts';
import type { RegistryTables } from '../tables.ts';

type Trx = Transaction<RegistryTables>;

/** Changes of one action, at most this many told one by one; more are one event that points to the feed. */
export const mostSingleEvents = 100;

const eventOf: Readonly<Record<Change['action'], EventSpec<typeof RecordChange>>> = {
  create: recordCreated,
  update: recordUpdated,
  delete: recordDeleted,
  archive: recordArchived,
  restore: recordRestored,
  erase: recordErased,
};

/** Changes that one action made in one registry: told one by one, or together when they are many. */
export function grouped<C extends { readonly registryId: string; readonly exchangeId: string }>(
  changes: readonly C[],
): C[][] {
  const byAction = new Map<string, C[]>();
  for (const change of changes) {
    const key = `${change.registryId} ${change.exchangeId}`;
    const group = byAction.get(key);
    if (group) group.push(change);
    else byAction.set(key, [change]);
  }
  return [...byAction.values()].flatMap((group) =>
    group.length > mostSingleEvents ? [group] : group.map((change) => [change]),
  );
}

/** Announces sealed changes of registries that want it, in the order of the chain (REG-4.1-f). */
export async function announceChanges(trx: Trx, sealed: readonly SealedChange[]): Promise<void> {
  const registries = await trx
    .selectFrom('registry')
    .select(['id', 'owner', 'code'])
    .where('id', 'in', [...new Set(sealed.map(({ registryId }) => registryId))])
    .where('announce', '=', true)
    .execute();
  const wanted = new Map(registries.map((registry) => [registry.id, registry]));
  for (const group of grouped(sealed.filter(({ registryId }) => wanted.has(registryId)))) {
    const first = group[0] as SealedChange;
    const last = group.at(-1) as SealedChange;
    const { owner, code: registry } = wanted.get(first.registryId) as (typeof registries)[number];
    const tell = (): Promise<string> => {
      if (group.length > 1)
        return announce(trx, recordsChanged, {
          at: new Date(last.at),
          data: {
            owner,
            registry,
            count: group.length,
            after: Number(first.position) - 1,
            upTo: Number(last.position),
          },
        });
      const { record, rowVersion, fields, position } = first;
      return announce(trx, eventOf[first.action], {
        subject: record,
        at: new Date(first.at),
        data: { owner, registry, record, rowVersion, fields: [...fields], position: Number(position) },
      });
    };
    const { correlationId, traceparent } = first;
    await withContext(
      newContext({ ...(correlationId ? { correlationId } : {}), ...(traceparent ? { traceparent } : {}) }),
      tell,
    );
  }
}
