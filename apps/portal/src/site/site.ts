import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import { currentContext, newContext, newId, Problem, withContext } from '@govstack/platform';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Viewer } from '../backend.ts';
import { isLanguage, type Language, preferredLanguage } from '../languages.ts';
import { type Voice, voiceOf } from '../rendering/voice.ts';
import { csrfMatches, csrfToken } from '../session/csrf.ts';
import type { Session, SessionData } from '../session/session-store.ts';
import { addressOf } from './address.ts';
import { pageModel } from './page-model.ts';
import { problemPageOf } from './problem-pages.ts';
import { plainForm, type SentForm, sentForm, streamedForm } from './sent-form.ts';
import type { SiteParts } from './site-parts.ts';
import type { PageAccess, PageHandler, SignedInVisit, Site, Visit } from './visit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    portalSession: Session | undefined;
    portalLanguage: Language | undefined;
    portalForm: SentForm | undefined;
  }
}

const pageBodyLimit = 256 * 1024;

const languageOf = (request: FastifyRequest, cookieName: string): Language => {
  const chosen = request.cookies?.[cookieName];
  return isLanguage(chosen) ? chosen : preferredLanguage(request.headers['accept-language']);
};

/** What an address asks; of a value that is given more than once the first. */
const firstValues = (query: Readonly<Record<string, string | readonly string[]>> = {}) =>
  Object.fromEntries(Object.entries(query).map(([name, value]) => [name, [value].flat()[0]]));

const viewerOf = (session: Session, language: Language): Viewer => ({
  id: session.data.personId,
  name: session.data.name,
  roles: session.data.roles,
  claims: session.data.claims,
  ...(session.data.agency === undefined ? {} : { agency: session.data.agency }),
  language,
});

const mayOpen = (access: PageAccess, viewer: Viewer): boolean =>
  typeof access === 'string' || access.roles.some((role) => viewer.roles.includes(role));

/** Pages on an HTTP application: language, session, anti-forgery, access, problem pages, rendering. */
export async function createSite(fastify: FastifyInstance, parts: SiteParts): Promise<Site> {
  const { cookies, store, settings } = parts;
  await fastify.register(cookie);
  // Forms with files are read as they come here, not as bytes the way operations of surfaces take them.
  fastify.removeContentTypeParser('multipart/form-data');
  await fastify.register(multipart);
  fastify.decorateRequest('portalSession');
  fastify.decorateRequest('portalLanguage');
  fastify.decorateRequest('portalForm');

  const voiceFor = (request: FastifyRequest): Voice =>
    voiceOf(
      parts.translations,
      request.portalLanguage ?? languageOf(request, cookies.language),
      settings.timeZone,
    );

  function visitOf(request: FastifyRequest, reply: FastifyReply): Visit {
    const voice = voiceFor(request);
    const session = request.portalSession;
    return {
      request,
      reply,
      voice,
      session,
      params: (request.params ?? {}) as Record<string, string>,
      query: firstValues(request.query as Record<string, string | string[]> | undefined),
      get body() {
        return request.portalForm?.body ?? {};
      },
      file: (name) => request.portalForm?.files.get(name),
      viewer: session && viewerOf(session, voice.language),
      show(template, model = {}, status = 200) {
        const notice = request.cookies?.[cookies.notice];
        if (notice !== undefined) reply.clearCookie(cookies.notice, cookies.options());
        const html = parts.render(template, {
          ...pageModel(parts, voice, request, session && viewerOf(session, voice.language)),
          csrf: session && csrfToken(parts.csrfSecret, session.id),
          formKey: newId(),
          notice: notice !== undefined && /^[a-z]+$/i.test(notice) ? voice.t(`notices.${notice}`) : undefined,
          ...model,
        });
        return reply
          .code(status)
          .headers(parts.headers)
          .header('content-type', 'text/html; charset=utf-8')
          .header('content-language', voice.language)
          .header('cache-control', session || request.method === 'POST' ? 'no-store' : 'private, no-cache')
          .header('vary', 'cookie, accept-language')
          .send(html);
      },
      goTo: (path) => reply.headers(parts.headers).header('cache-control', 'no-store').redirect(path, 303),
      leaveNotice: (key) => {
        reply.setCookie(cookies.notice, key, cookies.options(60));
      },
    };
  }

  const showProblem = (
    request: FastifyRequest,
    reply: FastifyReply,
    page: string,
    status: number,
  ): FastifyReply => visitOf(request, reply).show('problems/problem.njk', { problem: page }, status);

  const isStale = (data: SessionData): boolean => data.accessTokenExpiresAt - parts.now() < 30_000;

  /** Worth renewing by a round trip to the identity provider, so that a form sent from this page finds a fresh token. */
  const isAgeing = ({ accessTokenIssuedAt: from, accessTokenExpiresAt: to }: SessionData): boolean =>
    parts.now() > from + (to - from) / 2;

  /** A session with a fresh access token for the calls of this request; undefined when there is none to be had. */
  async function refreshed(session: Session): Promise<Session | undefined> {
    if (!isStale(session.data)) return session;
    if (session.data.refreshToken === undefined) return undefined;
    return store.renew(session.id, async (data) => (isStale(data) ? parts.renewTokens(data) : data));
  }

  fastify.addHook('preValidation', async (request, reply) => {
    request.portalLanguage = languageOf(request, cookies.language);
    if (request.method !== 'GET') return;
    const { path, query } = addressOf(request);
    const wanted = query.get('lang');
    if (wanted === null) return;
    query.delete('lang');
    if (isLanguage(wanted)) reply.setCookie(cookies.language, wanted, cookies.options(365 * 86_400));
    return reply.headers(parts.headers).redirect(query.size > 0 ? `${path}?${query}` : path, 303);
  });

  /** The visit of a signed-in person; undefined when they were sent elsewhere. (A reply is a thenable: never answer one.) */
  async function signedIn(
    request: FastifyRequest,
    reply: FastifyReply,
    access: Exclude<PageAccess, 'public'>,
  ): Promise<SignedInVisit | undefined> {
    const before = request.portalSession;
    const signIn = (): undefined => {
      visitOf(request, reply).goTo(`/sign-in?return=${encodeURIComponent(request.url)}`);
    };
    // Without a refresh token the provider's own session renews ours unseen, on the way to a page.
    if (request.method === 'GET' && before && !before.data.refreshToken && isAgeing(before.data))
      return signIn();
    const session = before && (await refreshed(before));
    if (!session) {
      const had = request.cookies[cookies.session] !== undefined;
      request.portalSession = undefined;
      if (had) reply.clearCookie(cookies.session, cookies.options());
      if (!had && request.method === 'GET') return signIn();
      showProblem(request, reply, 'expired', 401);
      return undefined;
    }
    request.portalSession = session;
    const visit = visitOf(request, reply) as SignedInVisit;
    if (!mayOpen(access, visit.viewer)) throw new Problem(403, 'this page is for other roles');
    return visit;
  }

  const isForeign = ({ headers: { origin } }: FastifyRequest): boolean =>
    origin !== undefined && origin !== new URL(settings.publicUrl).origin;

  function assertOwnForm(request: FastifyRequest, session: Session): void {
    const presented = request.portalForm?.body._csrf;
    if (
      isForeign(request) ||
      typeof presented !== 'string' ||
      !csrfMatches(parts.csrfSecret, session.id, presented)
    ) {
      request.log.warn({ security: 'form-token-invalid', route: request.routeOptions.url }, 'refused');
      throw new Problem(403, 'the form did not come from this session');
    }
  }

  const asPerson = <T>(session: Session | undefined, work: () => T): T =>
    session && !isStale(session.data)
      ? withContext(
          {
            ...(currentContext() ?? newContext()),
            authorization: `Bearer ${session.data.accessToken}`,
          },
          work,
        )
      : work();

  const withSession = async (request: FastifyRequest): Promise<void> => {
    const id = request.cookies[cookies.session];
    request.portalSession = id === undefined ? undefined : await store.find(id);
  };

  function register(
    method: 'GET' | 'POST',
    path: string,
    access: PageAccess,
    handler: PageHandler<SignedInVisit> | PageHandler,
    readForm = sentForm,
  ): void {
    fastify.route({
      method,
      url: path,
      bodyLimit: pageBodyLimit,
      handler: async (request, reply) => {
        await withSession(request);
        if (access === 'public') {
          if (method === 'POST') {
            if (isForeign(request)) throw new Problem(403, 'the form did not come from here');
            request.portalForm = await plainForm(request);
          }
          const visit = visitOf(request, reply);
          return asPerson(visit.session, () => (handler as PageHandler)(visit));
        }
        const visit = await signedIn(request, reply, access);
        if (!visit) return reply;
        if (method === 'POST') {
          // Files are read only for those who may send them.
          request.portalForm = await readForm(request);
          // What nobody wants to read is let go by, so that the answer arrives.
          reply.raw.once('close', () => request.portalForm?.stream?.bytes.resume());
          assertOwnForm(request, visit.session);
        }
        return asPerson(visit.session, () => (handler as PageHandler<SignedInVisit>)(visit));
      },
    });
  }

  fastify.setErrorHandler(async (error, request, reply) => {
    const { page, status } = problemPageOf(error);
    const correlationId = request.govstack?.correlationId;
    if (status >= 500)
      request.log.error({ err: error, route: request.routeOptions.url, correlationId }, 'failed');
    return showProblem(request, reply, page, status);
  });
  fastify.route({
    method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    url: '/*',
    handler: async (request, reply) => {
      await withSession(request);
      return showProblem(request, reply, 'not-found', 404);
    },
  });

  return {
    page: (
      path: string,
      accessOrHandler: PageAccess | PageHandler,
      handler?: PageHandler<SignedInVisit>,
    ): void =>
      typeof accessOrHandler === 'function'
        ? register('GET', path, 'public', accessOrHandler)
        : register('GET', path, accessOrHandler, handler as PageHandler<SignedInVisit>),
    publicAction: (path, handler) => register('POST', path, 'public', handler),
    action: (path, access, handler) => register('POST', path, access, handler),
    upload: (path, access, handler) =>
      register(
        'POST',
        path,
        access,
        (visit: SignedInVisit) => handler(visit, visit.request.portalForm?.stream),
        streamedForm,
      ),
  };
}
