import type { View } from '../views/views.ts';
import { openDataPath } from './path.ts';

/** Open data as a catalogue in the words of DCAT 3 (JSON-LD), for the portals that collect such. */
export function catalogueOf(views: readonly View[], publicUrl: string): Record<string, unknown> {
  const root = publicUrl.replace(/\/$/, '');
  return {
    '@context': { dcat: 'http://www.w3.org/ns/dcat#', dct: 'http://purl.org/dc/terms/' },
    '@type': 'dcat:Catalog',
    'dct:title': 'Open data of the registries',
    'dcat:dataset': views.map((view) => {
      const url = `${root}${openDataPath(view.owner, view.code)}`;
      const distribution = (format: string, mediaType: string) => ({
        '@type': 'dcat:Distribution',
        'dcat:downloadURL': `${url}.${format}`,
        'dcat:mediaType': mediaType,
      });
      return {
        '@id': url,
        '@type': 'dcat:Dataset',
        'dct:identifier': `${view.owner}/${view.code}`,
        'dct:title': view.name,
        'dct:description': view.description,
        'dct:publisher': view.owner.split('/').slice(0, 3).join('/'),
        'dct:issued': view.openedAt,
        'dct:modified': view.modifiedAt,
        'dcat:distribution': [distribution('json', 'application/json'), distribution('csv', 'text/csv')],
      };
    }),
  };
}
