import {
  applicationOf,
  badRequest,
  type Caller,
  type ImplementedSurface,
  implement,
  notFound,
  type Person,
  Problem,
} from '@govstack/platform';
import { noGround } from '../../access/ground.ts';
import {
  type AutomationRow,
  assertNamed,
  automationRow,
  deleteAutomation,
  type FindRegistry,
  failuresOf,
  putAutomation,
  retryFailures,
  runsOf,
  setAutomationState,
  startRun,
} from '../../automation/automations.ts';
import { readDefinition } from '../../automation/definition.ts';
import { deliver, type HookSecret, type HookWorks, shownSecret } from '../../automation/hooks.ts';
import { tryOut, type Works } from '../../automation/run.ts';
import { registryAutomation } from './operations.ts';

export interface AutomationDependencies extends Works, HookWorks {
  readonly secretOf: HookSecret;
}

interface Who {
  readonly caller: Caller;
  readonly person: Person | undefined;
}

/** The surface of automations: who may, then one call of the automation room. */
export function serveAutomation(works: AutomationDependencies): ImplementedSurface {
  const { db, jobs, catalogue, gate, secretOf } = works;
  const registryOf =
    (owner: string): FindRegistry =>
    async (code) => {
      try {
        return (await catalogue.find(owner, code, 'latest')).registry;
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return undefined;
        throw error;
      }
    };
  const owned = (code: string, who: Who): Promise<AutomationRow> =>
    automationRow(db, gate.administer(who), code);
  async function shown(rows: readonly AutomationRow[]) {
    const counts = new Map<string, { waiting: number; dead: number }>();
    if (rows.length > 0) {
      const found = await db
        .selectFrom('automation_item')
        .select((fields) => ['automation_id', 'state', fields.fn.countAll<string>().as('count')])
        .where(
          'automation_id',
          'in',
          rows.map(({ id }) => id),
        )
        .where('state', '<>', 'done')
        .groupBy(['automation_id', 'state'])
        .execute();
      for (const { automation_id, state, count } of found) {
        const known = counts.get(automation_id) ?? { waiting: 0, dead: 0 };
        counts.set(automation_id, { ...known, [state]: Number(count) });
      }
    }
    return rows.map((row) => ({
      code: row.code,
      name: row.name,
      state: row.state,
      definition: row.definition,
      nextAt: row.next_at === null ? null : new Date(row.next_at).toISOString(),
      failures: counts.get(row.id) ?? { waiting: 0, dead: 0 },
      modifiedAt: new Date(row.modified_at).toISOString(),
      modifiedBy: row.modified_by,
    }));
  }
  const one = async (row: AutomationRow) =>
    (await shown([row]))[0] as Awaited<ReturnType<typeof shown>>[number];

  return implement(registryAutomation, {
    async listAutomations({ ...who }) {
      const rows = await db
        .selectFrom('automation')
        .selectAll()
        .where('owner', '=', gate.administer(who))
        .orderBy('code')
        .execute();
      return { status: 200, body: await shown(rows) };
    },
    async getAutomation({ params, ...who }) {
      return { status: 200, body: await one(await owned(params.code, who)) };
    },
    async putAutomation({ params, body, ...who }) {
      const owner = gate.administer(who);
      const by = who.person?.id ?? who.caller.application;
      await putAutomation(db, jobs, owner, params.code, body.definition, by, registryOf(owner));
      return { status: 200, body: await one(await automationRow(db, owner, params.code)) };
    },
    async deleteAutomation({ params, ...who }) {
      await deleteAutomation(db, gate.administer(who), params.code);
      return { status: 204 };
    },
    async tryAutomation({ body, ...who }) {
      const owner = gate.administer(who);
      const definition = readDefinition(body.definition);
      await assertNamed(definition, registryOf(owner));
      if (definition.source === undefined)
        throw badRequest('What a hook would do is seen by delivering to it');
      const ground = { ...noGround, purpose: 'Trial of an automation' };
      const tried = await tryOut(works, { ...who, ground }, definition, body.limit ?? 10);
      return { status: 200, body: tried.map((each) => ({ ...each, sent: [...each.sent] })) };
    },
    async putAutomationState({ params, body, ...who }) {
      await setAutomationState(db, jobs, gate.administer(who), params.code, body.state);
      return { status: 204 };
    },
    async runAutomation({ params, ...who }) {
      const row = await owned(params.code, who);
      if (row.state !== 'active') throw new Problem(409, 'The automation is paused');
      if (row.registry_id === null) throw new Problem(409, 'What a hook is given comes by delivery');
      const run = await db.transaction().execute((trx) => startRun(trx, jobs, row.id, 'manual'));
      return { status: 202, body: { run } };
    },
    async listRuns({ params, query, ...who }) {
      return { status: 200, body: await runsOf(db, (await owned(params.code, who)).id, query.limit ?? 50) };
    },
    async listFailures({ params, query, ...who }) {
      const { id } = await owned(params.code, who);
      return { status: 200, body: await failuresOf(db, id, query.state ?? 'dead', query.limit ?? 50) };
    },
    async retryFailures({ params, body, ...who }) {
      const { id } = await owned(params.code, who);
      return { status: 200, body: { count: await retryFailures(db, jobs, id, body.records) } };
    },
    async getHookSecret({ params, ...who }) {
      return { status: 200, body: { secret: shownSecret(secretOf(await owned(params.code, who))) } };
    },
    async renewHookSecret({ params, ...who }) {
      const { id } = await owned(params.code, who);
      const row = await db
        .updateTable('automation')
        .set((fields) => ({ secret_generation: fields('secret_generation', '+', 1) }))
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return { status: 200, body: { secret: shownSecret(secretOf(row)) } };
    },
    async deliverToHook({ params, headers, body, caller }) {
      const row = await automationRow(db, applicationOf(caller.service), params.code).catch((error) => {
        throw error instanceof Problem && error.status === 404 ? notFound('Hook') : error;
      });
      const delivery = {
        id: headers['webhook-id'],
        timestamp: headers['webhook-timestamp'],
        signature: headers['webhook-signature'],
        body,
      };
      return { status: 202, body: await deliver(works, row, caller, delivery) };
    },
  });
}
