import {
  calleePath,
  isImportMeta,
  isNode,
  type Node,
  type StaticText,
  staticText,
  walkSource,
} from './syntax.ts';

/** One place where a source text names another module or a file. */
export interface ModuleReference {
  readonly line: number;
  /** `code` is loaded as a module (or only its types are); `file` is an address next to the module. */
  readonly kind: 'code' | 'file';
  /** As written; of a template literal the part before its first `${`. */
  readonly target: string;
  readonly complete: boolean;
}

const mocking = new Set(['mock', 'doMock', 'unmock', 'doUnmock', 'importActual', 'importMock']);

/** The expression that names a module, if the node is one of the ways to name one; `required` where it must be known. */
function namedModule(node: Node): { readonly named: unknown; readonly required: boolean } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return { named: node.source, required: false };
    case 'ImportExpression':
      return { named: node.source, required: true };
    case 'TSImportType':
      return { named: node.argument, required: true };
    case 'TSExternalModuleReference':
      return { named: node.expression, required: true };
    case 'CallExpression': {
      const [first] = node.arguments as unknown[];
      if (isImportMeta(node.callee, 'resolve')) return { named: first, required: false };
      const [name, member] = calleePath(node.callee);
      // `resolve` only looks a path up, so a computed name is no way in.
      if (name === 'require' && (member === undefined || member === 'resolve'))
        return { named: first, required: member === undefined };
      return name === 'vi' && mocking.has(member ?? '') ? { named: first, required: false } : undefined;
    }
    default:
      return undefined;
  }
}

/** `new URL('…', import.meta.url)`: the address of a file, unless it is an absolute one. */
function addressedFile(node: Node): StaticText | undefined {
  if (node.type !== 'NewExpression' || calleePath(node.callee).join('.') !== 'URL') return undefined;
  const [first, base] = node.arguments as unknown[];
  if (!isImportMeta(base, 'url')) return undefined;
  const address = staticText(first);
  return address && !/^([a-z][a-z0-9+.-]*:|\/)/i.test(address.text) ? address : undefined;
}

/**
 * Everything a source text reaches for: static imports, re-exports, dynamic imports, `require`, `import.meta.resolve`,
 * import types, Vitest's mocks and files addressed from `import.meta.url`. A dynamic import of something that only a
 * running program knows has the empty target.
 */
export function moduleReferences(text: string): ModuleReference[] {
  const found: ModuleReference[] = [];
  walkSource(text, (node) => {
    const line = node.loc?.start.line ?? 0;
    const module = namedModule(node);
    if (module) {
      // babel 7 gives the argument of an import type either as the literal or wrapped in a literal type.
      const named =
        isNode(module.named) && module.named.type === 'TSLiteralType' ? module.named.literal : module.named;
      const name = staticText(named);
      if (name) found.push({ line, kind: 'code', target: name.text, complete: name.complete });
      else if (module.required) found.push({ line, kind: 'code', target: '', complete: false });
    }
    const file = addressedFile(node);
    if (file) found.push({ line, kind: 'file', target: file.text, complete: file.complete });
  });
  return found;
}
