import type { BlockContext } from '@govstack/platform';
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import type { SealedBox } from '../session/sealed-box.ts';
import type { SessionData, SessionStore } from '../session/session-store.ts';
import type { CookieJar } from '../site/cookies.ts';
import type { PageHandler, Site } from '../site/visit.ts';
import type { IdentityProvider, SignInAttempt, Tokens } from './identity-provider.ts';

/** A path of this portal, never another site; the home page otherwise. */
export const localPath = (path: string | undefined): string =>
  path !== undefined && /^\/(?![/\\])[\x21-\x7e]{0,500}$/.test(path) && !path.startsWith('/sign-')
    ? path
    : '/';

/** Session data from tokens; undefined when the access token is not one our blocks would believe. */
export async function sessionDataOf(
  tokens: Tokens,
  personOf: BlockContext['personOf'],
  earlier?: SessionData,
): Promise<SessionData | undefined> {
  const person = await personOf(tokens.accessToken);
  if (!person) return undefined;
  const claims = { ...earlier?.claims, ...tokens.claims };
  const name = typeof claims.name === 'string' ? claims.name : '';
  const refreshToken = tokens.refreshToken ?? earlier?.refreshToken;
  return {
    personId: person.id,
    name,
    roles: person.roles,
    ...(person.agency === undefined ? {} : { agency: person.agency }),
    claims,
    accessToken: tokens.accessToken,
    accessTokenIssuedAt: tokens.issuedAt,
    accessTokenExpiresAt: tokens.expiresAt,
    ...(refreshToken === undefined ? {} : { refreshToken }),
    idToken: tokens.idToken ?? earlier?.idToken ?? '',
  };
}

export interface SignInParts {
  readonly provider: IdentityProvider;
  readonly store: SessionStore;
  readonly box: SealedBox;
  readonly cookies: CookieJar;
  readonly personOf: BlockContext['personOf'];
  readonly publicUrl: string;
  readonly now: () => number;
  readonly homeOf: (person: Pick<SessionData, 'roles' | 'agency'>) => string;
}

/** Sign in, come back, sign out. */
export function signInPages(site: Site, parts: SignInParts): void {
  const { provider, store, box, cookies } = parts;

  // Its own address, so that neither code nor state stays in links and history.
  const failed = '/sign-in/failed';

  const begin: PageHandler = async (visit) => {
    const { url, attempt } = await provider.begin(localPath(visit.query.return), visit.voice.language);
    visit.reply.setCookie(
      cookies.signIn,
      box.seal(attempt, 'sign-in').toString('base64url'),
      cookies.options(900),
    );
    return visit.reply.redirect(url.href, 303);
  };

  const back: PageHandler = async (visit) => {
    const sealed = visit.request.cookies[cookies.signIn];
    const attempt =
      sealed === undefined
        ? undefined
        : (box.open(Buffer.from(sealed, 'base64url'), 'sign-in') as SignInAttempt | undefined);
    visit.reply.clearCookie(cookies.signIn, cookies.options());
    if (!attempt || attempt.expiresAt < parts.now()) return visit.goTo(failed);
    const tokens = await provider
      .finish(new URL(visit.request.url, parts.publicUrl), attempt)
      .catch((error: unknown) => {
        const refused =
          error instanceof AuthorizationResponseError ||
          error instanceof ResponseBodyError ||
          error instanceof ClientError;
        if (!refused) throw error;
        visit.request.log.warn(
          { security: 'sign-in-refused', code: (error as { code?: string }).code },
          'refused',
        );
        return undefined;
      });
    const data = tokens && (await sessionDataOf(tokens, parts.personOf));
    if (!data) return visit.goTo(failed);
    if (visit.session) await store.remove(visit.session.id);
    const session = await store.create(data);
    visit.reply.setCookie(cookies.session, session.id, cookies.options());
    return visit.goTo(attempt.returnTo === '/' ? parts.homeOf(data) : attempt.returnTo);
  };

  site.page('/sign-in', begin);
  site.page('/sign-in/callback', back);
  site.page(failed, async (visit) => visit.show('problems/sign-in.njk', {}, 400));
  site.page('/signed-out', async (visit) => visit.show('signed-out.njk'));
  site.action('/sign-out', 'signed-in', async (visit) => {
    await store.remove(visit.session.id);
    visit.reply.clearCookie(cookies.session, cookies.options());
    const url = await provider.endSessionUrl(visit.session.data.idToken || undefined).catch(() => undefined);
    return url ? visit.reply.redirect(url.href, 303) : visit.goTo('/signed-out');
  });
}
