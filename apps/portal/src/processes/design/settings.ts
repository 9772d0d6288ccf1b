import { type PageError, refusedWith } from '../../registries/refusals.ts';
import { input, type SignedInVisit } from '../../site/visit.ts';
import type { ProcessParts } from '../shell.ts';
import { access, baseOf, type Draft, draftFrame, keep, openDraft, seenRevision } from './open-draft.ts';

const textOf = (bindings: Draft['bindings']): string =>
  Object.entries(bindings)
    .map(([name, address]) => `${name} = ${address}`)
    .join('\n');

/** `NAME = ADDRESS`, a line each; undefined when a line is none. */
function bindingsIn(text: string): Record<string, string> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const read = lines.map((line) => /^\s*([A-Za-z][A-Za-z0-9_-]{0,99})\s*=\s*(\S+)\s*$/.exec(line));
  if (read.some((line) => line === null)) return undefined;
  return Object.fromEntries(read.map((line) => [line?.[1] as string, line?.[2] as string]));
}

const titleOf = (dmn: string, index: number): string =>
  /<(?:\w+:)?definitions[^>]*\sname="([^"]*)"/.exec(dmn)?.[1] ?? `DMN ${index + 1}`;
const decisionsIn = (dmn: string): string[] =>
  [...dmn.matchAll(/<(?:\w+:)?decision\s[^>]*\bid="([^"]+)"/g)].map((one) => one[1] as string);

/** What belongs to a draft beside its drawing: name, addresses behind names, decisions; its history and its end. */
export function settingsPages(parts: ProcessParts): void {
  const { site, clients } = parts;

  async function show(visit: SignedInVisit, errors: readonly PageError[] = [], entered = false) {
    const draft = await openDraft(parts, visit);
    const { entries } = (await clients.admin.getDraftLog({ params: { draftId: draft.id } })).body;
    return visit.show(
      'processes/design/settings.njk',
      {
        ...draftFrame(visit, draft, 'settings'),
        // Of what somebody else has changed meanwhile, their words are shown: to save again must not undo them.
        entered: entered
          ? { name: input(visit, 'name'), bindings: input(visit, 'bindings') }
          : { name: draft.name, bindings: textOf(draft.bindings) },
        documents: draft.dmn.map((dmn, index) => ({
          index,
          title: titleOf(dmn, index),
          decisions: decisionsIn(dmn),
        })),
        entries: entries.toReversed().slice(0, 50),
        errors,
      },
      errors.length > 0 ? 422 : 200,
    );
  }

  site.page('/processes/design/:draft/settings', access, (visit) => show(visit));

  site.action('/processes/design/:draft/settings', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    const [act, index] = input(visit, '_action').split(':', 2);
    if (act === 'drop') {
      const dmn = draft.dmn.filter((_, at) => at !== Number(index));
      const failed = await keep(parts, visit, draft, { dmn });
      return failed ? show(visit, [failed]) : visit.goTo(`${baseOf(draft)}/settings`);
    }
    const name = input(visit, 'name');
    const bindings = bindingsIn(input(visit, 'bindings'));
    const errors: PageError[] = [];
    if (name === '' || name.length > 200)
      errors.push({ text: visit.voice.t('modeller.new.nameMissing'), href: '#name' });
    if (!bindings) errors.push({ text: visit.voice.t('modeller.settings.bindingsWrong'), href: '#bindings' });
    if (errors.length > 0) return show(visit, errors, true);
    const file = visit.file('dmn');
    const dmn = file && file.bytes.length > 0 ? [...draft.dmn, file.bytes.toString('utf8')] : draft.dmn;
    const failed = await keep(parts, visit, draft, { name, bindings: bindings ?? {}, dmn });
    if (failed) return show(visit, [failed]);
    visit.leaveNotice('draftSaved');
    return visit.goTo(`${baseOf(draft)}/settings`);
  });

  site.action('/processes/design/:draft/remove', access, async (visit) => {
    const draft = await openDraft(parts, visit);
    if (input(visit, 'sure') !== 'yes') {
      return show(visit, [{ text: visit.voice.t('modeller.settings.notSure'), href: '#sure' }]);
    }
    try {
      await clients.admin.removeDraft({
        params: { draftId: draft.id },
        query: { revision: seenRevision(visit) },
      });
    } catch (error) {
      if (!refusedWith(error, 409)) throw error;
      return show(visit, [{ text: visit.voice.t('modeller.conflict'), href: '#content' }]);
    }
    visit.leaveNotice('draftRemoved');
    return visit.goTo('/processes/design');
  });
}
