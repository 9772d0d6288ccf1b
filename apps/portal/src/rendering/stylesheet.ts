import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const rtlcss = require('rtlcss') as { process(css: string): string };

/** Our fonts first, then what the device has. The families are declared in `assets/theme.css`. */
const fontFamily = '"Noto Sans","Noto Naskh Arabic",system-ui,"Segoe UI",Roboto,sans-serif';

/**
 * The components' stylesheet without the British government's font and crest: both are reserved to it.
 * Fails when the components no longer look as expected, so that an update cannot bring them back unnoticed.
 */
export function neutralComponents(css: string): string {
  const without = css
    .replaceAll(/\/\*![^*]*Calvert[\s\S]*?\*\//g, '')
    .replaceAll(/@font-face\{font-family:GDS Transport;[^}]*\}/g, '')
    .replaceAll('GDS Transport,arial,sans-serif', fontFamily)
    .replaceAll(/url\(\/assets\/images\/govuk-crest\.svg\)/g, 'none');
  if (/GDS|Calvert|crest|url\(/.test(without))
    throw new Error('the components bring fonts or images that are not ours to use');
  return without;
}

/** The styles of the library that draws processes, with the one font file that browsers of today need. */
export function drawingStyles(fontUrl: string): string {
  const shapes = readFileSync(require.resolve('bpmn-js/dist/assets/diagram-js.css'), 'utf8');
  const ours = readFileSync(require.resolve('bpmn-js/dist/assets/bpmn-js.css'), 'utf8');
  const font = readFileSync(require.resolve('bpmn-js/dist/assets/bpmn-font/css/bpmn.css'), 'utf8')
    .replace(/\s*src: url\([^)]*\);/, '')
    .replace(/src: url\([^;]*;/, `src: url("${fontUrl}") format("woff2");`);
  return [shapes, ours, font].join('\n');
}

export interface Stylesheets {
  readonly ltr: string;
  readonly rtl: string;
}

/** The whole stylesheet, and its mirror image for languages written from right to left. */
export function buildStylesheets(assetUrl: (name: string) => string): Stylesheets {
  const components = readFileSync(
    require.resolve('govuk-frontend/dist/govuk/govuk-frontend.min.css'),
    'utf8',
  );
  const theme = readFileSync(new URL('../../assets/theme.css', import.meta.url), 'utf8').replaceAll(
    /url\("([^"]+)"\)/g,
    (_all, name: string) => `url("${assetUrl(name)}")`,
  );
  const ltr = `${neutralComponents(components)}\n${theme}`;
  return { ltr, rtl: rtlcss.process(ltr) };
}
