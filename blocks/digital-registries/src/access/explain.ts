import { Problem } from '@govstack/platform';
import type { Kysely } from 'kysely';
import { dataMethods } from '../api/rights/right.ts';
import type { RegistryTables } from '../tables.ts';
import type { DataMethod, Ground } from './access.ts';
import { compileRights } from './compile-rights.ts';
import { answering, type Facts, filledInAll, type Held, heldBy, lacking } from './decide.ts';
import { inWords, type Predicate, toSql } from './predicate.ts';
import type { Asker } from './who.ts';

export interface ExplainedField {
  readonly name: string;
  readonly shown: 'plain' | 'partly' | 'hidden';
  /** When it is shown and how, when that is not always plain. */
  readonly detail: string | null;
  readonly written: 'always' | 'partly' | 'never';
}

/** What one method comes to for somebody, and why. */
export interface ExplainedMethod {
  readonly method: DataMethod;
  readonly allowed: boolean;
  /** Why not; null: allowed. */
  readonly refusal: string | null;
  /** The rights it rests on. */
  readonly rights: readonly string[];
  /** Which records, in words. */
  readonly rows: string;
  /** The same as the condition that PostgreSQL is given, without the values. */
  readonly sql: string;
  readonly fields: readonly ExplainedField[];
}

export interface Explanation {
  /** Every right that is theirs, in force for some method or not. */
  readonly held: readonly string[];
  /** Rights that are theirs and do not fit this registry. */
  readonly unfit: readonly { readonly name: string; readonly why: string }[];
  readonly methods: readonly ExplainedMethod[];
}

const named = ({ name, persons }: Held): string[] =>
  persons ? persons.flatMap(named).map((one) => `${name} with ${one}`) : [name];

/** What somebody may do with a registry, and why. A consent that is named is taken to be in force. */
export async function explain(
  db: Kysely<RegistryTables>,
  asker: Asker,
  facts: Facts,
  ground: Ground,
): Promise<Explanation> {
  const { registry } = facts;
  const held = heldBy(asker, facts);
  const unfit = new Map<string, string>();
  const methods = await Promise.all(
    dataMethods.map(async (method): Promise<ExplainedMethod> => {
      try {
        const answers = await answering(held, method, asker, (one) =>
          lacking(one, asker, registry.requires, ground, async () => true),
        );
        const { rights, unreadable } = filledInAll(answers, method, asker, facts);
        for (const { name, why } of unreadable) unfit.set(name, why);
        const { rows, fields } = compileRights(registry, rights, () => (value) => value).explained;
        const always = (predicate: Predicate): boolean => inWords(predicate) === inWords(rows);
        return {
          method,
          allowed: true,
          refusal: null,
          rights: answers.flatMap(named),
          rows: inWords(rows),
          sql: toSql(rows).compile(db).sql,
          fields: fields.map(({ field, plain, masked, writable }) => ({
            name: field.name,
            shown: always(plain) ? 'plain' : plain === false && masked.length === 0 ? 'hidden' : 'partly',
            detail:
              always(plain) || (plain === false && masked.length === 0)
                ? null
                : [
                    ...(plain === false ? [] : [`plain where ${inWords(plain)}`]),
                    ...masked.map(
                      ({ mask, when }) => `${mask}${always(when) ? '' : ` where ${inWords(when)}`}`,
                    ),
                  ].join('; '),
            written: writable === false ? 'never' : always(writable) ? 'always' : 'partly',
          })),
        };
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        return {
          method,
          allowed: false,
          refusal: error.message,
          rights: [],
          rows: inWords(false),
          sql: 'false',
          fields: [],
        };
      }
    }),
  );
  return {
    held: held.flatMap(named),
    unfit: [...unfit].map(([name, why]) => ({ name, why })),
    methods,
  };
}
