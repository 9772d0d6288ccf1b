import { Problem } from '@govstack/platform';
import { type PageError, refusedWith } from '../../registries/refusals.ts';
import { isUuid } from '../../site/ids.ts';
import { input, type SignedInVisit } from '../../site/visit.ts';
import type { ProcessClients } from '../clients.ts';
import { designerRoles } from '../roles.ts';
import { frame, type ProcessParts } from '../shell.ts';
import { type Document, openDocument } from './document.ts';
import type { ModellingLanguage } from './element-properties.ts';

export const access = { roles: designerRoles };

type Admin = ProcessClients['admin'];
export type Draft = Awaited<ReturnType<Admin['readDraft']>>['body'];
export type Checked = Awaited<ReturnType<Admin['checkModel']>>['body'];

export const baseOf = (draft: { readonly id: string }): string => `/processes/design/${draft.id}`;

/** The draft that the address names. */
export async function openDraft({ clients }: ProcessParts, visit: SignedInVisit): Promise<Draft> {
  const draftId = visit.params.draft as string;
  if (!isUuid(draftId)) throw new Problem(404, 'no such draft');
  return (await clients.admin.readDraft({ params: { draftId } })).body;
}

export const languageOf = async ({ clients }: ProcessParts): Promise<ModellingLanguage> =>
  (await clients.admin.getModellingLanguage({})).body as unknown as ModellingLanguage;

/** The document of a draft, to be shown or changed element by element. */
export async function documentOf(draft: Draft, language: ModellingLanguage): Promise<Document> {
  const document = await openDocument(draft.bpmn, language);
  if (!document) throw new Problem(422, 'the document has no process');
  return document;
}

/** What the block needs to check or try a draft. */
export const sourceOf = ({ application, bpmn, dmn, bindings }: Draft) => ({
  application,
  bpmn,
  dmn,
  bindings,
});

export const check = async ({ clients }: ProcessParts, draft: Draft): Promise<Checked> =>
  (await clients.admin.checkModel({ body: sourceOf(draft) })).body;

/** Revision of the draft that the form was made from. */
export const seenRevision = (visit: SignedInVisit): number => {
  const revision = Number(input(visit, '_revision'));
  return Number.isInteger(revision) && revision > 0 ? revision : 1;
};

/**
 * Keeps changes of a draft in the revision that the form was made from. An error to be shown when somebody else has
 * changed it meanwhile, or when it cannot be read.
 */
export async function keep(
  { clients }: ProcessParts,
  visit: SignedInVisit,
  draft: Draft,
  changes: Partial<Pick<Draft, 'name' | 'bpmn' | 'dmn' | 'bindings'>>,
): Promise<PageError | undefined> {
  const { name, bpmn, dmn, bindings } = { ...draft, ...changes };
  try {
    await clients.admin.changeDraft({
      params: { draftId: draft.id },
      body: { name, bpmn, dmn, bindings, revision: seenRevision(visit) },
    });
    return undefined;
  } catch (error) {
    if (refusedWith(error, 409)) return { text: visit.voice.t('modeller.conflict'), href: '#content' };
    if (refusedWith(error, 400, 413, 422)) {
      return { text: error.problem?.detail ?? error.message, href: '#content' };
    }
    throw error;
  }
}

/** What the frame around a page of a draft shows. */
export function draftFrame(visit: SignedInVisit, draft: Draft, view: string) {
  const base = baseOf(draft);
  const views = ['', 'table', 'try', 'deploy', 'settings'].map((key) => ({
    key: key === '' ? 'drawing' : key,
    href: key === '' ? base : `${base}/${key}`,
  }));
  return {
    ...frame(visit, 'design'),
    draft: { ...draft, bpmn: undefined, dmn: undefined },
    base,
    view,
    views,
  };
}

/** A finding in the words of the reader, where its rule has some. */
export const findingsFor = (visit: SignedInVisit, { findings }: Checked) =>
  findings.map((one) => ({
    elementId: one.elementId,
    severity: one.severity,
    foreign: one.rule === 'cannot-be-run',
    text: one.rule === 'cannot-be-run' ? one.message : visit.voice.firstOf(`modeller.rules.${one.rule}`),
  }));
