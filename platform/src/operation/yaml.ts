import { parseDocument, stringify, visit } from 'yaml';
import { Problem } from './problem.ts';

export type YamlType = 'application/yaml' | 'text/yaml';

export const yamlTypes: readonly YamlType[] = ['application/yaml', 'text/yaml'];
export const isYaml = (type: string | undefined): type is YamlType => yamlTypes.some((yaml) => yaml === type);

/** A body that came as YAML and was not read yet: reading costs more than JSON, so it waits for who may ask. */
export class YamlText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const deepest = 100;
/** Values of one document, each counted wherever it is referred to: aliases must not make much out of little. */
const mostValues = 2_000_000;

const notWellFormed = (detail: string): Problem =>
  new Problem(400, 'The body is not well-formed YAML', { errors: [{ in: 'body', pointer: '', detail }] });

function assertBounded(root: unknown): void {
  let values = 0;
  const look = (value: unknown, depth: number): void => {
    values += 1;
    if (values > mostValues) throw notWellFormed(`holds more than ${mostValues} values`);
    if (depth > deepest) throw notWellFormed(`is nested deeper than ${deepest}`);
    if (typeof value === 'string' && value.includes('\0')) throw notWellFormed('holds the character U+0000');
    if (typeof value !== 'object' || value === null) return;
    for (const [name, one] of Object.entries(value)) {
      if (name.includes('\0')) throw notWellFormed('holds the character U+0000');
      look(one, depth + 1);
    }
  };
  look(root, 0);
}

/**
 * The value a YAML 1.2 text stands for. A number that is not written as JSON would write it (`0070`, `1e3`, more
 * digits than a number holds) stays text, so that codes keep their zeros. Throws a 400 that says what is wrong where.
 */
export function readYaml(text: string): unknown {
  let value: unknown;
  try {
    const document = parseDocument(text, { schema: 'core', version: '1.2', merge: false });
    const fault = document.errors[0] ?? document.warnings[0];
    if (fault) {
      const at = fault.linePos?.[0];
      const where = at ? `line ${at.line}, column ${at.col}: ` : '';
      throw notWellFormed(`${where}${fault.message.split(' at line ')[0] ?? fault.code}`);
    }
    visit(document, {
      Scalar(_key, node) {
        if (typeof node.value === 'number' && node.source !== undefined && node.source !== String(node.value))
          node.value = node.source;
      },
    });
    // Counted below instead: a count of aliases says nothing about what they come to.
    value = document.toJS({ maxAliasCount: -1 });
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error instanceof RangeError) throw notWellFormed('is nested too deep');
    throw notWellFormed(error instanceof ReferenceError ? error.message : 'cannot be read');
  }
  assertBounded(value);
  return value;
}

/** A plain value as YAML, without aliases and folded lines. */
export const writeYaml = (value: unknown): string =>
  stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });

/** Of the media types an operation can answer, the one an `Accept` header likes best; the first when it says nothing. */
export function preferred<T extends string>(accept: string | undefined, types: readonly T[]): T {
  const wanted = (accept ?? '').split(',').map((entry) => {
    const [range = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((one) => one.startsWith('q='));
    return { range, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  const likes = (type: string): number =>
    Math.max(0, ...wanted.filter(({ range }) => range === type).map(({ quality }) => quality));
  return types.reduce((best, type) => (likes(type) > likes(best) ? type : best));
}
