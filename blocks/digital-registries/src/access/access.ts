import { applicationOf, type Caller, conflict, forbidden, memberOf, type Person } from '@govstack/platform';
import type { RawBuilder } from 'kysely';
import type { dataMethods } from '../api/rights/right.ts';
import type { Catalogue, Registry } from '../schema/catalogue.ts';
import type { Field } from '../schema/field.ts';
import type { ClientKeyCheck } from '../secrets/client-keys.ts';
import { disclose } from '../secrets/disclosure.ts';
import { type Compiled, type ConditionalField, compileRights, type PartialField } from './compile-rights.ts';
import {
  analystRole,
  answering,
  type Facts,
  filledInAll,
  type Held,
  heldBy,
  inForce,
  lacking,
} from './decide.ts';
import { pseudonyms } from './masked.ts';
import type { OwnersRights, Rights } from './rights.ts';
import type { StandInStore, StandIns } from './stand-ins.ts';
import type { Asker } from './who.ts';

export type { ConditionalField, PartialField } from './compile-rights.ts';
export { analystRole, registrarRole } from './decide.ts';

export type DataMethod = (typeof dataMethods)[number];

/** Why data is read: headers of the request. */
export interface Ground {
  readonly purpose: string | undefined;
  readonly consentReference: string | undefined;
  readonly legalGround: string | undefined;
  /** Who reads, as the reading application says: kept as initials. */
  readonly readerName?: string | undefined;
  /** Files or cases for which data is read. */
  readonly references?: readonly string[] | undefined;
}

export interface Reader {
  readonly caller: Caller;
  readonly person: Person | undefined;
  readonly ground: Ground;
  /** Opens what is secret for an application that has it. */
  readonly registryKey?: string | undefined;
}

/** A registry as one reader may use it: which fields of which records. */
export interface Granted {
  readonly registry: Registry;
  /** Fields that are shown as they are in every record the reader sees: they may be asked for, and be given out. */
  readonly fields: readonly Field[];
  /** Fields that are shown in some of the records, or masked. */
  readonly partial?: readonly PartialField[];
  /** Fields by which records may be sought and ordered; `fields` when left out. */
  readonly asked?: readonly ConditionalField[];
  /** Fields that may be written; `fields` when left out. */
  readonly writable?: readonly ConditionalField[];
  /** Which records there are for the reader, as a condition on the columns of the table; undefined: all. */
  readonly rows: RawBuilder<unknown> | undefined;
  /** The same for the second wall, see `behindWall`. */
  readonly wall?: string | undefined;
  /** On what delegations the reader sees records of other persons. */
  readonly delegations?: readonly { readonly id: string; readonly subjectHash: Buffer }[];
  /** The reader belongs to another agency, or to none. */
  readonly foreign: boolean;
  /** Secret fields that the reader may write and not see. */
  readonly concealed?: readonly Field[];
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/** Decides who may do what with registries. Every surface asks here first. */
export interface Gate {
  /** The registry at which a call is addressed, with what its reader may do there. */
  open(reader: Reader, code: string, version: string, method: DataMethod): Promise<Granted>;
  /** The application whose registries the caller may administer: the one addressed. */
  administer(who: Who): string;
}

export interface GateParts {
  readonly catalogue: Catalogue;
  readonly rights: Rights;
  readonly standIns: StandInStore;
  readonly verifyConsent: (reference: string) => Promise<boolean>;
  /** Applications through which people work, a portal say: their calls have the rights of the person, and no others. */
  readonly consoles: ReadonlySet<string>;
  /** Of the pseudonyms that stand for masked values. */
  readonly pseudonymKey: Buffer;
  readonly now: () => Date;
  readonly opensSecrets: ClientKeyCheck;
}

const changing: ReadonlySet<DataMethod> = new Set(['create', 'update', 'delete', 'import']);
const mostCompiled = 500;
const nobody: StandIns = { identifiers: [], delegations: [] };

const restsOnPersons = (rights: readonly Held[]): boolean =>
  rights.some(({ owners, persons }) => owners !== undefined || restsOnPersons(persons ?? []));

/**
 * Applications of the owning member see all of its registries, and its people in their roles, unless that is taken from
 * them; everybody else what rights give them. A registry in which one has no right looks like no registry.
 */
export function createGate(parts: GateParts): Gate {
  const { catalogue, rights, standIns, verifyConsent, consoles, opensSecrets, pseudonymKey, now } = parts;
  /** By what the catalogue said when it was compiled, so that nothing outlives what it rests on: fields, names, grants. */
  const compiled = new WeakMap<readonly Field[], Map<string, Compiled>>();

  const askerOf = ({ caller, person, ground }: Reader, owner: string): Asker => ({
    owner,
    application: caller.application,
    console: consoles.has(caller.application),
    person,
    purpose: ground.purpose,
  });

  /** Compiled once for what a registry is now, a revision of the rights, and what is known of the caller. */
  function compile(held: readonly Held[], method: DataMethod, asker: Asker, facts: Facts): Compiled {
    const { registry, standIns } = facts;
    const names = (some: readonly Held[]): unknown =>
      some.map((one) => [one.name, one.persons && names(one.persons)]);
    const key = JSON.stringify([
      [registry.version, facts.rights.revision],
      [method, asker, names(held)],
      [standIns.identifiers, inForce(standIns, registry.id, method, facts.now).map(({ id }) => id)],
    ]);
    const ofRegistry = compiled.get(registry.current) ?? new Map<string, Compiled>();
    compiled.set(registry.current, ofRegistry);
    const found = ofRegistry.get(key);
    if (found) return found;
    const pseudonym = (field: Field) =>
      pseudonyms(pseudonymKey, registry.id, field.id, asker.person?.agency ?? memberOf(asker.application));
    const made = compileRights(registry, filledInAll(held, method, asker, facts).rights, pseudonym);
    if (ofRegistry.size >= mostCompiled) ofRegistry.clear();
    ofRegistry.set(key, made);
    return made;
  }

  /** People see what is secret through a console, applications with the key they were given. */
  async function disclosed(reader: Reader, granted: Granted, method: DataMethod): Promise<Granted> {
    const { application } = reader.caller;
    if (!granted.registry.vault) return granted;
    if (consoles.has(application)) return disclose(granted, method, true);
    if (reader.registryKey === undefined) return disclose(granted, method, false);
    if (!(await opensSecrets(granted.registry.id, application, reader.registryKey)))
      throw forbidden('The key does not open this registry');
    return disclose(granted, method, true);
  }

  const allowed: Pick<Gate, 'open'> = {
    async open(reader, code, version, method) {
      const owner = applicationOf(reader.caller.service);
      const { registry, access } = await catalogue.find(owner, code, version);
      const given: OwnersRights = await rights.of(owner);
      const asker = askerOf(reader, owner);
      const facts: Facts = { registry, access, rights: given, standIns: nobody, now: now() };
      const held = await answering(heldBy(asker, facts), method, asker, (one) =>
        lacking(one, asker, registry.requires, reader.ground, verifyConsent),
      );
      if (registry.archived && changing.has(method)) throw conflict('The registry is archived');
      const { person } = reader;
      const own = (asker.console ? person?.agency : memberOf(asker.application)) === memberOf(owner);
      const whole = { registry, fields: registry.fields, rows: undefined, foreign: !own };
      if (held.some(({ name, persons }) => name.startsWith('standing:') && !persons)) return whole;
      const known =
        person && restsOnPersons(held) ? { ...facts, standIns: await standIns.of(owner, person.id) } : facts;
      const { fields, partial, asked, writable, rows, wall } = compile(held, method, asker, known);
      const delegations = inForce(known.standIns, registry.id, method, known.now);
      const importable = writable.filter(({ when }) => when === undefined).map(({ id }) => id);
      return {
        ...whole,
        fields: method === 'import' ? fields.filter(({ id }) => importable.includes(id)) : fields,
        partial,
        asked,
        writable,
        rows,
        wall,
        delegations,
      };
    },
  };
  return {
    async open(reader, code, version, method) {
      return disclosed(reader, await allowed.open(reader, code, version, method), method);
    },
    administer({ caller, person }) {
      const owner = applicationOf(caller.service);
      const may = consoles.has(caller.application)
        ? person?.agency === memberOf(owner) && person.roles.includes(analystRole)
        : memberOf(caller.application) === memberOf(owner);
      if (!may) throw forbidden('Registries are administered by their own agency');
      return owner;
    },
  };
}
