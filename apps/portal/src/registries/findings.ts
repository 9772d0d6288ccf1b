import type { Voice } from '../rendering/voice.ts';
import { labelOf } from './schema.ts';

export interface Finding {
  readonly pointer: string;
  readonly breaking: boolean;
  readonly detail: string;
}

/** The registries' sentences, each with its text here and what stands in it. */
const sentences: readonly (readonly [key: string, pattern: RegExp, ...values: readonly string[]])[] = [
  ['retiredRequired', /^was required and is retired$/],
  ['retired', /^is retired/],
  ['renamed', /^was called (.+)$/, 'before'],
  ['type', /^changes from (\S+) to (\S+)$/, 'before', 'after'],
  ['required', /^becomes required$/],
  ['optional', /^is no longer required$/],
  ['unique', /^becomes unique$/],
  ['primaryKey', /^the primary key changes$/],
  ['fewer', /^allows fewer values$/],
  ['more', /^allows more values$/],
  ['notPersonal', /^is no longer personal data/],
  ['newRequired', /^is new and required/],
  ['new', /^is new$/],
  ['pattern', /^takes other texts/],
  ['bound', /^(\S+) becomes (\S+)$/, 'bound', 'after'],
];

/** What publishing changes, in the reader's language; a sentence that is not known stays as the registry said it. */
export function findingsIn(voice: Voice, report: readonly Finding[]) {
  return report.map(({ pointer, breaking, detail }) => {
    const name = (pointer.split('/').at(3) ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
    const label = name === '' ? '' : labelOf({ name, property: {} });
    for (const [key, pattern, ...names] of sentences) {
      const match = pattern.exec(detail);
      if (!match) continue;
      const values = Object.fromEntries(names.map((one, index) => [one, match[index + 1] ?? '']));
      return { label, breaking, text: voice.t(`registries.findings.${key}`, values) };
    }
    return { label, breaking, text: detail, foreign: true };
  });
}
