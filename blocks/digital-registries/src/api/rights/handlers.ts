import {
  applicationOf,
  badRequest,
  type Caller,
  type ImplementedSurface,
  implement,
  type Person,
} from '@govstack/platform';
import type { Kysely, Transaction } from 'kysely';
import type { Gate, Ground } from '../../access/access.ts';
import { fieldOf } from '../../access/compile-rights.ts';
import { assertReadable } from '../../access/decide.ts';
import { explain } from '../../access/explain.ts';
import {
  applyTemplate,
  changeRights,
  changesOf,
  deleteTemplate,
  putGroup,
  putRight,
  putStanding,
  putTemplate,
  type Rights,
  type RightsChange,
  templatesOf,
} from '../../access/rights.ts';
import type { Delegation, StandInStore } from '../../access/stand-ins.ts';
import type { Catalogue, Registry } from '../../schema/catalogue.ts';
import type { RegistryTables } from '../../tables.ts';
import { registryRights } from './operations.ts';
import { type Right, withFields } from './right.ts';

export interface RightsDependencies {
  readonly db: Kysely<RegistryTables>;
  readonly catalogue: Catalogue;
  readonly gate: Gate;
  readonly rights: Rights;
  readonly standIns: StandInStore;
  /** Applications that may say under which identifiers persons are registered. */
  readonly identityAuthorities: ReadonlySet<string>;
  readonly now: () => Date;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

const byName = (registry: Registry, right: Right): Right =>
  withFields(right, (field) => fieldOf(registry)(field)?.name ?? field);
const byId = (registry: Registry, right: Right): Right =>
  withFields(right, (field) => fieldOf(registry)(field)?.id ?? field);

/** The surface of rights: who may, then one change that goes on record. */
export function serveRights(dependencies: RightsDependencies): ImplementedSurface {
  const { db, catalogue, gate, rights, standIns, identityAuthorities, now } = dependencies;

  async function change(
    who: Who,
    owner: string,
    work: (trx: Transaction<RegistryTables>) => Promise<RightsChange | undefined>,
  ): Promise<{ readonly status: 204 }> {
    await changeRights(db, { owner, caller: who.caller, person: who.person }, work);
    rights.forget(owner);
    return { status: 204 };
  }
  const registryOf = async (owner: string, code: string): Promise<Registry> =>
    (await catalogue.find(owner, code, 'latest')).registry;

  async function codesOf(owner: string): Promise<Map<string, string>> {
    const rows = await db.selectFrom('registry').select(['id', 'code']).where('owner', '=', owner).execute();
    return new Map(rows.map(({ id, code }) => [id, code]));
  }
  const shown = (
    { subject: _, subjectHash: __, registries, methods, ...one }: Delegation,
    codes: ReadonlyMap<string, string>,
  ) => ({
    ...one,
    methods: [...methods],
    registries: registries?.flatMap((id) => codes.get(id) ?? []) ?? null,
  });

  /** Delegations by which others act for the person behind a call. */
  async function representing(owner: string, person: Person): Promise<Delegation[]> {
    const { identifiers } = await standIns.of(owner, person.id);
    return (await Promise.all(identifiers.map((subject) => standIns.list(owner, { subject })))).flat();
  }

  return implement(registryRights, {
    async listRights({ params, ...who }) {
      const owner = gate.administer(who);
      const registry = await registryOf(owner, params.code);
      const given = await rights.of(owner);
      return {
        status: 200,
        body: {
          standing: given.standing(registry.id),
          rights: given.of(registry.id).map(({ name, template, right }) => ({
            name,
            template: template ?? null,
            right: byName(registry, right),
          })),
        },
      };
    },
    async putRight({ params: { code, name }, body, ...who }) {
      const owner = gate.administer(who);
      const registry = await registryOf(owner, code);
      assertReadable(body, registry);
      return change(who, owner, (trx) => putRight(trx, owner, registry, name, byId(registry, body)));
    },
    async deleteRight({ params: { code, name }, ...who }) {
      const owner = gate.administer(who);
      const registry = await registryOf(owner, code);
      return change(who, owner, (trx) => putRight(trx, owner, registry, name, undefined));
    },
    async putStandingRights({ params, body, ...who }) {
      const owner = gate.administer(who);
      const registry = await registryOf(owner, params.code);
      return change(who, owner, (trx) => putStanding(trx, registry, body));
    },
    async explainRights({ params, body, ...who }) {
      const owner = gate.administer(who);
      const { registry, access } = await catalogue.find(owner, params.code, body.version ?? 'latest');
      const person: Person | undefined = body.person && {
        id: body.person.id,
        roles: body.person.roles ?? [],
        agency: body.person.agency,
        scopes: [],
        acr: body.person.acr,
        client: undefined,
      };
      const asker = {
        owner,
        application: body.application ?? who.caller.application,
        console: body.application === undefined,
        person,
        purpose: body.purpose,
      };
      const facts = {
        registry,
        access,
        rights: await rights.of(owner),
        standIns: person ? await standIns.kept(owner, person.id) : { identifiers: [], delegations: [] },
        now: now(),
      };
      const ground: Ground = {
        purpose: body.purpose,
        consentReference: body.consentReference,
        legalGround: body.legalGround,
      };
      const { held, unfit, methods } = await explain(db, asker, facts, ground);
      return {
        status: 200,
        body: {
          held: [...held],
          unfit: [...unfit],
          methods: methods.map((one) => ({ ...one, rights: [...one.rights], fields: [...one.fields] })),
        },
      };
    },
    async listTemplates({ ...who }) {
      const found = await templatesOf(db, gate.administer(who));
      return {
        status: 200,
        body: {
          templates: found.map((one) => ({
            ...one,
            registries: [...one.registries],
            rights: { ...one.rights },
          })),
        },
      };
    },
    async putTemplate({ params: { name }, body, ...who }) {
      const owner = gate.administer(who);
      for (const [right, content] of Object.entries(body.rights)) {
        assertReadable(content, undefined, `/rights/${right}`);
        withFields(content, (field) => {
          if (typeof field === 'number')
            throw badRequest('The right is not valid', [
              {
                in: 'body',
                pointer: `/rights/${right}`,
                detail: 'names a field by its id: in a template fields go by name',
              },
            ]);
          return field;
        });
      }
      return change(who, owner, (trx) => putTemplate(trx, owner, name, body.title, body.rights));
    },
    async applyTemplate({ params: { name }, body, ...who }) {
      const owner = gate.administer(who);
      return change(who, owner, (trx) => applyTemplate(trx, owner, name, body.registries));
    },
    async deleteTemplate({ params: { name }, ...who }) {
      const owner = gate.administer(who);
      return change(who, owner, (trx) => deleteTemplate(trx, owner, name));
    },
    async listGroups({ ...who }) {
      const { groups } = await rights.of(gate.administer(who));
      return {
        status: 200,
        body: { groups: [...groups].map(([name, group]) => ({ name, ...group })) },
      };
    },
    async putGroup({ params: { name }, body, ...who }) {
      const owner = gate.administer(who);
      for (const [index, { person, role, application }] of body.members.entries())
        if ([person, role, application].filter((one) => one !== undefined).length !== 1)
          throw badRequest('The group is not valid', [
            {
              in: 'body',
              pointer: `/members/${index}`,
              detail: 'is a person, a role or an application: one of them',
            },
          ]);
      return change(who, owner, (trx) => putGroup(trx, owner, name, body));
    },
    async deleteGroup({ params: { name }, ...who }) {
      const owner = gate.administer(who);
      return change(who, owner, (trx) => putGroup(trx, owner, name, undefined));
    },
    async putIdentifiers({ params, body, ...who }) {
      const owner = identityAuthorities.has(who.caller.application)
        ? applicationOf(who.caller.service)
        : gate.administer(who);
      return change(who, owner, (trx) =>
        standIns.bind(trx, owner, params.person, [...new Set(body.identifiers)]),
      );
    },
    async putDelegation({ params: { id }, body, ...who }) {
      const owner = gate.administer(who);
      const from = body.from ?? now().toISOString();
      if (new Date(body.until) <= new Date(from))
        throw badRequest('The delegation is not valid', [
          { in: 'body', pointer: '/until', detail: 'is before it begins' },
        ]);
      const registries = body.registries
        ? await Promise.all(body.registries.map(async (code) => (await registryOf(owner, code)).id))
        : null;
      const { delegate, subject, ground, until } = body;
      const methods = body.methods ?? ['read', 'exists', 'list'];
      return change(who, owner, (trx) =>
        standIns.delegate(trx, owner, id, { delegate, subject, registries, methods, ground, from, until }),
      );
    },
    async revokeDelegation({ params: { id }, ...who }) {
      const owner = applicationOf(who.caller.service);
      const { person } = who;
      const theirs =
        person &&
        ((await standIns.list(owner, { delegate: person.id })).some((one) => one.id === id) ||
          (await representing(owner, person)).some((one) => one.id === id));
      if (!theirs) gate.administer(who);
      return change(who, owner, (trx) => standIns.revoke(trx, owner, id, now().toISOString()));
    },
    async searchDelegations({ body, ...who }) {
      const owner = gate.administer(who);
      const [found, codes] = await Promise.all([standIns.list(owner, body), codesOf(owner)]);
      return {
        status: 200,
        body: { delegations: found.map((one) => ({ ...shown(one, codes), subject: one.subject })) },
      };
    },
    async listOwnDelegations({ caller, person }) {
      const owner = applicationOf(caller.service);
      const [acting, represented, codes] = await Promise.all([
        standIns.list(owner, { delegate: person.id }),
        representing(owner, person),
        codesOf(owner),
      ]);
      return {
        status: 200,
        body: {
          acting: acting.map((one) => shown(one, codes)),
          represented: represented.map((one) => shown(one, codes)),
        },
      };
    },
    async listRightsChanges({ query, ...who }) {
      const owner = gate.administer(who);
      const before = query.before === undefined ? undefined : String(query.before);
      return { status: 200, body: { changes: await changesOf(db, owner, query.limit ?? 50, before) } };
    },
  });
}
