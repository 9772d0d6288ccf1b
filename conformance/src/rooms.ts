export type RoomKind =
  | 'platform'
  | 'block'
  | 'app'
  | 'country'
  | 'service'
  | 'conformance'
  | 'bench'
  | 'types'
  | 'root'
  | 'other';

/** A part of the tree with its own rights to know others: a package, a service, or the files at the top. */
export interface Room {
  readonly kind: RoomKind;
  /** Path of the room without a slash at the end; empty for the files at the top. */
  readonly folder: string;
}

const single: readonly string[] = ['platform', 'country', 'conformance', 'bench', 'types'];
const several: Readonly<Record<string, RoomKind>> = { blocks: 'block', apps: 'app', services: 'service' };

/** The only program that puts blocks into a node. */
const compositionRoot = 'apps/cli';

export function roomOf(file: string): Room {
  const [first = '', second, third] = file.split('/');
  if (second === undefined) return { kind: 'root', folder: '' };
  const kind = several[first];
  if (kind) return third === undefined ? { kind, folder: first } : { kind, folder: `${first}/${second}` };
  return { kind: single.includes(first) ? (first as RoomKind) : 'other', folder: first };
}

export const inside = (folder: string, file: string): boolean =>
  folder === '' ? !file.startsWith('..') : file === folder || file.startsWith(`${folder}/`);

/** Code that never ships: a package's tests and the platform's own test kit. */
export const isTest = (file: string): boolean =>
  inside(`${roomOf(file).folder}/test`, file) || inside('platform/src/testing', file);

/** Code that never ships, and programs that only check or measure. */
export const isDevelopment = (file: string): boolean =>
  isTest(file) ||
  /^blocks\/[^/]+\/bench\//.test(file) ||
  ['conformance', 'bench', 'types', 'root'].includes(roomOf(file).kind);

/** Code that may put blocks together: the composition root, the bench, and tests of what stands on blocks. */
export function mayCompose(file: string): boolean {
  const { kind, folder } = roomOf(file);
  if (folder === compositionRoot || kind === 'bench') return true;
  return isTest(file) && ['app', 'country', 'service', 'conformance'].includes(kind);
}

/** Code that may name files (not modules) outside its package: checks, tests and the composition root. */
export const mayAddressTree = (file: string): boolean =>
  isDevelopment(file) || roomOf(file).folder === compositionRoot;
