import type { CookieSerializeOptions } from '@fastify/cookie';

/** Names and attributes of the portal's cookies. Under HTTPS their names forbid weaker ones (`__Host-`). */
export interface CookieJar {
  readonly session: string;
  readonly signIn: string;
  readonly language: string;
  readonly notice: string;
  options(maxAgeSeconds?: number): CookieSerializeOptions;
}

export function cookieJar(publicUrl: string): CookieJar {
  const secure = publicUrl.startsWith('https:');
  const name = (plain: string): string => (secure ? `__Host-${plain}` : plain);
  return {
    session: name('portal'),
    signIn: name('portal-sign-in'),
    language: name('portal-language'),
    notice: name('portal-notice'),
    // Lax, not Strict: the way back from the identity provider must find the cookie.
    options: (maxAge) => ({
      path: '/',
      httpOnly: true,
      sameSite: 'lax',
      secure,
      ...(maxAge === undefined ? {} : { maxAge }),
    }),
  };
}
