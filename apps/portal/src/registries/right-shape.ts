import type { RegistryClients } from './clients.ts';

type Rights = ReturnType<RegistryClients['rights']>;
type Listed = Awaited<ReturnType<Rights['listRights']>>['body'];

/** A right as the registries keep it: who may do what with which fields of which records, on what conditions. */
export type Right = Listed['rights'][number]['right'];
export type NamedRight = Listed['rights'][number];
export type Standing = Listed['standing'];
export type Subject = Right['subject'];
export type FieldRule = NonNullable<Right['fields']>[number];
export type Condition = NonNullable<Right['rows']>;
export type Comparison = Condition[number][number];

export const subjectKinds = [
  'role',
  'person',
  'group',
  'application',
  'record-owner',
  'signed-in',
  'anonymous',
] as const satisfies readonly Subject['kind'][];

export const rightMethods = [
  'list',
  'read',
  'exists',
  'create',
  'update',
  'delete',
  'history',
  'import',
  'export',
] as const satisfies readonly Right['methods'][number][];

/** How a field is seen: not at all, whole and written, whole, or in part. */
export const shownAs = ['hidden', 'write', 'plain', 'year', 'initials', 'last4', 'hash', 'redact'] as const;

export const comparisonOperators = [
  'eq',
  'ne',
  'in',
  'notIn',
  'lt',
  'le',
  'gt',
  'ge',
  'isNull',
  'notNull',
] as const;

/** With what a field is compared: a value, or what is known of the caller. */
export const comparedWith = [
  'value',
  'role',
  'attribute',
  'person',
  'agency',
  'application',
  'purpose',
] as const;

export const standingOfApplications = [
  'all',
  'with-person',
  'none',
] as const satisfies readonly Standing['applications'][];
