import type { MediatedRequest, MediatedResponse } from '@govstack/platform';
import {
  jsonResponse,
  startTestNode,
  type TestNode,
  type TestNodeOptions,
  type TestProvider,
} from '@govstack/platform/testing';
import { workflowAdmin, workflowApi } from '../../src/api/operations.ts';
import { workflow } from '../../src/block.ts';
import { bpmn } from '../execution/bpmn.ts';

export const owner = 'TEST/GOV/MSP/cash-transfer';

export interface ProvidedOperation {
  readonly method: string;
  readonly path: string;
  readonly handle: (request: MediatedRequest) => MediatedResponse | Promise<MediatedResponse>;
}

export const json = jsonResponse;

export const bodyOf = (request: MediatedRequest): Record<string, unknown> =>
  JSON.parse(String(request.body ?? 'null'));

const template = (path: string): RegExp => new RegExp(`^${path.replaceAll(/\{[^}]+\}/g, '[^/]+')}(\\?|$)`);

/** Another application: its operations, and the description that the mediator gives of them. */
export function provide(
  service: string,
  operations: Readonly<Record<string, ProvidedOperation>>,
): Readonly<Record<string, TestProvider>> {
  const paths: Record<string, Record<string, object>> = {};
  for (const [operationId, { method, path }] of Object.entries(operations)) {
    paths[path] = { ...paths[path], [method.toLowerCase()]: { operationId } };
  }
  const application = service.split('/').slice(0, 4).join('/');
  return {
    [`${application}/getOpenAPI`]: async () => jsonResponse(200, { openapi: '3.1.0', paths }),
    [service]: async (request) => {
      const found = Object.values(operations).find(
        (one) => one.method === request.method && template(one.path).test(request.path),
      );
      return found ? found.handle(request) : jsonResponse(404, { title: 'Not found' });
    },
  };
}

export const civil = 'TEST/GOV/CRA/civil-registry/registry-data-v1';

/** A civil registry that keeps what it was asked, by idempotency key. */
export function civilRegistry(
  answer: (request: MediatedRequest) => MediatedResponse | Promise<MediatedResponse>,
) {
  const requests: MediatedRequest[] = [];
  return {
    requests,
    providers: provide(civil, {
      read: {
        method: 'POST',
        path: '/read',
        handle: (request) => {
          requests.push(request);
          return answer(request);
        },
      },
    }),
  };
}

export const startWorkflow = (
  providers: TestNodeOptions['providers'] = {},
  more: { readonly databasePrefix?: string; readonly config?: Readonly<Record<string, unknown>> } = {},
): Promise<TestNode> =>
  startTestNode({
    blocks: [{ block: workflow, config: { pollMs: 25, retries: ['PT0.05S', 'PT0.05S'], ...more.config } }],
    providers,
    ...(more.databasePrefix === undefined ? {} : { databasePrefix: more.databasePrefix }),
  });

export const apiOf = (node: TestNode, as = owner) => node.client(workflowApi, { as });
export const adminOf = (node: TestNode, as = owner) => node.client(workflowAdmin, { as });

export const definition = (
  content: string,
  more: { readonly roots?: string; readonly key?: string } = {},
) => ({
  name: 'Test',
  type: 'Private' as const,
  version: '1.0',
  processBody: [{ code: 'bpmn20xml', value: bpmn(content, more.roots, more.key) }],
});

/** Looks until it holds, at most ten seconds. */
export async function until<T>(look: () => Promise<T | undefined | false>, what = 'it'): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what} did not come true in time`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const ended = (node: TestNode, instanceId: string, as = owner) =>
  until(async () => {
    const { body } = await apiOf(node, as).getInstance({ params: { instanceId } });
    return body.ended ? body : undefined;
  }, `the end of ${instanceId}`);
