import { type ImplementedSurface, implement, notFound } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Gate } from '../../access/access.ts';
import { listAccess, putAccess } from '../../access/grants.ts';
import { changeRights, type Rights } from '../../access/rights.ts';
import { knownCheckpoints } from '../../history/checkpoints.ts';
import { actorOf } from '../../history/schema-log.ts';
import { verifyChain } from '../../history/verify-chain.ts';
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
  tagOf,
} from '../../schema/publish.ts';
import type { Secrets } from '../../secrets/jobs.ts';
import type { RegistryTables } from '../../tables.ts';
import { administerFields } from './field-handlers.ts';
import { registryDatabase } from './operations.ts';
import { fromBody, wantsWorkbook, workbookOf } from './schema-forms.ts';

export interface DatabaseDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly gate: Gate;
  readonly rights: Rights;
  readonly secrets: Secrets;
  /** Days an archive waits before it can be deleted. */
  readonly deletionWaitDays: number;
  readonly now: () => Date;
}

const by = actorOf;
const shown = ({ registryId: _, ...draft }: Draft) => ({ ...draft, report: [...draft.report] });

const etag = (schema: unknown) => ({ etag: `"${tagOf(schema)}"` });
const basedOn = (headers: { readonly 'if-match'?: string }) => headers['if-match']?.replaceAll('"', '');

/** The surface of registries: who may, then one call of the schema room. */
export function serveDatabase({
  db,
  catalogue,
  gate,
  rights,
  secrets,
  deletionWaitDays,
  now,
}: DatabaseDependencies): ImplementedSurface {
  const { administer } = gate;
  const strict = { lenient: false };
  return implement(registryDatabase, {
    ...administerFields({ db, catalogue, gate, secrets }),
    async modifyRegistry({ body, ...who }) {
      const owner = administer(who);
      const details = { name: body.catalogName, groupName: body.groupName };
      const { version } = await modifyRegistry(
        db,
        owner,
        body.code,
        { details, schema: body.schema, by: by(who), ...strict },
        { accept: false, by: by(who), secrets, ...strict },
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
      return { status: 200, body: info, headers: etag(info.schema) };
    },
    async deleteRegistry({ params, ...who }) {
      const owner = administer(who);
      const code = await deleteRegistry(db, owner, params.id, by(who), deletionWaitDays, now());
      if (code !== undefined) catalogue.forget(owner, code);
      return { status: 200, body: 'Success' };
    },
    async putDraft({ params, headers, body, ...who }) {
      const owner = administer(who);
      const draft = await fromBody(body, ({ schema, ...details }) =>
        putDraft(db, owner, params.code, {
          details,
          schema,
          by: by(who),
          basedOn: basedOn(headers),
          ...strict,
        }),
      );
      return { status: 200, body: shown(draft), headers: etag(draft.schema) };
    },
    async getDraft({ params, headers, ...who }) {
      const draft = await readDraft(db, administer(who), params.code, false);
      if (wantsWorkbook(registryDatabase.operations.getDraft, headers))
        return workbookOf(draft.schema, etag(draft.schema));
      return { status: 200, body: shown(draft), headers: etag(draft.schema) };
    },
    async discardDraft({ params, ...who }) {
      await discardDraft(db, administer(who), params.code, by(who));
      return { status: 204 };
    },
    async publishDraft({ params, headers, body, ...who }) {
      const owner = administer(who);
      const accept = body.acceptBreaking ?? false;
      const { version, report } = await publishDraft(db, owner, params.code, {
        accept,
        by: by(who),
        secrets,
        basedOn: basedOn(headers),
        ...strict,
      });
      catalogue.forget(owner, params.code);
      return { status: 200, body: { version, report: [...report] } };
    },
    async putVersionState({ params, body, ...who }) {
      await setVersionState(db, administer(who), params.code, params.version, body.state, by(who));
      return { status: 204 };
    },
    async deleteVersion({ params, ...who }) {
      const owner = administer(who);
      await withdrawVersion(db, owner, params.code, params.version, by(who));
      catalogue.forget(owner, params.code);
      return { status: 204 };
    },
    async exportSchema({ params, headers, ...who }) {
      const schema = await catalogue.schema(administer(who), params.code, params.version);
      if (wantsWorkbook(registryDatabase.operations.exportSchema, headers)) return workbookOf(schema);
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
      await changeRights(db, { owner, ...who }, (trx) => putAccess(trx, registry, body.application, body));
      catalogue.forget(owner, params.code);
      rights.forget(owner);
      return { status: 204 };
    },
    async listAccess({ params, query, ...who }) {
      const { registry } = await catalogue.find(administer(who), params.code, 'latest');
      return { status: 200, body: await listAccess(db, registry, query.after ?? '') };
    },
    async verifyChanges({ ...who }) {
      administer(who);
      const known = await knownCheckpoints(db, 0);
      const { changes, brokenAt } = await verifyChain(db, secrets.keyring, 10_000_000, known);
      return { status: 200, body: { changes, brokenAt } };
    },
  });
}
