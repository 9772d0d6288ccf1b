import { notFound, once, Problem, transaction } from '@govstack/platform';
import type { Handlers } from '@govstack/platform/operation';
import { type Deployment, findDefinition, sourceOf } from '../definitions/definitions.ts';
import { asProblem, compileDeployment, deploy } from '../definitions/deploy.ts';
import { blankProcess, keyOf } from '../drafts/blank.ts';
import { compareDocuments } from '../drafts/compare.ts';
import {
  changeDraft,
  createDraft,
  type Draft,
  findDraft,
  type ListedDraft,
  listDrafts,
  lockDraft,
  noteDeployment,
  readDraftLog,
  removeDraft,
} from '../drafts/drafts.ts';
import type { Json } from '../feel/json.ts';
import { actorOf, nameOf } from '../history/actor.ts';
import type { Viewer } from '../history/viewer.ts';
import { bpmnToJson, jsonToBpmn } from '../model/bpmn-json.ts';
import type { WorkflowService } from '../service.ts';
import type { DefinitionRow } from '../tables.ts';
import { agencyOfDesigner, checkOwner } from './designer.ts';
import type { draftOperations } from './draft-operations.ts';

const toListed = (draft: ListedDraft) => ({
  id: draft.id,
  application: draft.owner,
  name: draft.name,
  revision: draft.revision,
  processRef: draft.definitionId ?? null,
  createdAt: draft.createdAt,
  changedAt: draft.changedAt,
  changedBy: draft.changedBy,
});

const toAnswer = (draft: Draft) => ({
  ...toListed(draft),
  bpmn: draft.bpmn,
  dmn: [...draft.dmn],
  bindings: { ...draft.bindings },
});

const bodyOf = (draft: Draft): NonNullable<Deployment['processBody']> => [
  { code: 'bpmn20xml', value: draft.bpmn },
  ...draft.dmn.map((value) => ({ code: 'dmn', value })),
  ...Object.entries(draft.bindings).map(([name, value]) => ({ code: `binding.${name}`, value })),
];

const readable = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw asProblem(error);
  });

const processIn = async (bpmn: string): Promise<string> => {
  const json = (await readable(bpmnToJson(bpmn))) as { rootElements?: { $type: string; id?: string }[] };
  return json.rootElements?.find((one) => one.$type === 'bpmn:Process')?.id ?? '';
};

/** Handlers of drafts: everything a designer does before and with a deployment. */
export function draftHandlers(service: WorkflowService): Handlers<typeof draftOperations> {
  const { db, engine } = service;
  const deployed = async (owner: string, process: string): Promise<DefinitionRow | undefined> => {
    const viewer: Viewer = { application: owner, member: undefined };
    return process === '' ? undefined : findDefinition(db, viewer, process);
  };
  const sourceFrom = (row: DefinitionRow) =>
    sourceOf(row.owner, row.process_body as Deployment['processBody']);
  return {
    async listDrafts({ query, person }) {
      const agency = agencyOfDesigner(service, person);
      const limit = query.limit ?? 100;
      const rows = await listDrafts(db, agency, {
        limit: limit + 1,
        ...(query.after === undefined ? {} : { after: query.after }),
      });
      const drafts = rows.slice(0, limit).map(toListed);
      const last = drafts.at(-1);
      return { status: 200, body: { drafts, ...(rows.length > limit && last ? { next: last.id } : {}) } };
    },
    async createDraft({ body, caller, person, idempotencyKey }) {
      const { application: owner, name, bpmn, json, from, dmn, bindings } = body;
      checkOwner(service, person, owner);
      if ([bpmn, json, from].filter((one) => one !== undefined).length > 1) {
        throw new Problem(400, 'A draft begins with one of bpmn, json and from');
      }
      const copied = from === undefined ? undefined : await deployed(owner, from);
      if (from !== undefined && !copied) throw notFound('Process');
      const source = copied && sourceFrom(copied);
      const text = json === undefined ? bpmn : await readable(jsonToBpmn(json as Json));
      if (text !== undefined) await readable(bpmnToJson(text));
      const actor = actorOf(caller, person);
      return once(
        db,
        { scope: `${caller.application}/${nameOf(actor)}/draft`, key: idempotencyKey, request: body },
        async (trx) => {
          const draft = await createDraft(
            trx,
            {
              id: engine.newId(),
              owner,
              name,
              bpmn: text ?? source?.bpmn ?? blankProcess(keyOf(name), name),
              dmn: dmn ?? source?.dmn ?? [],
              bindings: bindings ?? source?.bindings ?? {},
              from: copied?.id,
            },
            actor,
            engine.now().toISOString(),
          );
          return { status: 201 as const, body: toAnswer(draft) };
        },
      );
    },
    async readDraft({ params, person }) {
      const draft = await findDraft(db, agencyOfDesigner(service, person), params.draftId);
      return { status: 200, body: toAnswer(draft) };
    },
    async changeDraft({ params, body, caller, person }) {
      const agency = agencyOfDesigner(service, person);
      await readable(bpmnToJson(body.bpmn));
      const { revision, name, bpmn, dmn, bindings } = body;
      const changed = await transaction(db, async (trx) => {
        const draft = await lockDraft(trx, agency, params.draftId, revision);
        const content = { name, bpmn, dmn: dmn ?? draft.dmn, bindings: bindings ?? draft.bindings };
        return changeDraft(trx, draft, content, actorOf(caller, person), engine.now().toISOString());
      });
      return { status: 200, body: toAnswer(changed) };
    },
    async removeDraft({ params, query, caller, person }) {
      const agency = agencyOfDesigner(service, person);
      await transaction(db, async (trx) => {
        const draft = await lockDraft(trx, agency, params.draftId, query.revision);
        await removeDraft(trx, draft, actorOf(caller, person), engine.now().toISOString());
      });
      return { status: 204 };
    },
    async getDraftLog({ params, person }) {
      const agency = agencyOfDesigner(service, person);
      const entries = await readDraftLog(db, agency, params.draftId, 500);
      if (entries.length === 0) throw notFound('Draft');
      return { status: 200, body: { entries } };
    },
    async exportDraft({ params, person }) {
      const draft = await findDraft(db, agencyOfDesigner(service, person), params.draftId);
      const json = (await readable(bpmnToJson(draft.bpmn))) as Record<string, Json>;
      return { status: 200, body: json };
    },
    async deployDraft({ params, body, caller, person }) {
      const agency = agencyOfDesigner(service, person);
      const row = await transaction(db, async (trx) => {
        const draft = await lockDraft(trx, agency, params.draftId, body.revision);
        const deployment: Deployment = {
          name: draft.name,
          type: 'Private',
          version: body.version ?? String(draft.revision),
          processBody: bodyOf(draft),
        };
        const model = await compileDeployment(draft.owner, deployment);
        const actor = actorOf(caller, person);
        const made = await deploy(trx, engine, draft.owner, deployment, model, actor);
        await noteDeployment(trx, draft, made.id, actor, engine.now().toISOString());
        return made;
      });
      return { status: 201, body: { processRef: row.id, key: row.key, revision: row.revision } };
    },
    async compareDraft({ params, query, person }) {
      const draft = await findDraft(db, agencyOfDesigner(service, person), params.draftId);
      const row = await deployed(draft.owner, query.with ?? (await processIn(draft.bpmn)));
      if (!row && query.with !== undefined) throw notFound('Process');
      const source = row && sourceFrom(row);
      const none = blankProcess('none', '').replace('<bpmn:startEvent id="start" />', '');
      const differences = await readable(compareDocuments(source?.bpmn ?? none, draft.bpmn));
      const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
      return {
        status: 200,
        body: {
          processRef: row?.id ?? null,
          differences: differences
            .filter((one) => row !== undefined || one.change === 'added')
            .slice(0, 2000)
            .map(({ name, ...one }) => ({
              ...one,
              parts: [...one.parts],
              ...(name === undefined ? {} : { name }),
            })),
          decisions: !same(source?.dmn ?? [], draft.dmn),
          bindings: !same(source?.bindings ?? {}, draft.bindings),
        },
      };
    },
  };
}
