import { badRequest, Problem } from '@govstack/platform';
import type { Static } from '@govstack/platform/operation';
import canonicalize from 'canonicalize';
import { type Kysely, sql, type Transaction } from 'kysely';
import Mustache from 'mustache';
import type { messagingApi } from '../api/operations.ts';
import type { MessagingTables } from '../tables.ts';

export type Channels = Static<(typeof messagingApi.operations.putTemplate)['body']>;

const verbatim = { escape: (value: unknown): string => String(value) };

/** Names a template needs; sections and partials are refused: templates hold text and values, no logic. */
export function variablesOf(template: string): string[] {
  const names: string[] = [];
  for (const [kind, value] of Mustache.parse(template) as unknown as [string, string][]) {
    if (kind === 'name' || kind === '&') names.push(value);
    else if (kind !== 'text' && kind !== '!') throw new Error(`{{${kind}${value}}} is not allowed`);
  }
  return names;
}

function assertTexts(channels: Channels): void {
  for (const [channel, languages] of Object.entries(channels)) {
    for (const [language, texts] of Object.entries(languages ?? {})) {
      for (const [part, text] of Object.entries(texts)) {
        try {
          variablesOf(text);
        } catch (error) {
          throw badRequest('The template is not valid', [
            { in: 'body', pointer: `/${channel}/${language}/${part}`, detail: (error as Error).message },
          ]);
        }
      }
    }
  }
}

export async function putTemplate(
  trx: Transaction<MessagingTables>,
  owner: string,
  code: string,
  channels: Channels,
): Promise<number> {
  assertTexts(channels);
  await sql`select pg_advisory_xact_lock(hashtext(${`${owner}/${code}`}))`.execute(trx);
  const latest = await latestTemplate(trx, owner, code);
  if (latest && canonicalize(latest.channels) === canonicalize(channels)) return latest.version;
  const version = (latest?.version ?? 0) + 1;
  await trx
    .insertInto('template')
    .values({ owner, code, version, channels: JSON.stringify(channels) })
    .execute();
  return version;
}

export async function latestTemplate(
  db: Kysely<MessagingTables>,
  owner: string,
  code: string,
): Promise<{ version: number; channels: Channels } | undefined> {
  const row = await db
    .selectFrom('template')
    .select(['version', 'channels'])
    .where('owner', '=', owner)
    .where('code', '=', code)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && { version: row.version, channels: row.channels as Channels };
}

/** Text of a template in the wanted language, else English, else the first there is. A missing value is refused. */
export function render(
  channels: Channels,
  channel: 'email' | 'sms',
  language: string | undefined,
  variables: Readonly<Record<string, unknown>>,
): { subject?: string; body: string; language: string } {
  const languages = channels[channel] as Record<string, { subject?: string; body: string }> | undefined;
  if (!languages) throw new Problem(422, `The template has no text for ${channel}`);
  const tag = [language, language?.split('-')[0], 'en', Object.keys(languages)[0]].find(
    (one) => one !== undefined && one in languages,
  ) as string;
  const texts = languages[tag] as { subject?: string; body: string };
  const missing = Object.values(texts)
    .flatMap(variablesOf)
    .filter((name) => variables[name] === undefined);
  if (missing.length > 0) {
    throw new Problem(422, 'The template needs values that are missing', {
      errors: [...new Set(missing)].map((name) => ({
        in: 'body',
        pointer: `/variables/${name}`,
        detail: 'is required',
      })),
    });
  }
  const fill = (text: string): string => Mustache.render(text, variables, undefined, verbatim);
  return {
    body: fill(texts.body),
    language: tag,
    ...(texts.subject === undefined ? {} : { subject: fill(texts.subject) }),
  };
}
