import type { Handlers } from '@govstack/platform/operation';
import { listCodeLists, putCodeList, readCodeList } from '../../code-lists/code-lists.ts';
import { actorOf } from '../../history/schema-log.ts';
import { registryRow } from '../../schema/publish.ts';
import { issueClientKey, listClientKeys, revokeClientKey } from '../../secrets/client-keys.ts';
import type { fieldAdministration } from './field-operations.ts';
import type { DatabaseDependencies } from './handlers.ts';

export function administerFields({
  db,
  catalogue,
  secrets,
  gate: { administer },
}: Pick<DatabaseDependencies, 'db' | 'catalogue' | 'secrets' | 'gate'>): Handlers<
  typeof fieldAdministration
> {
  return {
    async listKeys({ params, ...who }) {
      const { id } = await registryRow(db, administer(who), params.code);
      return { status: 200, body: { keys: await secrets.keyring.list(db, id) } };
    },
    async rotateKey({ params, ...who }) {
      const owner = administer(who);
      const { id } = await registryRow(db, owner, params.code);
      const key = await secrets.rotate(id, actorOf(who).name);
      catalogue.forget(owner, params.code);
      return { status: 200, body: key };
    },
    async issueClientKey({ params, body, ...who }) {
      const { id } = await registryRow(db, administer(who), params.code);
      return { status: 200, body: await issueClientKey(db, id, body.application, actorOf(who).name) };
    },
    async listClientKeys({ params, ...who }) {
      const { id } = await registryRow(db, administer(who), params.code);
      return { status: 200, body: { keys: await listClientKeys(db, id) } };
    },
    async revokeClientKey({ params, ...who }) {
      const { id } = await registryRow(db, administer(who), params.code);
      await revokeClientKey(db, id, params.id);
      return { status: 204 };
    },
    async putCodeList({ params, body, ...who }) {
      return {
        status: 200,
        body: await putCodeList(db, administer(who), params.code, body, actorOf(who).name),
      };
    },
    async listCodeLists({ ...who }) {
      return { status: 200, body: { codeLists: await listCodeLists(db, administer(who)) } };
    },
    async readCodeList({ params, query, ...who }) {
      const list = await readCodeList(db, administer(who), params.code, query.version);
      return { status: 200, body: list as never };
    },
  };
}
