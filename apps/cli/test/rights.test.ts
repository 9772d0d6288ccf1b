import { applications } from '@govstack/country/seed';
import { compileValidator, pathParameters } from '@govstack/platform';
import { startTestNode, type TestNode } from '@govstack/platform/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocks } from '../src/stack/blocks.ts';

/** What anybody may call without saying who they are: nothing but keys and documents. */
const open = new Set(['payments-admin-v1.getSigningKeys', 'payments-vouchers-v1.getVoucherKeys']);

let node: TestNode;
beforeAll(async () => {
  node = await startTestNode({ blocks: blocks.map((block) => ({ block })) });
}, 400_000);
afterAll(() => node?.stop());

const id = '01900000-0000-7000-8000-000000000000';
const operations = blocks.flatMap((block) =>
  block.surfaces
    .filter((surface) => !surface.compliance)
    .flatMap((surface) =>
      Object.values(surface.operations).map((operation) => ({
        block: block.name,
        surface: surface.name,
        operation,
      })),
    ),
);
const pathOf = (path: string): string =>
  pathParameters(path).reduce((filled, name) => filled.replace(`{${name}}`, id), path);

describe('[CFR-SEC-3] every operation of every block', () => {
  it('refuses whoever has not been verified, whatever they claim to be', async () => {
    expect(operations.length).toBeGreaterThan(100);
    for (const { block, surface, operation } of operations) {
      const name = `${surface}.${operation.id}`;
      for (const headers of [
        {},
        { 'x-road-client': applications.governance },
        { 'x-govstack-caller': 'eyJhbGciOiJub25lIn0.e30.' },
        {
          authorization: `Bearer ${await node.token({ id: 'admin', roles: ['administrator', 'officer'], agency: 'LUMORA/GOV/DGA' })}`,
        },
      ]) {
        const answer = await node.server(block).inject({
          method: operation.method as 'GET',
          url: `/${surface}${pathOf(operation.path)}`,
          headers: { ...headers, ...(operation.body ? { 'content-type': 'application/json' } : {}) },
          ...(operation.body ? { payload: '{}' } : {}),
        });
        if (open.has(name)) expect(answer.statusCode, name).toBeLessThan(400);
        else expect(answer.statusCode, name).toBe(401);
      }
    }
  });

  it('that needs a person refuses an application alone and a forged token', async () => {
    const personal = operations.filter(
      ({ operation }) => operation.access.caller === 'application' && operation.access.person === 'required',
    );
    expect(personal.length).toBeGreaterThan(5);
    for (const { block, surface, operation } of personal) {
      for (const authorization of [undefined, 'Bearer a.b.c']) {
        const answer = await node.localProviders.dispatch(
          block,
          surface,
          {
            method: operation.method,
            path: pathOf(operation.path),
            headers: {
              ...(authorization ? { authorization } : {}),
              ...(operation.body ? { 'content-type': 'application/json' } : {}),
            },
            ...(operation.body ? { body: '{}' } : {}),
          },
          {
            application: 'T/GOV/X/app',
            service: `T/GOV/Y/block/${surface}`,
            operator: undefined,
            exchangeId: id,
          },
        );
        expect(answer?.status, `${surface}.${operation.id}`).toBe(401);
      }
    }
  });

  it('that needs a role refuses a person without it', async () => {
    const token = await node.token({ id: 'citizen' });
    const privileged = operations.filter(
      ({ operation }) =>
        operation.access.caller === 'application' && (operation.access.roles?.length ?? 0) > 0,
    );
    expect(privileged.length).toBeGreaterThan(3);
    for (const { block, surface, operation } of privileged) {
      const answer = await node.localProviders.dispatch(
        block,
        surface,
        {
          method: operation.method,
          path: pathOf(operation.path),
          headers: {
            authorization: `Bearer ${token}`,
            ...(operation.body ? { 'content-type': 'application/json' } : {}),
          },
          ...(operation.body ? { body: '{}' } : {}),
        },
        {
          application: 'T/GOV/X/app',
          service: `T/GOV/Y/block/${surface}`,
          operator: undefined,
          exchangeId: id,
        },
      );
      expect(answer?.status, `${surface}.${operation.id}`).toBe(403);
    }
  });
});

describe('every schema of every operation', () => {
  it('can be compiled before a request needs it', () => {
    const schemas = blocks
      .flatMap((block) => block.surfaces)
      .flatMap(({ operations }) => Object.values(operations))
      .flatMap(({ params, query, headers, body, responses }) => [
        ...[params, query, headers].map((schema) => ({ schema, coerce: true })),
        ...[body, ...Object.values(responses)].map((schema) => ({ schema, coerce: false })),
      ]);
    expect(schemas.length).toBeGreaterThan(1000);
    for (const { schema, coerce } of schemas)
      if (schema) expect(() => compileValidator(schema, 'body', coerce)(undefined)).not.toThrow();
  });
});
