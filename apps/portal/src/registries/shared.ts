import { input, type Visit } from '../site/visit.ts';
import { refusedWith } from './refusals.ts';
import { type Json, labelOf } from './schema.ts';
import type { RegistryParts } from './shell.ts';
import { shownValue } from './shown-value.ts';

const tokenPattern = /^[A-Za-z0-9_-]{22}@([^/@]{1,100}(?:\/[^/@]{1,100}){3})$/;
const fileFormats = ['csv', 'json', 'text'] as const;

/** What a value is, when only the value is known. */
function propertyOf(value: unknown): Json {
  if (Array.isArray(value)) return { type: 'array' };
  if (typeof value === 'object' && value !== null)
    return { type: '$documentId' in value || 'originalName' in value ? 'file' : 'object' };
  if (typeof value === 'boolean' || typeof value === 'number') return { type: typeof value };
  return { type: 'string', ...(/^\d{4}-\d{2}-\d{2}$/.test(String(value)) ? { format: 'date' } : {}) };
}

/**
 * What a link leads to, for whoever has it (REG-6.1-27-a, REG-6.1-27-c). The link's code stands behind `#`, which is
 * sent to no server: our script hands it over in a form; without scripts people paste it. The code is 132 random bits,
 * so nobody guesses one, and every answer to a form is `no-store`. The referrer policy stays `same-origin` here as
 * everywhere: nothing goes to others, and without a referrer browsers would send our own forms with the origin `null`.
 */
export function sharedPages({ site, clients, everyOwner }: RegistryParts): void {
  /** The link's code in what was pasted, the whole link or only the code, and who knows it. */
  function tokenIn(visit: Visit): { readonly token: string; readonly owner: string } | undefined {
    const token = input(visit, 'code').split('#').at(-1) as string;
    const owner = tokenPattern.exec(token)?.[1];
    return owner !== undefined && everyOwner.includes(owner) ? { token, owner } : undefined;
  }

  const nowhere = (visit: Visit) =>
    visit.show(
      'registries/shared-form.njk',
      { errors: [{ text: visit.voice.t('registries.shared.nowhere'), href: '#code' }] },
      404,
    );

  site.page('/shared', async (visit) => visit.show('registries/shared-form.njk', { fresh: true }));

  site.publicAction('/shared', async (visit) => {
    const link = tokenIn(visit);
    if (!link) return nowhere(visit);
    try {
      const { body } = await clients.sharing(link.owner).openShare({ body: { token: link.token } });
      return visit.show('registries/shared.njk', {
        ...body,
        code: link.token,
        fileFormats,
        rows: Object.entries(body.content).map(([name, value]) => ({
          ...shownValue(visit.voice, { property: propertyOf(value) }, value),
          label: labelOf({ name, property: {} }),
        })),
      });
    } catch (error) {
      if (!refusedWith(error, 400, 401, 403, 404)) throw error;
      return nowhere(visit);
    }
  });

  site.publicAction('/shared/file', async (visit) => {
    const link = tokenIn(visit);
    const format = fileFormats.find((one) => one === input(visit, 'format')) ?? 'text';
    if (!link) return nowhere(visit);
    try {
      const { body, headers } = await clients
        .sharing(link.owner)
        .downloadShare({ body: { token: link.token, format } });
      return visit.reply
        .header('content-type', headers['content-type'] ?? 'application/octet-stream')
        .header('content-disposition', headers['content-disposition'] ?? 'attachment')
        .header('cache-control', 'no-store')
        .header('x-content-type-options', 'nosniff')
        .send(body);
    } catch (error) {
      if (!refusedWith(error, 400, 401, 403, 404)) throw error;
      return nowhere(visit);
    }
  });
}
