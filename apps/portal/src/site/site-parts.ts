import type { Assets } from '../rendering/assets.ts';
import type { Render } from '../rendering/templates.ts';
import type { Translations } from '../rendering/translations.ts';
import type { SessionData, SessionStore } from '../session/session-store.ts';
import type { CookieJar } from './cookies.ts';
import type { PortalSettings } from './settings.ts';

/** What a site is made of. */
export interface SiteParts {
  readonly settings: PortalSettings;
  readonly translations: Translations;
  readonly render: Render;
  readonly assets: Assets;
  readonly store: SessionStore;
  readonly cookies: CookieJar;
  readonly headers: Readonly<Record<string, string>>;
  readonly csrfSecret: Uint8Array;
  /** New tokens for a session whose access token runs out; undefined ends the session. */
  readonly renewTokens: (data: SessionData) => Promise<SessionData | undefined>;
  readonly now: () => number;
}
