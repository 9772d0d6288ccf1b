import { Problem } from '@govstack/platform';
import { input, type SignedInVisit } from '../site/visit.ts';
import { openDesign } from './design-state.ts';
import { classifications, type DetailInputs, detailInputs, readDetails } from './details-form.ts';
import { type Place, placeAt, placeOf } from './place.ts';
import { errorsOf, type PageError, refusedWith } from './refusals.ts';
import { designerRoles, registryRoles } from './roles.ts';
import { fieldsOf, type Schema } from './schema.ts';
import { frame, isDesigner, type RegistryParts } from './shell.ts';
import { attachment } from './transfer-form.ts';

const access = { roles: registryRoles };
const designing = { roles: designerRoles };

interface Listed {
  readonly place: Place;
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly state: 'draft' | 'published' | 'archived';
  readonly records?: number;
  readonly countIsExact?: boolean;
}

/** The registries of an agency, and one of them: what it is, its versions, its end. */
export function overviewPages(parts: RegistryParts): void {
  const { site, clients, owners } = parts;

  async function listed(visit: SignedInVisit): Promise<Listed[]> {
    const mine = owners(visit.viewer.agency);
    const perOwner = await Promise.all(
      mine.map(async (owner) => {
        const [usable, designed] = await Promise.all([
          clients.data(owner).listUsableRegistries({}),
          isDesigner(visit) ? clients.database(owner).listRegistries({}) : undefined,
        ]);
        const found = usable.body.registries.map(
          ({ code, archived, ...one }): Listed => ({
            ...one,
            place: placeOf(mine, owner, code),
            state: archived ? 'archived' : 'published',
          }),
        );
        const known = new Set(usable.body.registries.map(({ code }) => code));
        const drafts = (designed?.body.databases ?? [])
          .filter(({ code }) => !known.has(code))
          .map(
            ({ code, name, description, version, state }): Listed => ({
              place: placeOf(mine, owner, code),
              name,
              description,
              version,
              state: state as Listed['state'],
            }),
          );
        return [...found, ...drafts];
      }),
    );
    return perOwner.flat().sort((one, other) => one.name.localeCompare(other.name, visit.voice.language));
  }

  site.page('/registries', access, async (visit) =>
    visit.show('registries/list.njk', {
      section: 'registries',
      agency: visit.viewer.agency && parts.names.member(visit.viewer.agency),
      designer: isDesigner(visit),
      registries: await listed(visit),
    }),
  );

  interface NewInputs {
    readonly details: Partial<DetailInputs>;
    readonly code?: string;
    readonly owner?: string;
    readonly from?: string;
  }

  const showNew = async (visit: SignedInVisit, inputs: NewInputs, errors: readonly PageError[] = []) =>
    visit.show(
      'registries/new.njk',
      {
        section: 'registries',
        back: '/registries',
        classifications,
        owners: owners(visit.viewer.agency).map((id) => ({ id, name: parts.names.application(id) })),
        templates: (await listed(visit)).filter(({ state }) => state !== 'draft'),
        ...inputs,
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );

  site.page('/registries/new', designing, async (visit) =>
    showNew(visit, { details: { classification: 'restricted' } }),
  );

  site.action('/registries/new', designing, async (visit) => {
    const { t } = visit.voice;
    const mine = owners(visit.viewer.agency);
    const inputs = {
      details: detailInputs(visit),
      code: input(visit, 'code'),
      owner: input(visit, 'owner'),
      from: input(visit, 'from'),
    };
    const { details, errors } = readDetails(inputs.details, visit.voice);
    const owner = mine.length > 1 ? mine.find((one) => one === inputs.owner) : mine[0];
    if (!owner) errors.push({ text: t('registries.new.chooseOwner'), href: '#owner' });
    if (!/^[a-z][a-z0-9-]{0,59}$/.test(inputs.code))
      errors.push({ text: t('registries.new.codeWrong'), href: '#code' });
    if (errors.length > 0 || !owner) return showNew(visit, inputs, errors);
    const place = placeOf(mine, owner, inputs.code);
    let schema: Schema = {
      type: 'object',
      properties: { [t('registries.new.firstField')]: { type: 'string', maxLength: 200, searchable: true } },
      required: [t('registries.new.firstField')],
    };
    if (inputs.from !== '') {
      const template = placeAt(owners, visit.viewer, inputs.from);
      const params = {
        code: template.code,
        version: (await clients.database(template.owner).getRegistry({ params: { id: template.code } })).body
          .version,
      };
      schema = (await clients.database(template.owner).exportSchema({ params })).body as unknown as Schema;
    }
    try {
      await clients.database(owner).putDraft({
        params: { code: inputs.code },
        headers: { 'if-match': '"new"' },
        body: { ...details, schema },
      });
    } catch (error) {
      if (refusedWith(error, 412))
        return showNew(visit, inputs, [{ text: t('registries.new.codeTaken'), href: '#code' }]);
      if (refusedWith(error, 400)) return showNew(visit, inputs, errorsOf(error, '#code'));
      throw error;
    }
    visit.leaveNotice('registryMade');
    return visit.goTo(`${place.base}/design`);
  });

  async function showOverview(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const design = await openDesign(parts, visit);
    const { place, info } = design;
    const usable = design.published
      ? (await clients.data(place.owner).listUsableRegistries({ query: { code: place.code } })).body
          .registries[0]
      : undefined;
    return visit.show(
      'registries/overview.njk',
      {
        ...frame(visit, { place, name: info.name }, 'overview', design.published),
        info,
        usable,
        hasDraft: design.hasDraft,
        fieldCount: fieldsOf(info.schema as Schema).length,
        errors,
      },
      errors.length > 0 ? 409 : 200,
    );
  }

  site.page('/registries/:registry', access, async (visit) => {
    if (isDesigner(visit)) return showOverview(visit);
    return visit.goTo(`${placeAt(owners, visit.viewer, visit.params.registry as string).base}/records`);
  });

  site.action('/registries/:registry/life', designing, async (visit) => {
    const place = placeAt(owners, visit.viewer, visit.params.registry as string);
    const database = clients.database(place.owner);
    const [act = '', version = ''] = input(visit, '_action').split(':', 2);
    const params = { code: place.code, version };
    try {
      switch (act) {
        case 'deprecate':
          await database.putVersionState({ params, body: { state: 'deprecated' } });
          break;
        case 'recommend':
          await database.putVersionState({ params, body: { state: 'published' } });
          break;
        case 'withdraw':
          await database.deleteVersion({ params });
          break;
        case 'archive':
          await database.putRegistryState({ params: { code: place.code }, body: { state: 'archived' } });
          break;
        case 'delete':
          await database.deleteRegistry({ params: { id: place.code } });
          visit.leaveNotice('registryDeleted');
          return visit.goTo('/registries');
        default:
          throw new Problem(400, 'no such act');
      }
    } catch (error) {
      if (!refusedWith(error, 400, 409)) throw error;
      return showOverview(visit, errorsOf(error, '#main-content'));
    }
    visit.leaveNotice('registrySaved');
    return visit.goTo(place.base);
  });

  /** What those need who write programs for the registry. */
  site.page('/registries/:registry/openapi.json', designing, async (visit) => {
    const { owner, code } = placeAt(owners, visit.viewer, visit.params.registry as string);
    const { body } = await clients.services(owner).readDocument({ params: { code }, headers: {}, query: {} });
    return attachment(visit, `${code}-openapi.json`, 'application/json; charset=utf-8').send(
      JSON.stringify(body),
    );
  });
  site.page('/registries/:registry/openapi.html', designing, async (visit) => {
    const { owner, code } = placeAt(owners, visit.viewer, visit.params.registry as string);
    const { body } = await clients.services(owner).readPage({ params: { code }, headers: {}, query: {} });
    return attachment(visit, `${code}-openapi.html`, 'text/html; charset=utf-8').send(body);
  });

  const sure = ['archive', 'delete', 'withdraw'] as const;
  /** Before something that is hard to take back. */
  site.page('/registries/:registry/sure', designing, async (visit) => {
    const act = sure.find((one) => one === visit.query.act);
    if (!act) throw new Problem(404, 'no such act');
    const { place, info } = await openDesign(parts, visit);
    const version = info.versions.find((one) => one.version === visit.query.version)?.version;
    return visit.show('registries/sure.njk', {
      ...frame(visit, { place, name: info.name }, 'overview'),
      back: place.base,
      act,
      version,
      info,
    });
  });

  async function showDetails(
    visit: SignedInVisit,
    entered?: DetailInputs,
    errors: readonly PageError[] = [],
  ) {
    const design = await openDesign(parts, visit);
    const { info } = design;
    return visit.show(
      'registries/details.njk',
      {
        ...frame(visit, { place: design.place, name: info.name }, 'overview', design.published),
        back: design.place.base,
        classifications,
        tag: design.tag,
        details: entered ?? { ...info, retentionDays: info.retentionDays ?? '' },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/registries/:registry/details', designing, (visit) => showDetails(visit));

  site.action('/registries/:registry/details', designing, async (visit) => {
    const inputs = detailInputs(visit);
    const { details, errors } = readDetails(inputs, visit.voice);
    if (errors.length > 0) return showDetails(visit, inputs, errors);
    const { place, schema, hasDraft } = await openDesign(parts, visit);
    const database = clients.database(place.owner);
    const params = { code: place.code };
    try {
      const { headers } = await database.putDraft({
        params,
        headers: { 'if-match': input(visit, '_tag') },
        body: { ...details, schema },
      });
      // Details count at once; nothing is left to publish when there was no draft before.
      if (!hasDraft && headers.etag === input(visit, '_tag')) await database.discardDraft({ params });
    } catch (error) {
      if (refusedWith(error, 412))
        return showDetails(visit, inputs, [
          { text: visit.voice.t('registries.design.changed'), href: '#name' },
        ]);
      if (refusedWith(error, 400, 409)) return showDetails(visit, inputs, errorsOf(error, '#name'));
      throw error;
    }
    visit.leaveNotice('registrySaved');
    return visit.goTo(place.base);
  });
}
