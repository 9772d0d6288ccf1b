import type { IncomingMessage, ServerResponse } from 'node:http';
import { defineBlock, implement, notFound } from '@govstack/platform';
import { type OperationResult, Type } from '@govstack/platform/operation';
import { clientManagement, enrolment, ownIdentity } from './api/operations.ts';
import { ClientError, openClients } from './clients/clients.ts';
import { signingKeys } from './keys/signing-keys.ts';
import { languageOf, pageHeaders, problemPage, signInPage, stylesheet } from './pages/pages.ts';
import { openPersons } from './persons/persons.ts';
import { createProvider } from './provider/provider.ts';
import { createStorage } from './provider/storage.ts';
import type { IdentityTables } from './tables.ts';

const config = Type.Object({
  /** Public URL of the provider; ends in /id. */
  issuer: Type.String({ default: 'http://localhost:4001/id', pattern: '/id$' }),
  /** What blocks expect as audience of access tokens. */
  audience: Type.String({ default: 'govstack' }),
  /** Name shown on the pages. */
  country: Type.String({ default: 'GovStack' }),
  /** Offer one-click sign-in of the demonstration personas. Only for demonstrations. */
  demonstration: Type.Boolean({ default: false }),
  accessTokenSeconds: Type.Integer({ default: 600, minimum: 60, maximum: 3600 }),
});

const now = (): string => new Date().toISOString();

/** Foundational identity: persons and officers, OpenID Connect for every service. */
export const identity = defineBlock({
  name: 'identity',
  title: 'Identity',
  version: '0.1.0',
  surfaces: [clientManagement, enrolment, ownIdentity],
  config,
  migrations: new URL('../migrations/', import.meta.url),
  publicPaths: ['/id'],
  async start(ctx) {
    const db = ctx.database<IdentityTables>();
    const { country, demonstration, issuer } = ctx.config;
    if (demonstration)
      ctx.log.warn(
        'DEMONSTRATION: personas can be signed in with one click. Never use this with real people.',
      );
    const persons = openPersons(db, {
      sealing: ctx.secret('attributes'),
      lookup: ctx.secret('alias-lookup'),
    });
    const clients = openClients(db);
    const provider = createProvider({
      issuer,
      audience: ctx.config.audience,
      country,
      keys: await signingKeys(db, ctx.secret('signing-keys')),
      cookieKeys: [ctx.secret('cookies').toString('base64url')],
      storage: createStorage(db, clients, ctx.secret('grants')),
      persons,
      accessTokenSeconds: ctx.config.accessTokenSeconds,
    });
    provider.on('server_error', ((_ctx: unknown, error: Error) =>
      ctx.log.error({ err: error }, 'OpenID provider')) as never);

    const envelope = async (
      work: Promise<string>,
    ): Promise<OperationResult<typeof clientManagement.operations.createOidcClient>> => {
      try {
        return { status: 200, body: { responseTime: now(), response: { clientId: await work }, errors: [] } };
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        const errors = [{ errorCode: error.code, errorMessage: error.message }];
        return { status: 200, body: { responseTime: now(), response: {}, errors } };
      }
    };

    return {
      surfaces: [
        implement(clientManagement, {
          createOidcClient: ({ body }) => envelope(clients.create(body.requestTime, body.request)),
          updateOidcClient: ({ params, body }) =>
            envelope(clients.update(params.client_id, body.requestTime, body.request)),
        }),
        implement(enrolment, {
          enrolPersons: async ({ body }) => ({
            status: 200,
            body: { subjects: await persons.enrol(body.persons) },
          }),
        }),
        implement(ownIdentity, {
          readOwnAttributes: async ({ person }) => {
            const known = await persons.find(person.id);
            if (!known) throw notFound('Person');
            return { status: 200, body: known.attributes };
          },
        }),
      ],
      async routes(fastify) {
        const finish = (
          request: IncomingMessage,
          response: ServerResponse,
          accountId: string,
        ): Promise<void> =>
          provider.interactionFinished(request, response, {
            login: { accountId, acr: 'idbb:acr:static-code', amr: ['pin'], remember: false },
          });

        fastify.get('/id/style.css', async (_request, reply) =>
          reply
            .header('content-type', 'text/css; charset=utf-8')
            .header('cache-control', 'public, max-age=3600')
            .send(stylesheet),
        );

        const showSignIn = async (language: string, uid: string, wrong: boolean): Promise<string> =>
          signInPage({
            language,
            country,
            action: `/id/interaction/${uid}`,
            personas: demonstration ? await persons.personas() : [],
            wrong,
          });

        fastify.get<{ Params: { uid: string } }>('/id/interaction/:uid', async (request, reply) => {
          const interaction = await provider
            .interactionDetails(request.raw, reply.raw)
            .catch(() => undefined);
          const language = languageOf(interaction?.params.ui_locales ?? request.headers['accept-language']);
          if (!interaction || interaction.uid !== request.params.uid) {
            return reply.code(400).headers(pageHeaders).send(problemPage(language, country));
          }
          return reply.headers(pageHeaders).send(await showSignIn(language, interaction.uid, false));
        });

        fastify.post<{ Params: { uid: string } }>('/id/interaction/:uid', async (request, reply) => {
          const interaction = await provider
            .interactionDetails(request.raw, reply.raw)
            .catch(() => undefined);
          const language = languageOf(interaction?.params.ui_locales ?? request.headers['accept-language']);
          const form = (request.body ?? {}) as Record<string, unknown>;
          if (!interaction || interaction.uid !== request.params.uid) {
            return reply.code(400).headers(pageHeaders).send(problemPage(language, country));
          }
          let personId: string | undefined;
          if (demonstration && typeof form.persona === 'string') {
            personId = (await persons.isPersona(form.persona)) ? form.persona : undefined;
          } else if (
            typeof form.identifier === 'string' &&
            typeof form.pin === 'string' &&
            form.pin.length <= 64
          ) {
            personId = await persons.authenticate(form.identifier, form.pin);
          }
          if (personId === undefined) {
            request.log.warn(
              { security: 'sign-in-failed', correlationId: request.govstack.correlationId },
              'refused',
            );
            return reply
              .code(401)
              .headers(pageHeaders)
              .send(await showSignIn(language, interaction.uid, true));
          }
          reply.hijack();
          await finish(request.raw, reply.raw, personId);
          return reply;
        });

        await fastify.register(async (scope) => {
          scope.removeAllContentTypeParsers();
          // The provider reads the request itself.
          scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
          const callback = provider.callback();
          scope.all('/id/*', async (request, reply) => {
            reply.hijack();
            const raw = request.raw as IncomingMessage & { originalUrl?: string };
            raw.originalUrl = raw.url ?? '';
            raw.url = (raw.url ?? '').slice('/id'.length) || '/';
            callback(raw, reply.raw);
            return reply;
          });
        });
      },
      jobs: [
        {
          name: 'forget-expired',
          schedule: { cron: '*/15 * * * *', timeZone: 'UTC' },
          handle: async () => {
            await db.deleteFrom('oidc_model').where('expires_at', '<', new Date().toISOString()).execute();
          },
        },
      ],
    };
  },
});
