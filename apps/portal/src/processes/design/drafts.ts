import { type PageError, refusedWith } from '../../registries/refusals.ts';
import { cursorIn } from '../../site/ids.ts';
import { formKey, input, type SignedInVisit } from '../../site/visit.ts';
import { frame, type ProcessParts } from '../shell.ts';
import { access, baseOf } from './open-draft.ts';
import { templates } from './templates.ts';

const codePattern = /^[A-Za-z0-9'()+,\-.=?_]{1,100}$/;

/** The process in a file of another tool: XML, or JSON as the export gives it. */
function readFile(bytes: Buffer): { bpmn: string } | { json: Record<string, unknown> } | undefined {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (!text.trimStart().startsWith('{')) return text.trim() === '' ? undefined : { bpmn: text };
  try {
    return { json: JSON.parse(text) as Record<string, unknown> };
  } catch {
    return undefined;
  }
}

/** Drafts of the agency, and the beginning of a new one: empty, from a template, a process or a file. */
export function draftsPages(parts: ProcessParts): void {
  const { site, names, clients } = parts;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = []) {
    const after = cursorIn(visit, 'after');
    const [{ drafts, next }, { processes }] = await Promise.all([
      clients.admin
        .listDrafts({ query: { limit: 50, ...(after === undefined ? {} : { after }) } })
        .then((one) => one.body),
      clients.admin.listAllProcesses({ query: { limit: 500 } }).then((one) => one.body),
    ]);
    const newest = new Map(
      processes
        .toSorted((a, b) => a.revision - b.revision)
        .map((one) => [one.key, { key: one.key, name: one.name }]),
    );
    return visit.show(
      'processes/design/drafts.njk',
      {
        ...frame(visit, 'design'),
        drafts: drafts.map((one) => ({
          ...one,
          href: baseOf(one),
          owner: names.application(one.application),
        })),
        next,
        applications: [...new Set(drafts.map((one) => one.application.split('/').at(-1) as string))],
        templates: Object.keys(templates),
        processes: [...newest.values()],
        entered: {
          name: input(visit, 'name'),
          application: input(visit, 'application'),
          from: input(visit, 'from'),
        },
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/processes/design', access, (visit) => show(visit));

  site.action('/processes/design', access, async (visit) => {
    const { t } = visit.voice;
    const [name, code, from] = ['name', 'application', 'from'].map((one) => input(visit, one)) as [
      string,
      string,
      string,
    ];
    const errors: PageError[] = [];
    if (name === '' || name.length > 200) errors.push({ text: t('modeller.new.nameMissing'), href: '#name' });
    if (!codePattern.test(code))
      errors.push({ text: t('modeller.new.applicationMissing'), href: '#application' });
    const sent = visit.file('file');
    const file = sent && sent.bytes.length > 0 ? readFile(sent.bytes) : undefined;
    if (sent && sent.bytes.length > 0 && !file)
      errors.push({ text: t('modeller.new.fileUnreadable'), href: '#file' });
    if (from === 'file' && !file && errors.length === 0)
      errors.push({ text: t('modeller.new.fileMissing'), href: '#file' });
    if (errors.length > 0) return show(visit, errors);
    const [kind = '', which = ''] = from.split(':', 2);
    const template = Object.hasOwn(templates, which) ? templates[which] : undefined;
    try {
      const { body } = await clients.admin.createDraft({
        body: {
          application: `${visit.viewer.agency}/${code}`,
          name,
          ...(kind === 'process' ? { from: which } : {}),
          ...(kind === 'template' && template ? { bpmn: template(name) } : {}),
          ...(kind === 'file' && file ? file : {}),
        },
        idempotencyKey: formKey(visit),
      });
      return visit.goTo(baseOf(body));
    } catch (error) {
      if (!refusedWith(error, 400, 403, 404, 422)) throw error;
      return show(visit, [
        { text: error.problem?.detail ?? error.message, href: kind === 'file' ? '#file' : '#from' },
      ]);
    }
  });
}
