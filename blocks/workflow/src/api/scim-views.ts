import { createHash } from 'node:crypto';
import { Problem } from '@govstack/platform';
import { attributeOf, groupSchema, type ResourceSchema, userSchema } from '../provisioning/attributes.ts';
import type { Provisioner, Provisioning } from '../provisioning/provisioner.ts';
import { contentOfRole, type RoleRow } from '../provisioning/roles.ts';
import { contentOf, type UserRow } from '../provisioning/users.ts';

/** A resource as it is answered. */
export interface Answer {
  readonly schemas: string[];
  readonly id: string;
  readonly meta: {
    readonly resourceType: string;
    readonly created: string;
    readonly lastModified: string;
    /** Below the address of the mediator. */
    readonly location: string;
    readonly version: string;
  };
  readonly [attribute: string]: unknown;
}

const locationOf = ({ service }: Provisioner, kind: string, id: string): string =>
  `/r1/${service}/${kind}/${id}`;

const digest = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12);

/** Answer of a person with the roles that are provisioned here. */
export function toUser(
  provisioning: Provisioning,
  by: Provisioner,
  row: UserRow,
  roles: readonly { readonly id: string; readonly name: string }[],
): Answer {
  return {
    schemas: [userSchema.id],
    id: row.id,
    ...contentOf(provisioning, row),
    ...(roles.length === 0
      ? {}
      : {
          groups: roles.map(({ id, name }) => ({
            value: id,
            $ref: locationOf(by, 'Groups', id),
            display: name,
            type: 'direct',
          })),
        }),
    meta: {
      resourceType: 'User',
      created: row.created_at,
      lastModified: row.changed_at,
      location: locationOf(by, 'Users', row.id),
      version: `W/"${row.revision}-${digest(roles)}"`,
    },
  };
}

/** Answer of a role; without its members where nobody wants them. */
export function toGroup(by: Provisioner, row: RoleRow, members: readonly string[]): Answer {
  const { members: _, ...content } = contentOfRole(row, []);
  return {
    schemas: [groupSchema.id],
    id: row.id,
    ...content,
    ...(members.length === 0
      ? {}
      : {
          members: members.map((value) => ({ value, $ref: locationOf(by, 'Users', value), type: 'User' })),
        }),
    meta: {
      resourceType: 'Group',
      created: row.created_at,
      lastModified: row.changed_at,
      location: locationOf(by, 'Groups', row.id),
      version: `W/"${row.revision}"`,
    },
  };
}

export interface Selection {
  readonly attributes?: string;
  readonly excludedAttributes?: string;
}

/** Names of attributes in a query, without the name of the schema and of parts. */
const named = (schema: ResourceSchema, text: string): Set<string> =>
  new Set(
    text.split(',').map((one) => {
      const name = one.trim().toLowerCase().replace(`${schema.id.toLowerCase()}:`, '');
      return name.split('.')[0] ?? '';
    }),
  );

/** Whether an attribute is to be answered (RFC 7644, 3.9). */
export function wants(
  schema: ResourceSchema,
  { attributes, excludedAttributes }: Selection,
  name: string,
): boolean {
  if (name === 'id' || name === 'schemas' || attributeOf(schema.attributes, name)?.returned === 'always')
    return true;
  if (attributes !== undefined) return named(schema, attributes).has(name.toLowerCase());
  return !(excludedAttributes !== undefined && named(schema, excludedAttributes).has(name.toLowerCase()));
}

/** The attributes of an answer that are wanted. */
export const select = (schema: ResourceSchema, selection: Selection, answer: Answer): Answer =>
  Object.fromEntries(
    Object.entries(answer).filter(([name]) => wants(schema, selection, name)),
  ) as unknown as Answer;

const entityTag = /(?:W\/)?"[^"]*"/g;
const opaque = (tag: string): string => tag.replace(/^W\//, '');

/** Whether a header names this version, or any. */
export const names = (header: string, version: string): boolean =>
  header.trim() === '*' || (header.match(entityTag) ?? []).some((tag) => opaque(tag) === opaque(version));

/** Throws 412 when what is to be changed is not what the client has seen. */
export function assertVersion(ifMatch: string | undefined, version: string): void {
  if (ifMatch !== undefined && !names(ifMatch, version))
    throw new Problem(412, 'The resource has another version by now');
}
