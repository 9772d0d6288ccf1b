import { type Caller, type ImplementedSurface, implement, notFound, type Person } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { type Gate, putAccess } from '../../access/access.ts';
import { verifyChanges } from '../../history/change-log.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import { describeRegistry, listRegistries } from '../../schema/describe.ts';
import {
  archiveRegistry,
  deleteRegistry,
  setVersionState,
  withdrawVersion,
} from '../../schema/life-cycle.ts';
import {
  type Draft,
  discardDraft,
  modifyRegistry,
  publishDraft,
  putDraft,
  readDraft,
} from '../../schema/publish.ts';
import type { RegistryTables } from '../../tables.ts';
import { registryDatabase } from './operations.ts';

export interface DatabaseDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly gate: Gate;
  /** Days an archive waits before it can be deleted. */
  readonly deletionWaitDays: number;
  readonly now: () => Date;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

const by = ({ caller, person }: Who): string => person?.id ?? caller.application;
const shown = ({ registryId: _, ...draft }: Draft) => ({ ...draft, report: [...draft.report] });

/** The surface of registries: who may, then one call of the schema room. */
export function serveDatabase({
  db,
  catalogue,
  gate: { administer },
  deletionWaitDays,
  now,
}: DatabaseDependencies): ImplementedSurface {
  const strict = { lenient: false };
  return implement(registryDatabase, {
    async modifyRegistry({ body, ...who }) {
      const owner = administer(who);
      const details = { name: body.catalogName, groupName: body.groupName };
      const { version } = await modifyRegistry(
        db,
        owner,
        body.code,
        { details, schema: body.schema, by: by(who), ...strict },
        { accept: false, by: by(who), ...strict },
      );
      catalogue.forget(owner, body.code);
      return {
        status: 200,
        body: { code: body.code, version, schema: await catalogue.schema(owner, body.code, version) },
      };
    },
    async listRegistries({ ...who }) {
      const owner = administer(who);
      const databases = await listRegistries(db, owner);
      return {
        status: 200,
        body: { id: 1, name: owner, code: owner.split('/')[3] as string, databases },
      };
    },
    async getRegistry({ params, ...who }) {
      const info = await describeRegistry(db, administer(who), params.id);
      if (!info) throw notFound('Registry');
      return { status: 200, body: info };
    },
    async deleteRegistry({ params, ...who }) {
      const owner = administer(who);
      const code = await deleteRegistry(db, owner, params.id, by(who), deletionWaitDays, now());
      if (code !== undefined) catalogue.forget(owner, code);
      return { status: 200, body: 'Success' };
    },
    async putDraft({ params, body: { schema, ...details }, ...who }) {
      const draft = await putDraft(db, administer(who), params.code, {
        details,
        schema,
        by: by(who),
        ...strict,
      });
      return { status: 200, body: shown(draft) };
    },
    async getDraft({ params, ...who }) {
      return { status: 200, body: shown(await readDraft(db, administer(who), params.code, false)) };
    },
    async discardDraft({ params, ...who }) {
      await discardDraft(db, administer(who), params.code);
      return { status: 204 };
    },
    async publishDraft({ params, body, ...who }) {
      const owner = administer(who);
      const accept = body.acceptBreaking ?? false;
      const { version, report } = await publishDraft(db, owner, params.code, {
        accept,
        by: by(who),
        ...strict,
      });
      catalogue.forget(owner, params.code);
      return { status: 200, body: { version, report: [...report] } };
    },
    async putVersionState({ params, body, ...who }) {
      await setVersionState(db, administer(who), params.code, params.version, body.state);
      return { status: 204 };
    },
    async deleteVersion({ params, ...who }) {
      const owner = administer(who);
      await withdrawVersion(db, owner, params.code, params.version);
      catalogue.forget(owner, params.code);
      return { status: 204 };
    },
    async exportSchema({ params, ...who }) {
      const schema = await catalogue.schema(administer(who), params.code, params.version);
      return { status: 200, body: { ...schema } };
    },
    async putRegistryState({ params, ...who }) {
      const owner = administer(who);
      await archiveRegistry(db, owner, params.code, by(who));
      catalogue.forget(owner, params.code);
      return { status: 204 };
    },
    async putAccess({ params, body, ...who }) {
      const owner = administer(who);
      const { registry } = await catalogue.find(owner, params.code, 'latest');
      await putAccess(db, registry, body.application, body);
      catalogue.forget(owner, params.code);
      return { status: 204 };
    },
    async verifyChanges({ ...who }) {
      administer(who);
      return { status: 200, body: await verifyChanges(db, 10_000_000) };
    },
  });
}
