import { type Block, type BlockContext, defineBlock } from '@govstack/platform';
import type { Backend } from './backend.ts';
import { consolePages } from './console/console.ts';
import { pages } from './pages/pages.ts';
import { processPages } from './processes/processes.ts';
import type { InstanceSearch } from './processes/shell.ts';
import { listStore } from './registries/list-store.ts';
import type { LogSearch } from './registries/log-search.ts';
import { registryPages } from './registries/registries.ts';
import { loadAssets } from './rendering/assets.ts';
import { createTemplates } from './rendering/templates.ts';
import { loadTranslations } from './rendering/translations.ts';
import { sealedBox } from './session/sealed-box.ts';
import { type PortalTables, sessionStore } from './session/session-store.ts';
import { clientKey } from './sign-in/client-key.ts';
import { identityProvider } from './sign-in/identity-provider.ts';
import { sessionDataOf, signInPages } from './sign-in/pages.ts';
import { cookieJar } from './site/cookies.ts';
import { homeOf } from './site/navigation.ts';
import { securityHeaders } from './site/security-headers.ts';
import { PortalSettings, treasuryOf } from './site/settings.ts';
import { createSite } from './site/site.ts';
import { treasuryPages } from './treasury/treasury.ts';

type Context = BlockContext<PortalSettings>;

export interface PortalOptions {
  /** How the pages reach the building blocks. */
  readonly backend: (context: Context) => Backend;
  /** A text that is in no catalogue is an error (tests). */
  readonly strictTexts?: boolean;
}

/** The portal as a block of a node: pages under `/`, sessions in its own database, no business rule. */
export function createPortal(options: PortalOptions): Block<typeof PortalSettings> {
  return defineBlock({
    name: 'portal',
    title: 'Portal',
    version: '0.1.0',
    surfaces: [],
    config: PortalSettings,
    migrations: new URL('../migrations/', import.meta.url),
    publicPaths: ['/'],
    async start(context) {
      const settings = context.config;
      const key = clientKey(context.secret('openid-client-key'));
      const now = (): number => context.now().getTime();
      const provider = identityProvider({
        issuer: settings.issuer,
        clientId: settings.clientId,
        scope: settings.scope,
        resource: settings.resource,
        publicUrl: settings.publicUrl,
        key,
        now,
      });
      const store = sessionStore(
        context.database<PortalTables>(),
        sealedBox(context.secret('sessions')),
        settings,
        context.now,
      );
      const lists = listStore(
        context.database<PortalTables>(),
        sealedBox(context.secret('record-lists')),
        context.now,
      );
      const searches = listStore<LogSearch>(
        context.database<PortalTables>(),
        sealedBox(context.secret('log-searches')),
        context.now,
      );
      const instanceSearches = listStore<InstanceSearch>(
        context.database<PortalTables>(),
        sealedBox(context.secret('instance-searches')),
        context.now,
      );
      const assets = loadAssets();
      const cookies = cookieJar(settings.publicUrl);
      const translations = await loadTranslations(options.strictTexts ?? false);
      const backend = options.backend(context);

      return {
        surfaces: [],
        jobs: [
          {
            name: 'remove-expired-sessions',
            handle: () => store.removeExpired(),
            schedule: { cron: '*/15 * * * *', timeZone: 'UTC' },
          },
          {
            name: 'remove-old-record-lists',
            handle: () => lists.removeOld(),
            schedule: { cron: '7 * * * *', timeZone: 'UTC' },
          },
        ],
        async routes(fastify) {
          assets.serve(fastify);
          // The identity provider fetches our public key here (client metadata `jwks_uri`).
          fastify.get('/openid-client/jwks.json', async () => ({ keys: [key.publicJwk] }));
          fastify.get('/favicon.ico', async (_request, reply) =>
            reply.redirect(assets.url('emblem.svg'), 302),
          );
          const site = await createSite(fastify, {
            settings,
            translations,
            render: createTemplates(),
            assets,
            store,
            cookies,
            headers: securityHeaders(settings.publicUrl, [new URL(settings.issuer).origin]),
            csrfSecret: context.secret('csrf'),
            now,
            renewTokens: async (data) => {
              if (data.refreshToken === undefined) return undefined;
              const tokens = await provider.refresh(data.refreshToken);
              return tokens && sessionDataOf(tokens, context.personOf, data);
            },
          });
          signInPages(site, {
            provider,
            store,
            box: sealedBox(context.secret('sign-in')),
            cookies,
            personOf: context.personOf,
            publicUrl: settings.publicUrl,
            now,
            homeOf: (person) => homeOf(person, treasuryOf(settings)),
          });
          pages(site, backend, settings, context.now);
          consolePages(site, context);
          registryPages(site, context, lists, searches);
          treasuryPages(site, context, backend);
          processPages(site, context, instanceSearches);
        },
      };
    },
  });
}
