import { Problem, readYaml, writeYaml } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { keepDraft, openDesign } from './design-state.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles } from './roles.ts';
import type { Schema } from './schema.ts';
import { frame, type RegistryParts } from './shell.ts';

const access = { roles: designerRoles };
const languages = ['json', 'yaml'] as const;
type Written = (typeof languages)[number];

const asText = (schema: unknown, as: Written): string =>
  as === 'json' ? `${JSON.stringify(schema, null, 2)}\n` : writeYaml(schema);

/** JSON or YAML, whichever it is. */
function read(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return readYaml(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(400, (error as Error).message);
  }
}

/** The schema as text: to read, change, bring and take along (REG-6.1-10, REG-6.1-11). */
export function textPages(parts: RegistryParts): void {
  const { site } = parts;
  const chosen = (value: string | undefined): Written => languages.find((one) => one === value) ?? 'json';

  async function show(visit: SignedInVisit, entered?: string, errors: readonly PageError[] = []) {
    const as = chosen(visit.query.as);
    const design = await openDesign(parts, visit);
    return visit.show(
      'registries/text.njk',
      {
        ...frame(visit, { place: design.place, name: design.info.name }, 'design', design.published),
        back: `${design.place.base}/design`,
        tag: design.tag,
        as,
        schema: entered ?? asText(design.schema, as),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/design/text', access, (visit) => show(visit));

  site.action('/registries/:registry/design/text', access, async (visit) => {
    const file = visit.file('file');
    const text = file && file.bytes.length > 0 ? file.bytes.toString('utf8') : input(visit, 'schema');
    const design = await openDesign(parts, visit);
    let schema: unknown;
    try {
      schema = read(text);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const detail = error.errors?.[0]?.detail ?? error.message;
      return show(visit, text, [
        { text: visit.voice.t('registries.text.unreadable', { detail }), href: '#schema' },
      ]);
    }
    try {
      await keepDraft(parts, design, input(visit, '_tag'), schema as Schema);
    } catch (error) {
      if (refusedWith(error, 412))
        return show(visit, text, [{ text: visit.voice.t('registries.design.changed'), href: '#schema' }]);
      if (refusedWith(error, 400, 409)) return show(visit, text, errorsOf(error, '#schema'));
      throw error;
    }
    visit.leaveNotice('registrySaved');
    return visit.goTo(`${design.place.base}/design`);
  });

  for (const as of languages)
    site.page(`/registries/:registry/design/schema.${as}`, access, async (visit) => {
      const { place, schema } = await openDesign(parts, visit);
      return visit.reply
        .header(
          'content-type',
          as === 'json' ? 'application/json; charset=utf-8' : 'application/yaml; charset=utf-8',
        )
        .header('content-disposition', `attachment; filename="${place.code}.${as}"`)
        .header('cache-control', 'no-store')
        .header('x-content-type-options', 'nosniff')
        .send(asText(schema, as));
    });
}
