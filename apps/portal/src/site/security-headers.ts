import { createHash } from 'node:crypto';

/** The one inline script: lets styles know that scripts run, before anything is painted. */
export const supportScript =
  "document.body.className += ' js-enabled' + ('noModule' in HTMLScriptElement.prototype ? ' govuk-frontend-supported' : '');";

const scriptHash = createHash('sha256').update(supportScript).digest('base64');

/**
 * Headers of every page. Nothing is loaded from elsewhere, nothing inline runs but the script above,
 * nobody may frame us. `formTargets`: origins a form may lead to besides our own (sign-out at the identity provider).
 */
export function securityHeaders(
  publicUrl: string,
  formTargets: readonly string[],
): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'sha256-${scriptHash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    `form-action ${["'self'", ...formTargets].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
  return {
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), browsing-topics=()',
    ...(publicUrl.startsWith('https:')
      ? { 'strict-transport-security': 'max-age=63072000; includeSubDomains' }
      : {}),
  };
}
