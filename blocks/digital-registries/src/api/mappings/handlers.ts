import { type ImplementedSurface, implement } from '@govstack/platform';
import type { Kysely } from 'kysely';
import type { Gate } from '../../access/access.ts';
import { deleteSender, listSenders, putSender } from '../../dci/senders.ts';
import { deleteMapping, listMappings, putMapping, readMapping, verdictOn } from '../../mapping/store.ts';
import type { Catalogue } from '../../schema/catalogue.ts';
import type { RegistryTables } from '../../tables.ts';
import { registryMappings } from './operations.ts';

export interface MappingDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly gate: Gate;
}

type Who = Parameters<Gate['administer']>[0];
const by = ({ caller, person }: Who): string => person?.id ?? caller.application;
const shown = ({ pointer, detail }: { readonly pointer: string; readonly detail: string }) => ({
  pointer,
  detail,
});

/** The surface of mappings: who may, then one call of the mapping room. */
export function serveMappings({ db, catalogue, gate }: MappingDependencies): ImplementedSurface {
  return implement(registryMappings, {
    async putMapping({ params, body, ...who }) {
      const owner = gate.administer(who);
      const warnings = await putMapping(db, catalogue, owner, params.mapping, body, by(who));
      return { status: 200, body: { warnings: warnings.map(shown) } };
    },
    async checkMapping({ body, ...who }) {
      const { defects, warnings } = await verdictOn(catalogue, gate.administer(who), body);
      return { status: 200, body: { defects: defects.map(shown), warnings: warnings.map(shown) } };
    },
    async getMapping({ params, ...who }) {
      return { status: 200, body: await readMapping(db, gate.administer(who), params.mapping) };
    },
    async listMappings({ ...who }) {
      const mappings = await listMappings(db, gate.administer(who));
      return {
        status: 200,
        body: { mappings: mappings.map(({ name, mapping }) => ({ name, registry: mapping.registry })) },
      };
    },
    async deleteMapping({ params, ...who }) {
      await deleteMapping(db, gate.administer(who), params.mapping);
      return { status: 204 };
    },
    async putSender({ params, body, ...who }) {
      const sender = {
        senderId: params.senderId,
        application: body.application,
        signature: body.signature ?? 'demanded',
        keys: body.keys ?? [],
        callbacks: body.callbacks ?? [],
        callbackService: body.callbackService ?? null,
      };
      await putSender(db, gate.administer(who), sender, by(who));
      return { status: 204 };
    },
    async listSenders({ ...who }) {
      const senders = await listSenders(db, gate.administer(who));
      return {
        status: 200,
        body: {
          senders: senders.map(({ callbackService, keys, callbacks, ...sender }) => ({
            ...sender,
            keys: keys.map((key) => ({ ...key })),
            callbacks: [...callbacks],
            ...(callbackService === null ? {} : { callbackService }),
          })),
        },
      };
    },
    async deleteSender({ params, ...who }) {
      await deleteSender(db, gate.administer(who), params.senderId);
      return { status: 204 };
    },
  });
}
