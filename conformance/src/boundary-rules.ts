import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path/posix';
import type { ModuleReference } from './module-references.ts';
import { inside, isDevelopment, isTest, mayAddressTree, mayCompose, roomOf } from './rooms.ts';

/** What the rules need to know about the tree. */
export interface Tree {
  /** Names of the blocks. */
  readonly blocks: ReadonlySet<string>;
  /** npm packages declared for running, and for development only. */
  readonly runtime: ReadonlySet<string>;
  readonly development: ReadonlySet<string>;
  /** Files that make up the published declarations of a block. */
  readonly declarations: ReadonlySet<string>;
}

const scope = '@govstack/';

/** The file a relative reference leads to, relative to the root. */
export const reachedBy = (file: string, target: string): string =>
  normalize(join(dirname(file), target)).replace(/\/$/, '');

/** `platform` imports nothing above it, a block only the platform, everyone else only published APIs. */
function workspaceFault(file: string, target: string, tree: Tree): string | undefined {
  const { kind, folder } = roomOf(file);
  const [name = '', ...rest] = target.slice(scope.length).split('/');
  const entrance = rest.join('/');
  if (name === 'platform') {
    return entrance === 'testing' && !isTest(file) && kind !== 'bench'
      ? 'the test kit of the platform is for tests only'
      : undefined;
  }
  if (kind === 'platform') return 'the platform may not know anything that stands on it';
  if (tree.blocks.has(name)) {
    if (folder === `blocks/${name}`) return undefined;
    if (kind === 'block') return 'a block may not import another block';
    if (entrance === 'api') return undefined;
    if (['', 'verify'].includes(entrance) && mayCompose(file)) return undefined;
    return `only ${scope}${name}/api may be imported`;
  }
  return kind === 'block' ? 'a block may import only the platform' : undefined;
}

function packageFault(file: string, reference: ModuleReference, tree: Tree): string | undefined {
  const { target, complete } = reference;
  const parts = target.split('/');
  const name = target.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
  if (builtinModules.includes(name)) return `write node:${target}`;
  const whole = complete || parts.length > name.split('/').length;
  const declared = (names: ReadonlySet<string>): boolean =>
    whole ? names.has(name) : name !== '' && [...names].some((one) => one.startsWith(name));
  if (declared(tree.runtime)) return undefined;
  if (declared(tree.development))
    return isDevelopment(file) ? undefined : `${name} is a development dependency`;
  return `${name || target} is not a dependency of the root package.json`;
}

function relativeFault(file: string, reference: ModuleReference, tree: Tree): string | undefined {
  const { kind, folder } = roomOf(file);
  const reached = reachedBy(file, reference.target);
  const code = reference.kind === 'code';
  const stays = kind === 'root' ? inside('', reached) : inside(folder, reached);
  const addresses = !code && mayAddressTree(file) && inside('', reached);
  if (!stays && !addresses) return 'a relative path may not leave its package';
  if (tree.declarations.has(file) && !inside(`${folder}/src/api`, reached))
    return 'API declarations may not import what implements them';
  if (kind === 'platform' && inside('platform/src/testing', reached) && !isTest(file))
    return 'the test kit of the platform is for tests only';
  const knowsDialects =
    inside(`${folder}/src/api`, file) || file === `${folder}/src/block.ts` || isTest(file);
  if (kind === 'block' && inside(`${folder}/src/api/compliance`, reached) && !knowsDialects)
    return 'the domain may not know a compliance dialect';
  return undefined;
}

/** Why a file may not reach for what it reaches for; undefined when it may. */
export function faultOf(file: string, reference: ModuleReference, tree: Tree): string | undefined {
  const { target, kind } = reference;
  if (target === '')
    return reference.kind === 'file' || isTest(file) ? undefined : 'an import must name what it imports';
  if (kind === 'file' || target === '.' || target === '..' || /^\.\.?\//.test(target))
    return relativeFault(file, reference, tree);
  if (
    tree.declarations.has(file) &&
    target !== `${scope}platform/operation` &&
    !/^typebox(\/|$)/.test(target)
  )
    return `API declarations may import only ${scope}platform/operation`;
  if (target.startsWith('node:')) return undefined;
  if (target.startsWith(scope)) return workspaceFault(file, target, tree);
  return packageFault(file, reference, tree);
}
