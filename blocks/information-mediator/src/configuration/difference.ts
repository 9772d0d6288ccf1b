import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Configuration, defaultDomain, defaults } from './configuration.ts';
import { same } from './document.ts';

export type Kind = 'domain' | 'member' | 'application' | 'service' | 'right';

export interface ChangedField {
  readonly name: string;
  readonly from: unknown;
  readonly to: unknown;
}

export interface Change {
  readonly action: 'added' | 'changed' | 'removed';
  readonly kind: Kind;
  /** Identifier; of a right: `service subject`. */
  readonly id: string;
  readonly fields: readonly ChangedField[];
}

/** Keys, certificates and descriptions are told apart by digest: a difference is to be read. */
const digested = new Set(['publicKey', 'tlsCertificates', 'openapi']);

function shown(name: string, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (digested.has(name))
    return `sha256:${createHash('sha256')
      .update(canonicalize(value) ?? '')
      .digest('hex')
      .slice(0, 16)}`;
  if (name === 'endpoints')
    return (value as { method: string; path: string }[]).map(({ method, path }) =>
      method === '*' && path === '**' ? 'everything' : `${method} ${path}`,
    );
  return value;
}

function fieldsOf(before: object, after: object): ChangedField[] {
  const values = (entry: object) => entry as Record<string, unknown>;
  return Object.keys(after)
    .filter((name) => !same(values(before)[name], values(after)[name]))
    .map((name) => ({ name, from: shown(name, values(before)[name]), to: shown(name, values(after)[name]) }));
}

/** What leads from one configuration to another: members before applications before services before rights. */
export function differenceOf(from: Configuration, to: Configuration): Change[] {
  const usual = {
    member: defaults.member,
    application: defaults.application,
    service: defaults.service,
    right: (id: string) => ({ id, service: id.split(' ')[0], subject: id.split(' ')[1], endpoints: [] }),
  };
  function between<E extends { readonly id: string }>(
    kind: Exclude<Kind, 'domain'>,
    before: ReadonlyMap<string, E>,
    after: ReadonlyMap<string, E>,
  ): Change[] {
    const removed = [...before.keys()]
      .filter((id) => !after.has(id))
      .map((id): Change => ({ action: 'removed', kind, id, fields: [] }));
    const others = [...after.values()].flatMap((entry): Change[] => {
      const old = before.get(entry.id);
      if (!old)
        return [{ action: 'added', kind, id: entry.id, fields: fieldsOf(usual[kind](entry.id), entry) }];
      const fields = fieldsOf(old, entry);
      return fields.length === 0 ? [] : [{ action: 'changed', kind, id: entry.id, fields }];
    });
    return [...removed, ...others].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
  const domain: Change[] =
    from.domain === to.domain
      ? []
      : [
          {
            action: from.domain === defaultDomain ? 'added' : 'changed',
            kind: 'domain',
            id: to.domain,
            fields: fieldsOf({ domain: from.domain }, { domain: to.domain }),
          },
        ];
  return [
    ...domain,
    ...between('member', from.members, to.members),
    ...between('application', from.applications, to.applications),
    ...between('service', from.services, to.services),
    ...between('right', from.rights, to.rights),
  ];
}

const signs = { added: '+', changed: '~', removed: '-' } as const;
const worded = (value: unknown): string =>
  value === null ? 'nothing' : Array.isArray(value) ? value.join(', ') || 'nothing' : JSON.stringify(value);

/** One change as a line to read; values are quoted, so that none can look like another line. */
export function lineOf({ action, kind, id, fields }: Change): string {
  const [first, subject] = id.split(' ');
  const what = kind === 'right' ? `right of ${subject} to ${first}` : `${kind} ${id}`;
  const said = fields.map(({ name, from, to }) =>
    action === 'added' ? `${name} ${worded(to)}` : `${name} ${worded(from)} → ${worded(to)}`,
  );
  return `${signs[action]} ${what}${said.length === 0 ? '' : `: ${said.join('; ')}`}`;
}

/** How many entries of each kind were added, changed and removed. */
export function countsOf(changes: readonly Change[]): Record<Change['action'], number> {
  const count = (action: Change['action']) => changes.filter((change) => change.action === action).length;
  return { added: count('added'), changed: count('changed'), removed: count('removed') };
}
