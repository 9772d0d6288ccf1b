import { type Static, Type } from '@govstack/platform/operation';

const closed = { additionalProperties: false } as const;
const oneOf = <const T extends readonly string[]>(...values: T) =>
  Type.Unsafe<T[number]>({ enum: [...values] });
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const application = Type.String({ pattern: '^[^/]+(/[^/]+){3}$', maxLength: 400 });

export const dataMethods = [
  'create',
  'read',
  'exists',
  'list',
  'update',
  'delete',
  'history',
  'import',
  'export',
] as const;
export const Method = oneOf(...dataMethods);

/** Whom a right is given to. */
export const Subject = Type.Union([
  Type.Object({ kind: Type.Literal('application'), application }, closed),
  Type.Object({ kind: Type.Literal('person'), person: text(200) }, closed),
  Type.Object(
    {
      kind: Type.Literal('role'),
      role: Type.String({
        pattern: '^[a-z][a-z-]{0,49}(:.{1,100})?$',
        description: '`registrar`, a role for one thing `registrar:north`, or for any one `registrar:*`',
      }),
      agency: Type.Optional(
        Type.String({ maxLength: 300, description: 'Member; `*` any; the owner’s own when left out' }),
      ),
    },
    closed,
  ),
  Type.Object({ kind: Type.Literal('group'), group: text(60) }, closed),
  Type.Object({ kind: Type.Literal('signed-in') }, closed),
  Type.Object({ kind: Type.Literal('anonymous') }, closed),
  Type.Object(
    {
      kind: Type.Literal('record-owner'),
      delegates: Type.Optional(
        Type.Boolean({ description: 'Those whom the person has as guardian or representative, too' }),
      ),
    },
    { ...closed, description: 'The person a record is about: the owner field is one of their identifiers' },
  ),
]);
export type Subject = Static<typeof Subject>;

export const callerAttributes = [
  'person',
  'agency',
  'roles',
  'groups',
  'acr',
  'client',
  'application',
  'member',
  'purpose',
] as const;
const Attribute = Type.String({
  pattern: `^(${callerAttributes.join('|')}|(role|attribute):.{1,60})$`,
  description:
    'What is known of the caller. `role:registrar` is what their roles `registrar:…` end in; `attribute:district` what a group says of them',
});
const FieldRef = Type.Union([text(100), Type.Integer({ minimum: 1 })], {
  description: 'A field by name or by id',
});
export type FieldRef = Static<typeof FieldRef>;
const Scalar = Type.Union([Type.String({ maxLength: 500 }), Type.Number(), Type.Boolean()]);

/** One comparison: a field or an attribute of the caller, with a value, another field, or an attribute. */
export const Comparison = Type.Object(
  {
    field: Type.Optional(FieldRef),
    caller: Type.Optional(Attribute),
    operator: oneOf('eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'notIn', 'isNull'),
    value: Type.Optional(
      Type.Union([
        Scalar,
        Type.Array(Scalar, { maxItems: 200 }),
        Type.Object({ caller: Attribute }, closed),
        Type.Object({ field: FieldRef }, closed),
      ]),
    ),
  },
  closed,
);
export type Comparison = Static<typeof Comparison>;

/** Holds when of one of the lists every comparison holds. What is absent fails every comparison but `isNull`. */
export const Condition = Type.Array(Type.Array(Comparison, { minItems: 1, maxItems: 10 }), {
  minItems: 1,
  maxItems: 20,
  description: 'Any of the lists, all that is in it',
});
export type Condition = Static<typeof Condition>;

export const masks = ['year', 'initials', 'last4', 'hash', 'redact'] as const;
export type Mask = (typeof masks)[number];

export const FieldRule = Type.Object(
  {
    field: FieldRef,
    show: Type.Optional(oneOf('plain', 'hidden', ...masks)),
    write: Type.Optional(
      Type.Boolean({ description: 'May be written by the methods that write; true when plain' }),
    ),
    when: Type.Optional(Condition),
  },
  closed,
);

const moment = Type.String({ format: 'date-time' });

/** A right: who may do what with which fields of which records, on what conditions, for how long. */
export const Right = Type.Object(
  {
    subject: Subject,
    methods: Type.Array(Method, { minItems: 1, maxItems: dataMethods.length }),
    fields: Type.Optional(Type.Array(FieldRule, { maxItems: 400, description: 'Left out: all of them' })),
    otherFields: Type.Optional(oneOf('plain', 'hidden')),
    rows: Type.Optional(Condition),
    needs: Type.Optional(
      Type.Object(
        {
          consent: Type.Optional(Type.Boolean()),
          legalGround: Type.Optional(Type.Boolean()),
          purposes: Type.Optional(
            Type.Array(Type.String({ maxLength: 200 }), {
              maxItems: 50,
              description: 'One of them must be in X-Purpose; empty: any',
            }),
          ),
          person: Type.Optional(
            Type.Object(
              {
                roles: Type.Optional(Type.Array(text(150), { maxItems: 50 })),
                ownRights: Type.Optional(
                  Type.Boolean({
                    description: 'The person needs a right too; what is given is what both have',
                  }),
                ),
              },
              { ...closed, description: 'A person must stand behind the application' },
            ),
          ),
          acr: Type.Optional(Type.Array(text(200), { maxItems: 10, description: 'How they have signed in' })),
        },
        closed,
      ),
    ),
    from: Type.Optional(moment),
    until: Type.Optional(moment),
    note: Type.Optional(Type.String({ maxLength: 1000 })),
  },
  closed,
);
export type Right = Static<typeof Right>;

/** What is so without any right: of applications, analysts and registrars of the owning agency. */
export const Standing = Type.Object(
  {
    applications: oneOf('all', 'with-person', 'none'),
    analysts: Type.Boolean({
      description: 'See and change records; they manage registries and rights in any case',
    }),
    registrars: Type.Boolean(),
  },
  closed,
);
export type Standing = Static<typeof Standing>;
export const standing: Standing = { applications: 'all', analysts: true, registrars: true };

export const Member = Type.Object(
  {
    person: Type.Optional(text(200)),
    role: Type.Optional(text(150)),
    agency: Type.Optional(Type.String({ maxLength: 300 })),
    application: Type.Optional(application),
    attributes: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9-]{0,49}$' }),
        Type.Array(text(200), { maxItems: 100 }),
      ),
    ),
  },
  { ...closed, description: 'A person, a role in an agency, or an application' },
);
export type Member = Static<typeof Member>;
export const Group = Type.Object(
  { title: text(200), members: Type.Array(Member, { maxItems: 2000 }) },
  closed,
);
export type Group = Static<typeof Group>;

/** The right with every field named another way. */
export function withFields(right: Right, name: (field: FieldRef) => FieldRef): Right {
  const inComparison = (one: Comparison): Comparison => ({
    ...one,
    ...(one.field === undefined ? {} : { field: name(one.field) }),
    ...(typeof one.value === 'object' && 'field' in one.value
      ? { value: { field: name(one.value.field) } }
      : {}),
  });
  const inCondition = (condition: Condition): Condition => condition.map((list) => list.map(inComparison));
  return {
    ...right,
    ...(right.rows ? { rows: inCondition(right.rows) } : {}),
    ...(right.fields
      ? {
          fields: right.fields.map((rule) => ({
            ...rule,
            field: name(rule.field),
            ...(rule.when ? { when: inCondition(rule.when) } : {}),
          })),
        }
      : {}),
  };
}
