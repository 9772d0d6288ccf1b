import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { Group, Method, Right, Standing } from './right.ts';

const administrator = { caller: 'application', person: 'optional' } as const;
const closed = { additionalProperties: false } as const;
const code = Type.String({ minLength: 1, maxLength: 60, description: 'Short code of the registry' });
const name = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,59}$', description: 'Kebab-case' });
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(one: T) =>
  Type.Union([one, Type.Null()]);
const RightsByName = Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,59}$' }), Right, {
  maxProperties: 50,
});
const uuid = Type.String({ format: 'uuid' });
const ByCode = Type.Object({ code });
const ByName = Type.Object({ name });

const NamedRight = Type.Object({
  name: Type.String(),
  template: nullable(
    Type.String({ description: 'The template it comes with; null: given on the registry itself' }),
  ),
  right: Right,
});
const Template = Type.Object({
  name: Type.String(),
  title: Type.String(),
  everywhere: Type.Boolean({ description: 'For every registry, those to come too' }),
  registries: Type.Array(Type.String()),
  rights: RightsByName,
});
const moment = Type.String({ format: 'date-time' });
const delegation = {
  delegate: text(200),
  registries: nullable(Type.Array(code, { maxItems: 500 })),
  methods: Type.Array(Method, { minItems: 1, maxItems: 9 }),
  ground: Type.String({
    minLength: 3,
    maxLength: 500,
    description: 'The law, decision or mandate it rests on',
  }),
  from: moment,
  until: moment,
};
const identifier = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'As it stands in the owner fields of the registries',
});
const DelegationInput = Type.Object(
  {
    ...delegation,
    subject: identifier,
    registries: Type.Optional(delegation.registries),
    methods: Type.Optional(delegation.methods),
    from: Type.Optional(moment),
  },
  closed,
);
const Delegation = Type.Object({
  id: Type.String(),
  ...delegation,
  revokedAt: nullable(Type.String()),
});
const DelegationWithSubject = Type.Object({ ...Delegation.properties, subject: Type.String() });

const Explained = Type.Object({
  held: Type.Array(Type.String(), { description: 'Every right that is theirs, whatever it needs' }),
  unfit: Type.Array(Type.Object({ name: Type.String(), why: Type.String() }), {
    description: 'Rights that are theirs and do not fit this registry',
  }),
  methods: Type.Array(
    Type.Object({
      method: Type.String(),
      allowed: Type.Boolean(),
      refusal: nullable(Type.String()),
      rights: Type.Array(Type.String(), { description: 'The rights it rests on' }),
      rows: Type.String({ description: 'Which records, in words' }),
      sql: Type.String({ description: 'The same as PostgreSQL is given it, without values' }),
      fields: Type.Array(
        Type.Object({
          name: Type.String(),
          shown: Type.Union([Type.Literal('plain'), Type.Literal('partly'), Type.Literal('hidden')]),
          detail: nullable(Type.String({ description: 'When it is shown, and how' })),
          written: Type.Union([Type.Literal('always'), Type.Literal('partly'), Type.Literal('never')]),
        }),
      ),
    }),
  ),
});

/** Who may do what with the registries of the application that is addressed. */
export const registryRights = defineSurface({
  name: 'registry-rights-v1',
  title: 'Digital registries: rights',
  version: '1.0.0',
  operations: {
    listRights: defineOperation({
      id: 'listRights',
      method: 'GET',
      path: '/registries/{code}/rights',
      summary: 'Rights on a registry, its own and those that come with templates',
      requirements: ['REG-6.1-6-b'],
      access: administrator,
      params: ByCode,
      responses: { 200: Type.Object({ standing: Standing, rights: Type.Array(NamedRight) }) },
    }),
    putRight: defineOperation({
      id: 'putRight',
      method: 'PUT',
      path: '/registries/{code}/rights/{name}',
      summary: 'Give a right: to whom, which methods, which fields of which records, on what conditions',
      description:
        'Rights add up, record by record: what one lets somebody see of some records says nothing of others. Fields keep their rights when they are renamed.',
      requirements: ['REG-6.1-6-a', 'REG-6.1-6-b', 'REG-6.1-6-c', 'REG-6.1-6-g', 'REG-6.1-6-j'],
      access: administrator,
      params: Type.Object({ code, name }),
      body: Right,
      responses: { 204: null },
    }),
    deleteRight: defineOperation({
      id: 'deleteRight',
      method: 'DELETE',
      path: '/registries/{code}/rights/{name}',
      summary: 'Take a right away; it counts for the next call. Taking what is gone is fine',
      requirements: ['REG-6.1-6-b'],
      access: administrator,
      params: Type.Object({ code, name }),
      responses: { 204: null },
    }),
    putStandingRights: defineOperation({
      id: 'putStandingRights',
      method: 'PUT',
      path: '/registries/{code}/standing-rights',
      summary: 'Say what applications, analysts and registrars of the owning agency may without any right',
      description:
        '`with-person`: an application of the agency may do what the person behind it has a right to. What a registrar sees is narrowed by taking the standing right away and giving one with conditions.',
      requirements: ['REG-6.1-6-a', 'REG-6.2-33-b'],
      access: administrator,
      params: ByCode,
      body: Standing,
      responses: { 204: null },
    }),
    explainRights: defineOperation({
      id: 'explainRights',
      method: 'POST',
      path: '/registries/{code}/explanation',
      summary: 'What an application or a person may do with a registry, and why',
      requirements: ['REG-6.1-6-b'],
      access: administrator,
      params: ByCode,
      body: Type.Object(
        {
          application: Type.Optional(
            Type.String({ maxLength: 400, description: 'Left out: somebody who works through a console' }),
          ),
          person: Type.Optional(
            Type.Object(
              {
                id: text(200),
                roles: Type.Optional(Type.Array(text(150), { maxItems: 100 })),
                agency: Type.Optional(text(300)),
                acr: Type.Optional(text(200)),
              },
              closed,
            ),
          ),
          version: Type.Optional(text(20)),
          purpose: Type.Optional(text(200)),
          consentReference: Type.Optional(text(100)),
          legalGround: Type.Optional(text(200)),
        },
        closed,
      ),
      responses: { 200: Explained },
    }),
    listTemplates: defineOperation({
      id: 'listTemplates',
      method: 'GET',
      path: '/rights/templates',
      summary: 'Templates of rights, and where they are applied',
      requirements: ['REG-6.1-6-e'],
      access: administrator,
      responses: { 200: Type.Object({ templates: Type.Array(Template) }) },
    }),
    putTemplate: defineOperation({
      id: 'putTemplate',
      method: 'PUT',
      path: '/rights/templates/{name}',
      summary: 'Keep rights that several registries have alike; where it is applied it counts at once',
      description:
        'Fields are named, not numbered; a right whose conditions name a field that a registry has not gives nothing there.',
      requirements: ['REG-6.1-6-e'],
      access: administrator,
      params: ByName,
      body: Type.Object({ title: text(200), rights: RightsByName }, closed),
      responses: { 204: null },
    }),
    applyTemplate: defineOperation({
      id: 'applyTemplate',
      method: 'PUT',
      path: '/rights/templates/{name}/registries',
      summary: 'Apply a template to these registries and no others, or to all',
      requirements: ['REG-6.1-6-e'],
      access: administrator,
      params: ByName,
      body: Type.Object(
        { registries: Type.Union([Type.Literal('all'), Type.Array(code, { maxItems: 500 })]) },
        closed,
      ),
      responses: { 204: null },
    }),
    deleteTemplate: defineOperation({
      id: 'deleteTemplate',
      method: 'DELETE',
      path: '/rights/templates/{name}',
      summary: 'Delete a template, and with it the rights it gave',
      requirements: ['REG-6.1-6-e'],
      access: administrator,
      params: ByName,
      responses: { 204: null },
    }),
    listGroups: defineOperation({
      id: 'listGroups',
      method: 'GET',
      path: '/rights/groups',
      summary: 'Groups of persons, roles and applications',
      requirements: ['REG-6.1-6-i'],
      access: administrator,
      responses: {
        200: Type.Object({ groups: Type.Array(Type.Object({ name: Type.String(), ...Group.properties })) }),
      },
    }),
    putGroup: defineOperation({
      id: 'putGroup',
      method: 'PUT',
      path: '/rights/groups/{name}',
      summary: 'Keep a group, with what it says of its members, a district say',
      requirements: ['REG-6.1-6-i', 'REG-6.1-6-j'],
      access: administrator,
      params: ByName,
      body: Group,
      responses: { 204: null },
    }),
    deleteGroup: defineOperation({
      id: 'deleteGroup',
      method: 'DELETE',
      path: '/rights/groups/{name}',
      summary: 'Delete a group; rights that name it are nobody’s',
      requirements: ['REG-6.1-6-i'],
      access: administrator,
      params: ByName,
      responses: { 204: null },
    }),
    putIdentifiers: defineOperation({
      id: 'putIdentifiers',
      method: 'PUT',
      path: '/rights/persons/{person}/identifiers',
      summary:
        'Say under which identifiers a person is in the registries, so that they see their own records',
      description:
        'For the agency itself and for identity authorities. The identifiers lie sealed and are not given out; an empty list takes them back.',
      requirements: ['REG-6.1-6-c'],
      access: administrator,
      params: Type.Object({ person: text(200) }),
      body: Type.Object({ identifiers: Type.Array(identifier, { maxItems: 10 }) }, closed),
      responses: { 204: null },
    }),
    putDelegation: defineOperation({
      id: 'putDelegation',
      method: 'PUT',
      path: '/rights/delegations/{id}',
      summary: 'Let somebody act for another person: guardian, parent, representative',
      description:
        'They see, of the registries named, what a right of `record-owner` with `delegates` gives. Nothing is changed once given; revoke it and give another.',
      requirements: ['REG-6.1-6-d'],
      access: administrator,
      params: Type.Object({ id: uuid }),
      body: DelegationInput,
      responses: { 204: null },
    }),
    revokeDelegation: defineOperation({
      id: 'revokeDelegation',
      method: 'DELETE',
      path: '/rights/delegations/{id}',
      summary: 'End a delegation, by the agency, the delegate, or the person acted for; it counts at once',
      requirements: ['REG-6.1-6-d'],
      access: administrator,
      params: Type.Object({ id: uuid }),
      responses: { 204: null },
    }),
    searchDelegations: defineOperation({
      id: 'searchDelegations',
      method: 'POST',
      path: '/rights/delegations/search',
      summary: 'Delegations, of one delegate or for one person when asked, newest first, up to 500',
      description: 'The identifier travels in the body, never in the address.',
      requirements: ['REG-6.1-6-d'],
      access: administrator,
      body: Type.Object({ delegate: Type.Optional(text(200)), subject: Type.Optional(identifier) }, closed),
      responses: { 200: Type.Object({ delegations: Type.Array(DelegationWithSubject) }) },
    }),
    listOwnDelegations: defineOperation({
      id: 'listOwnDelegations',
      method: 'GET',
      path: '/rights/myDelegations',
      summary: 'For whom the person behind the call may act, and who may act for them',
      requirements: ['REG-6.1-6-d'],
      access: { caller: 'application', person: 'required' },
      responses: {
        200: Type.Object({ acting: Type.Array(Delegation), represented: Type.Array(Delegation) }),
      },
    }),
    listRightsChanges: defineOperation({
      id: 'listRightsChanges',
      method: 'GET',
      path: '/rights/changes',
      summary: 'Who changed which rights when, with what was before and after, newest first',
      requirements: ['REG-5.2-req-4'],
      access: administrator,
      query: Type.Object({
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
        before: Type.Optional(Type.Integer({ minimum: 1, description: 'Number of the last one seen' })),
      }),
      responses: {
        200: Type.Object({
          changes: Type.Array(
            Type.Object({
              number: Type.Integer(),
              kind: Type.String(),
              registry: nullable(Type.String()),
              name: Type.String(),
              before: Type.Unknown(),
              after: Type.Unknown(),
              application: Type.String(),
              person: nullable(Type.String()),
              at: Type.String(),
            }),
          ),
        }),
      },
    }),
  },
});
