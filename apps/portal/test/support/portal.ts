import { reservePort } from '@govstack/platform';
import { startTestNode, type TestNode, type TestNodeOptions } from '@govstack/platform/testing';
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { createPortal } from '../../src/block.ts';
import { type FixtureBackend, fixtureBackend } from '../fixtures/backend.ts';
import { startIdentityProvider, type TestIdentityProvider } from './identity-provider.ts';

export interface TestPortal {
  readonly url: string;
  readonly node: TestNode;
  readonly backend: FixtureBackend;
  readonly provider: TestIdentityProvider;
  /** Errors the portal logged: faults that no page showed. */
  readonly errors: string[];
  stop(): Promise<void>;
}

/** The portal over HTTP with a real identity provider, a real database, and pages fed from fixtures; beside it other blocks, if any. */
export async function startPortal(
  config: Record<string, unknown> = {},
  blocks: TestNodeOptions['blocks'] = [],
  providers: NonNullable<TestNodeOptions['providers']> = {},
): Promise<TestPortal> {
  const provider = await startIdentityProvider();
  const backend = fixtureBackend();
  const reserved = await reservePort(0);
  const url = `http://localhost:${reserved.port}`;
  const errors: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(line) });
  const node = await startTestNode({
    blocks: [
      {
        block: createPortal({ backend: () => backend, strictTexts: true }),
        config: {
          publicUrl: url,
          issuer: provider.issuer,
          demonstration: true,
          timeZone: 'Africa/Nairobi',
          ...config,
        },
      },
      ...blocks,
    ],
    providers,
    node: { identity: provider.trust, log },
  });
  await node.listen({ port: reserved, all: 'portal' });
  const { keys } = (await (await fetch(`${url}/openid-client/jwks.json`)).json()) as { keys: [object] };
  provider.register(url, keys[0]);
  return {
    url,
    node,
    backend,
    provider,
    errors,
    async stop() {
      await node.stop();
      await provider.stop();
    },
  };
}

/** Signs in at the provider's page, wherever the portal sent the browser from. */
export async function signIn(portal: TestPortal, page: Page, name: string, path = '/sign-in'): Promise<void> {
  await page.goto(`${portal.url}${path}`);
  if (page.url().startsWith(portal.provider.issuer)) await page.getByRole('button', { name }).click();
  await page.waitForURL(`${portal.url}/**`);
}
