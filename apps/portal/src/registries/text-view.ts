import { Problem, readYaml, workbookType, writeYaml } from '@govstack/platform';
import type { SentFile } from '../site/sent-form.ts';
import { input, type SignedInVisit } from '../site/visit.ts';
import { keepDraft, openDesign, schemaWorkbook } from './design-state.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles } from './roles.ts';
import type { Schema } from './schema.ts';
import { frame, type RegistryParts } from './shell.ts';
import { attachment } from './transfer-form.ts';

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

const isWorkbook = ({ name, bytes }: SentFile): boolean =>
  /\.xlsx$/i.test(name) || bytes.subarray(0, 4).toString('latin1') === 'PK\x03\x04';

/** The schema as text and as a workbook: to read, change, bring and take along (REG-6.1-10, REG-6.1-11). */
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
    const given = file && file.bytes.length > 0 ? file : undefined;
    const workbook = given && isWorkbook(given) ? given.bytes : undefined;
    const text = workbook ? undefined : (given?.bytes.toString('utf8') ?? input(visit, 'schema'));
    const design = await openDesign(parts, visit);
    let schema: unknown;
    try {
      schema = workbook ?? read(text ?? '');
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const detail = error.errors?.[0]?.detail ?? error.message;
      return show(visit, text, [
        { text: visit.voice.t('registries.text.unreadable', { detail }), href: '#schema' },
      ]);
    }
    const href = workbook ? '#file' : '#schema';
    try {
      await keepDraft(parts, design, input(visit, '_tag'), schema as Schema | Uint8Array);
    } catch (error) {
      if (refusedWith(error, 412))
        return show(visit, text, [{ text: visit.voice.t('registries.design.changed'), href }]);
      if (refusedWith(error, 400, 409, 413)) return show(visit, text, errorsOf(error, href));
      throw error;
    }
    visit.leaveNotice('registrySaved');
    return visit.goTo(`${design.place.base}/design`);
  });

  site.page('/registries/:registry/design/schema.xlsx', access, async (visit) => {
    const design = await openDesign(parts, visit);
    const workbook = await schemaWorkbook(parts, design);
    return attachment(visit, `${design.place.code}.xlsx`, workbookType).send(workbook);
  });

  for (const as of languages)
    site.page(`/registries/:registry/design/schema.${as}`, access, async (visit) => {
      const { place, schema } = await openDesign(parts, visit);
      return attachment(visit, `${place.code}.${as}`, `application/${as}; charset=utf-8`).send(
        asText(schema, as),
      );
    });
}
