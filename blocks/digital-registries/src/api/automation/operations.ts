import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';

const owner = { caller: 'application', person: 'optional' } as const;
const closed = { additionalProperties: false } as const;
const code = Type.String({ pattern: '^[a-z][a-z0-9-]{0,59}$', description: 'Code of the automation' });
const byCode = Type.Object({ code });
const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: 200 }));
const nullable = Type.Union([Type.String(), Type.Null()]);
const Definition = Type.Unknown({
  description:
    'Source registry, condition (`all`, `any`, `not`, field/operator/value), `when` (every, cron, on, hook, manual), targets with their input, output, repeat, retry: see docs/digital-registries/events-and-automation.md',
});
const Automation = Type.Object({
  code: Type.String(),
  name: Type.String(),
  state: Type.String(),
  definition: Type.Unknown(),
  nextAt: nullable,
  failures: Type.Object({ waiting: Type.Integer(), dead: Type.Integer() }),
  modifiedAt: Type.String(),
  modifiedBy: Type.String(),
});
const Run = Type.Object({
  id: Type.String(),
  cause: Type.String(),
  state: Type.String(),
  done: Type.Integer(),
  failed: Type.Integer({ description: 'Attempts that failed' }),
  startedAt: Type.String(),
  endedAt: nullable,
  error: nullable,
});

/** What happens with records by itself: between registries, to other applications, and from them. */
export const registryAutomation = defineSurface({
  name: 'registry-automation-v1',
  title: 'Digital registries: automation',
  version: '1.0.0',
  operations: {
    listAutomations: defineOperation({
      id: 'listAutomations',
      method: 'GET',
      path: '/automations',
      summary: 'Automations of the addressed application',
      access: owner,
      responses: { 200: Type.Array(Automation) },
    }),
    getAutomation: defineOperation({
      id: 'getAutomation',
      method: 'GET',
      path: '/automations/{code}',
      summary: 'An automation with its state',
      access: owner,
      params: byCode,
      responses: { 200: Automation },
    }),
    putAutomation: defineOperation({
      id: 'putAutomation',
      method: 'PUT',
      path: '/automations/{code}',
      summary: 'Define an automation; it begins at once. Records that are done stay done',
      requirements: ['REG-6.1-19-a', 'REG-6.1-19-c'],
      access: owner,
      params: byCode,
      body: Type.Object({ definition: Definition }, closed),
      responses: { 200: Automation },
    }),
    deleteAutomation: defineOperation({
      id: 'deleteAutomation',
      method: 'DELETE',
      path: '/automations/{code}',
      summary: 'Remove an automation with its runs; what it has written stays',
      access: owner,
      params: byCode,
      responses: { 204: null },
    }),
    tryAutomation: defineOperation({
      id: 'tryAutomation',
      method: 'POST',
      path: '/automation-trials',
      summary: 'What a definition would do with the first matching records; nothing is written or sent',
      requirements: ['REG-6.1-19-a'],
      access: owner,
      body: Type.Object(
        { definition: Definition, limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50 })) },
        closed,
      ),
      responses: {
        200: Type.Array(
          Type.Object({
            record: Type.String(),
            sent: Type.Array(Type.Object({ target: Type.String(), content: Type.Unknown() })),
            error: nullable,
          }),
        ),
      },
    }),
    putAutomationState: defineOperation({
      id: 'putAutomationState',
      method: 'PUT',
      path: '/automations/{code}/state',
      summary: 'Pause an automation, or let it go on',
      access: owner,
      params: byCode,
      body: Type.Object({ state: Type.Union([Type.Literal('active'), Type.Literal('paused')]) }, closed),
      responses: { 204: null },
    }),
    runAutomation: defineOperation({
      id: 'runAutomation',
      method: 'POST',
      path: '/automations/{code}/runs',
      summary: 'Begin a run now; the one under way when there is one',
      requirements: ['REG-6.1-19-b'],
      access: owner,
      params: byCode,
      responses: { 202: Type.Object({ run: Type.String() }) },
    }),
    listRuns: defineOperation({
      id: 'listRuns',
      method: 'GET',
      path: '/automations/{code}/runs',
      summary: 'Runs, newest first',
      requirements: ['REG-6.1-19-b'],
      access: owner,
      params: byCode,
      query: Type.Object({ limit }),
      responses: { 200: Type.Array(Run) },
    }),
    listFailures: defineOperation({
      id: 'listFailures',
      method: 'GET',
      path: '/automations/{code}/failures',
      summary: 'Records that failed: to be tried again (`waiting`), or given up (`dead`)',
      access: owner,
      params: byCode,
      query: Type.Object({
        state: Type.Optional(Type.Union([Type.Literal('waiting'), Type.Literal('dead')])),
        limit,
      }),
      responses: {
        200: Type.Array(
          Type.Object({
            record: Type.String(),
            attempts: Type.Integer(),
            error: Type.String(),
            at: Type.String(),
            nextAt: nullable,
          }),
        ),
      },
    }),
    retryFailures: defineOperation({
      id: 'retryFailures',
      method: 'POST',
      path: '/automations/{code}/failures/retry',
      summary: 'Try records again that failed; all when none is named',
      access: owner,
      params: byCode,
      body: Type.Object(
        { records: Type.Optional(Type.Array(Type.String({ format: 'uuid' }), { maxItems: 1000 })) },
        closed,
      ),
      responses: { 200: Type.Object({ count: Type.Integer() }) },
    }),
    getHookSecret: defineOperation({
      id: 'getHookSecret',
      method: 'GET',
      path: '/automations/{code}/secret',
      summary: 'The secret with which deliveries to the hook are signed',
      requirements: ['REG-6.1-19-d'],
      access: owner,
      params: byCode,
      responses: { 200: Type.Object({ secret: Type.String() }) },
    }),
    renewHookSecret: defineOperation({
      id: 'renewHookSecret',
      method: 'POST',
      path: '/automations/{code}/secret',
      summary: 'Another secret for the hook; the old one is worth nothing from now on',
      access: owner,
      params: byCode,
      responses: { 200: Type.Object({ secret: Type.String() }) },
    }),
    deliverToHook: defineOperation({
      id: 'deliverToHook',
      method: 'POST',
      path: '/hooks/{code}',
      summary: 'Deliver something to a hook: it is written to registries, or begins a run; once for each id',
      description:
        'Signed as Standard Webhooks has it, over the bytes that are sent (`application/octet-stream`) or over JSON without white space between its parts.',
      requirements: ['REG-6.1-19-d'],
      access: { caller: 'application' },
      consumes: ['application/json', 'application/octet-stream'],
      params: byCode,
      headers: Type.Object({
        'webhook-id': Type.String({ minLength: 1, maxLength: 200, description: 'Of the delivery' }),
        'webhook-timestamp': Type.Optional(Type.String({ maxLength: 20 })),
        'webhook-signature': Type.Optional(Type.String({ maxLength: 1000 })),
      }),
      body: Type.Unknown(),
      responses: {
        202: Type.Object({
          run: nullable,
          records: Type.Array(Type.String(), { description: 'uuids of what was written' }),
        }),
      },
    }),
  },
});
