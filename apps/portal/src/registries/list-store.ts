import { newId } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { SealedBox } from '../session/sealed-box.ts';
import type { PortalTables } from '../session/session-store.ts';

export interface ListFilter {
  /** Field id: names may change. */
  readonly field: number;
  readonly operator: string;
  readonly value?: unknown;
}

/** What a list of records shows, and how. */
export interface RecordList {
  /** Of a list that was given one. */
  readonly name?: string;
  readonly filters: readonly ListFilter[];
  readonly words?: string;
  /** Field id; by age when absent. */
  readonly order?: number;
  readonly descending: boolean;
  /** Field ids; the first few fields when absent. */
  readonly columns?: readonly number[];
  /** Where the pages after the first begin. */
  readonly places: readonly string[];
}

export const wholeList: RecordList = { filters: [], descending: false, places: [] };

/** Something sought, kept under an id; `RecordList` unless said otherwise. */
export interface ListStore<Sought extends { readonly name?: string } = RecordList> {
  /** Keeps a list, under a new id unless it has one; answers the id. */
  keep(person: string, registry: string, list: Sought, id?: string): Promise<string>;
  find(person: string, registry: string, id: string): Promise<Sought | undefined>;
  /** Lists that have a name, by name. */
  named(person: string, registry: string): Promise<{ readonly id: string; readonly name: string }[]>;
  remove(person: string, registry: string, id: string): Promise<void>;
  removeOld(): Promise<void>;
}

const keptMs = 86_400_000;
/** Lists without a name that a person has at once for one registry; the oldest go. */
const mostUnnamed = 30;
const mostNamed = 50;
const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Lists of records in the portal's own database, each person's own. */
export function listStore<Sought extends { readonly name?: string } = RecordList>(
  db: Kysely<PortalTables>,
  box: SealedBox,
  now: () => Date,
): ListStore<Sought> {
  const context = (person: string, registry: string, id: string): string =>
    `record list ${id} of ${person} in ${registry}`;
  const mine = (person: string, registry: string) =>
    db.selectFrom('record_list').where('person', '=', person).where('registry', '=', registry);
  const opened = (person: string, registry: string, row: { id: string; sealed: Buffer }) =>
    box.open(row.sealed, context(person, registry, row.id)) as Sought | undefined;
  return {
    async keep(person, registry, list, id = newId()) {
      const content = {
        named: list.name !== undefined,
        sealed: box.seal(list, context(person, registry, id)),
        used_at: now().toISOString(),
      };
      await db
        .insertInto('record_list')
        .values({ id, person, registry, ...content })
        .onConflict((one) =>
          one
            .constraint('record_list_pkey')
            .doUpdateSet(content)
            .where('record_list.person', '=', person)
            .where('record_list.registry', '=', registry),
        )
        .execute();
      const surplus = mine(person, registry)
        .select('id')
        .where('named', '=', content.named)
        .orderBy('used_at', 'desc')
        .offset(content.named ? mostNamed : mostUnnamed);
      await db.deleteFrom('record_list').where('id', 'in', surplus).execute();
      return id;
    },
    async find(person, registry, id) {
      if (!idPattern.test(id)) return undefined;
      const row = await mine(person, registry)
        .select(['id', 'sealed'])
        .where('id', '=', id)
        .executeTakeFirst();
      return row && opened(person, registry, row);
    },
    async named(person, registry) {
      const rows = await mine(person, registry)
        .select(['id', 'sealed'])
        .where('named', '=', true)
        .limit(mostNamed)
        .execute();
      return rows
        .flatMap((row) => {
          const name = opened(person, registry, row)?.name;
          return name === undefined ? [] : [{ id: row.id, name }];
        })
        .sort((one, other) => one.name.localeCompare(other.name));
    },
    async remove(person, registry, id) {
      if (!idPattern.test(id)) return;
      await db
        .deleteFrom('record_list')
        .where('id', '=', id)
        .where('person', '=', person)
        .where('registry', '=', registry)
        .execute();
    },
    async removeOld() {
      await db
        .deleteFrom('record_list')
        .where('named', '=', false)
        .where('used_at', '<', new Date(now().getTime() - keptMs).toISOString())
        .execute();
    },
  };
}
