import { badRequest, forbidden, memberOf, notFound, type Problem } from '@govstack/platform';
import { dataMethods, type Right } from '../api/rights/right.ts';
import type { AccessGrant, Registry } from '../schema/catalogue.ts';
import type { DataMethod, Ground } from './access.ts';
import { type FieldAccess, fieldOf, type InForce } from './compile-rights.ts';
import { type Attributes, all, type Predicate, resolve, Unreadable } from './predicate.ts';
import type { OwnersRights } from './rights.ts';
import type { StandIns } from './stand-ins.ts';
import { type Asker, attributesOf, isApplications, isPersons, isValid } from './who.ts';

/** Roles of people who work with the registries of their own agency. */
export const analystRole = 'registry-analyst';
export const registrarRole = 'registrar';

/** A right that is the asker's, whatever the method, its needs not looked at yet. */
export interface Held {
  /** As it is named in explanations: `right:…`, `template:…/…`, `standing:…`, `access:…`. */
  readonly name: string;
  readonly right: Pick<Right, 'methods' | 'fields' | 'otherFields' | 'rows' | 'needs'>;
  /** Records of these persons only; undefined: of everybody. */
  readonly owners: 'self' | 'self-and-delegated' | undefined;
  /** What the registry demands of other agencies, consent or a legal ground, is demanded here. */
  readonly outside: boolean;
  /** Where an application gives what its person has too: the rights of the person. */
  readonly persons: readonly Held[] | undefined;
}

export interface Facts {
  readonly registry: Registry;
  readonly access: ReadonlyMap<string, AccessGrant>;
  readonly rights: OwnersRights;
  readonly standIns: StandIns;
  readonly now: Date;
}

const everything = { methods: [...dataMethods] };
const held = (name: string, right: Held['right'], more: Partial<Held> = {}): Held => ({
  name,
  right,
  owners: undefined,
  outside: false,
  persons: undefined,
  ...more,
});

const nameOf = (template: string | undefined, name: string): string =>
  template === undefined ? `right:${name}` : `template:${template}/${name}`;

function personsRights(asker: Asker, { registry, rights, now }: Facts): Held[] {
  const { person, owner } = asker;
  const standing = rights.standing(registry.id);
  const own = person?.agency === memberOf(owner);
  const inRole = (role: string): boolean => own && (person?.roles.includes(role) ?? false);
  return [
    ...(standing.analysts && inRole(analystRole) ? [held('standing:analysts', everything)] : []),
    ...(standing.registrars && inRole(registrarRole) ? [held('standing:registrars', everything)] : []),
    ...rights
      .of(registry.id)
      .filter(({ right }) => isValid(right, now) && isPersons(right.subject, asker, rights.groups))
      .map(({ name, template, right }) =>
        held(nameOf(template, name), right, {
          outside: !own && right.subject.kind !== 'record-owner',
          ...(right.subject.kind === 'record-owner'
            ? { owners: right.subject.delegates ? ('self-and-delegated' as const) : ('self' as const) }
            : {}),
        }),
      ),
  ];
}

function applicationsRights(asker: Asker, facts: Facts): Held[] {
  const { application, owner } = asker;
  const { registry, access, rights, now } = facts;
  const own = memberOf(application) === memberOf(owner);
  const standing = rights.standing(registry.id).applications;
  const grant = access.get(application);
  const withPerson = (right: Held['right']): Partial<Held> =>
    right.needs?.person?.ownRights ? { persons: personsRights(asker, facts) } : {};
  const bothRights = { ...everything, needs: { person: { ownRights: true } } };
  return [
    ...(own && standing === 'all' ? [held('standing:applications', everything)] : []),
    ...(own && standing === 'with-person'
      ? [held('standing:applications', bothRights, withPerson(bothRights))]
      : []),
    ...(grant && !own
      ? [
          held(
            `access:${application}`,
            {
              methods: grant.methods as DataMethod[],
              ...(grant.fields ? { fields: grant.fields.map((field) => ({ field })) } : {}),
            },
            { outside: true },
          ),
        ]
      : []),
    ...rights
      .of(registry.id)
      .filter(({ right }) => isValid(right, now) && isApplications(right.subject, asker, rights.groups))
      .map(({ name, template, right }) =>
        held(nameOf(template, name), right, { outside: !own, ...withPerson(right) }),
      ),
  ];
}

/** Every right that is the asker's. Through a console they are the person's; otherwise the application's, which bound. */
export const heldBy = (asker: Asker, facts: Facts): Held[] =>
  asker.console ? personsRights(asker, facts) : applicationsRights(asker, facts);

/** What a right needs and this call has not; undefined: nothing. */
export async function lacking(
  { right: { needs }, outside }: Held,
  asker: Asker,
  requires: Registry['requires'],
  ground: Ground,
  verifyConsent: (reference: string) => Promise<boolean>,
): Promise<Problem | undefined> {
  const { person } = asker;
  if (needs?.person && !person) return forbidden('A person who is signed in must stand behind this call');
  const roles = needs?.person?.roles;
  if (
    roles &&
    !(person?.agency === memberOf(asker.application) && roles.some((role) => person.roles.includes(role)))
  )
    return forbidden('The person behind this call has no role in which they may do this');
  if (needs?.acr && !(person?.acr !== undefined && needs.acr.includes(person.acr)))
    return forbidden('The person must have signed in in a stronger way');
  if (needs?.purposes) {
    const { purpose } = ground;
    if (purpose === undefined) return forbidden('X-Purpose is required here');
    if (needs.purposes.length > 0 && !needs.purposes.includes(purpose))
      return forbidden('Data is not given for this purpose');
  }
  if (needs?.consent || (outside && requires === 'consent')) {
    const reference = ground.consentReference;
    if (reference === undefined)
      return forbidden('This registry is read under consent: X-Consent-Reference is required');
    if (!(await verifyConsent(reference))) return forbidden('The consent is not in force');
  }
  if ((needs?.legalGround || (outside && requires === 'legal-ground')) && ground.legalGround === undefined)
    return forbidden('This registry is read on a legal ground: X-Legal-Ground is required');
  return undefined;
}

/** Records that are about the person, or about those for whom they may act with this method. */
function ownedBy({ registry, standIns, now }: Facts, owners: Held['owners'], method: DataMethod): Predicate {
  const field = registry.current.find(({ owner }) => owner);
  if (!field) return false;
  const delegated =
    owners === 'self-and-delegated'
      ? inForce(standIns, registry.id, method, now).map((one) => one.subject)
      : [];
  const identifiers = [...new Set([...standIns.identifiers, ...delegated])];
  try {
    const is = [{ field: field.id, operator: 'in' as const, value: { caller: 'person' } }];
    return resolve([is], fieldOf(registry), () => identifiers);
  } catch (error) {
    if (error instanceof Unreadable) return false;
    throw error;
  }
}

/** Delegations that count for a registry and a method now. */
export const inForce = ({ delegations }: StandIns, registryId: string, method: DataMethod, now: Date) =>
  delegations.filter(
    (one) =>
      one.revokedAt === null &&
      (one.registries === null || one.registries.includes(registryId)) &&
      one.methods.includes(method) &&
      new Date(one.from) <= now &&
      new Date(one.until) > now,
  );

const writing: ReadonlySet<DataMethod> = new Set(['create', 'update', 'import']);

function filledIn(one: Held, method: DataMethod, facts: Facts, attributes: Attributes): InForce {
  const { registry } = facts;
  const { right } = one;
  const find = fieldOf(registry);
  const rules = new Map<number, FieldAccess>();
  for (const rule of right.fields ?? []) {
    const field = registry.fields.find(({ name }) => name === rule.field) ?? find(rule.field);
    // Of a template: not every registry has every field.
    if (!field) continue;
    const show = rule.show ?? 'plain';
    rules.set(field.id, {
      show,
      write: writing.has(method) && (rule.write ?? show === 'plain'),
      when: resolve(rule.when, find, attributes),
    });
  }
  const others = right.otherFields ?? (right.fields ? 'hidden' : 'plain');
  const rest: FieldAccess = { show: others, write: writing.has(method) && others === 'plain', when: true };
  return {
    rows: all([
      resolve(right.rows, find, attributes),
      one.owners === undefined ? true : ownedBy(facts, one.owners, method),
    ]),
    field: ({ id }) => rules.get(id) ?? rest,
  };
}

const strictest = ['plain', 'year', 'initials', 'last4', 'hash', 'redact', 'hidden'] as const;

/** What two rights have in common. */
const both = (one: InForce, other: InForce): InForce => ({
  rows: all([one.rows, other.rows]),
  field: (field) => {
    const [a, b] = [one.field(field), other.field(field)];
    return {
      show: strictest.indexOf(a.show) > strictest.indexOf(b.show) ? a.show : b.show,
      write: a.write && b.write,
      when: all([a.when, b.when]),
    };
  },
});

/** Rights of one method with the asker filled in; those that do not fit the registry are none. */
export function filledInAll(
  rights: readonly Held[],
  method: DataMethod,
  asker: Asker,
  facts: Facts,
): { readonly rights: InForce[]; readonly unreadable: { readonly name: string; readonly why: string }[] } {
  const attributes = attributesOf(asker, facts.rights.groups);
  const unreadable: { name: string; why: string }[] = [];
  const found = rights.flatMap((one): InForce[] => {
    try {
      const right = filledIn(one, method, facts, attributes);
      if (!one.persons) return [right];
      const persons = filledInAll(one.persons, method, asker, facts);
      return persons.rights.map((other) => both(right, other));
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      unreadable.push({ name: one.name, why: error.message });
      return [];
    }
  });
  // A file is taken whole: only by those who may write every record.
  return { rights: method === 'import' ? found.filter(({ rows }) => rows === true) : found, unreadable };
}

/** Of the rights of an asker those that answer a call by a method. Throws why there is none. */
export async function answering(
  rights: readonly Held[],
  method: DataMethod,
  asker: Asker,
  lacks: (one: Held) => Promise<Problem | undefined>,
): Promise<Held[]> {
  if (rights.length === 0) throw notFound('Registry');
  const forMethod = rights.filter(({ right }) => right.methods.includes(method));
  if (forMethod.length === 0)
    throw forbidden(`${asker.console ? 'You' : asker.application} may not ${method} here`);
  const met: Held[] = [];
  let refusal: Problem | undefined;
  for (const one of forMethod) {
    const problem = await lacks(one);
    if (problem) {
      refusal ??= problem;
      continue;
    }
    if (!one.persons) {
      met.push(one);
      continue;
    }
    try {
      met.push({ ...one, persons: await answering(one.persons, method, { ...asker, console: true }, lacks) });
    } catch (error) {
      refusal ??=
        (error as Problem).status === 404
          ? forbidden('The person behind this call has no right of their own here')
          : (error as Problem);
    }
  }
  if (met.length === 0) throw refusal ?? forbidden(`${asker.application} may not ${method} here`);
  return met;
}

/** Refuses a right that says what no registry of these fields could keep to, pointing at it. */
export function assertReadable(right: Right, registry: Registry | undefined, at = ''): void {
  const refuse = (pointer: string, detail: string): never => {
    throw badRequest('The right is not valid', [{ in: 'body', pointer: `${at}${pointer}`, detail }]);
  };
  if (/\\u(?:0000|d[89a-f][0-9a-f]{2})/.test(JSON.stringify(right)))
    refuse('', 'holds a character that cannot be kept');
  const needsGround = right.needs?.consent || right.needs?.legalGround || right.needs?.purposes;
  if (needsGround && right.methods.some((method) => writing.has(method) || method === 'delete'))
    refuse('/needs', 'writing takes no grounds: give the right to read apart from the right to write');
  if (right.rows && right.methods.includes('import'))
    refuse('/rows', 'import takes files whole: give it without rows');
  if (right.until !== undefined && right.from !== undefined && right.until <= right.from)
    refuse('/until', 'is before it begins');
  const { subject } = right;
  if (right.needs?.person && subject.kind !== 'application' && subject.kind !== 'group')
    refuse('/needs/person', 'is a need of applications');
  if (!registry) return;
  const find = fieldOf(registry);
  if (subject.kind === 'record-owner' && !registry.current.some(({ owner }) => owner))
    refuse('/subject', 'this registry has no field that says whom a record is about');
  for (const [index, { field, when }] of (right.fields ?? []).entries()) {
    if (!find(field)) refuse(`/fields/${index}/field`, 'is not a field of this registry');
    readable(`/fields/${index}/when`, when);
  }
  readable('/rows', right.rows);

  function readable(pointer: string, condition: Right['rows']): void {
    try {
      // Whatever is known of a caller must be comparable with the field, so the field decides.
      resolve(condition, find, () => []);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      refuse(pointer, error.message);
    }
  }
}
