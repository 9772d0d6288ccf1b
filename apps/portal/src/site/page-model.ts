import type { FastifyRequest } from 'fastify';
import type { Viewer } from '../backend.ts';
import { languageFacts, languages } from '../languages.ts';
import type { Voice } from '../rendering/voice.ts';
import { addressOf } from './address.ts';
import { navigationOf } from './navigation.ts';
import { supportScript } from './security-headers.ts';
import { treasuryOf } from './settings.ts';
import type { SiteParts } from './site-parts.ts';

const defaultCountry = { en: 'Republic of Lumora', fr: 'République de Lumora', ar: 'جمهورية لومورا' };

/** What every template may use, besides its own model. */
export function pageModel(
  parts: SiteParts,
  voice: Voice,
  request: FastifyRequest,
  viewer: Viewer | undefined,
): Record<string, unknown> {
  const { settings, assets } = parts;
  const { path, query } = addressOf(request);
  const languageLink = (language: string): string => {
    const kept = new URLSearchParams(request.method === 'GET' ? query : '');
    kept.set('lang', language);
    return `${path}?${kept}`;
  };
  return {
    t: voice.t,
    firstOf: voice.firstOf,
    text: voice.text,
    /** What a list of errors says of the input with this id. */
    fault: (errors: readonly { text: string; href: string }[] | undefined, id: string) =>
      errors?.find(({ href }) => href === `#${id}`)?.text,
    formats: voice.formats,
    language: voice.language,
    direction: voice.direction,
    languageLinks: languages.map((language) => ({
      language,
      name: languageFacts[language].name,
      direction: languageFacts[language].direction,
      current: language === voice.language,
      href: languageLink(language),
    })),
    country: voice.text(settings.country ?? defaultCountry),
    tagline: settings.tagline ? voice.text(settings.tagline) : voice.t('common.tagline'),
    demonstration: settings.demonstration,
    asset: assets.url,
    stylesheet: assets.url(voice.direction === 'rtl' ? 'portal-rtl.css' : 'portal.css'),
    startScript: assets.url('start.js'),
    emblem: assets.url('emblem.svg'),
    supportScript,
    navigation: navigationOf(viewer, treasuryOf(settings)),
    viewer,
    path,
    pathAndQuery: query.size > 0 ? `${path}?${query}` : path,
    correlationId: request.govstack?.correlationId,
  };
}
