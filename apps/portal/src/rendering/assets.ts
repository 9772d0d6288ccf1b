import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { buildStylesheets, drawingStyles } from './stylesheet.ts';

const require = createRequire(import.meta.url);

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  /** Compressed when first asked for: most pages need few of the files. */
  gzip?: Buffer;
  brotli?: Buffer;
}

/** Files the pages load, under names that change with their content and may be kept for ever. */
export interface Assets {
  url(name: string): string;
  serve(fastify: FastifyInstance): void;
}

const fonts = [
  ['noto-sans', 'noto-sans-latin-400-normal.woff2'],
  ['noto-sans', 'noto-sans-latin-700-normal.woff2'],
  ['noto-sans', 'noto-sans-latin-ext-400-normal.woff2'],
  ['noto-sans', 'noto-sans-latin-ext-700-normal.woff2'],
  ['noto-naskh-arabic', 'noto-naskh-arabic-arabic-400-normal.woff2'],
  ['noto-naskh-arabic', 'noto-naskh-arabic-arabic-700-normal.woff2'],
] as const;

const own = (name: string): Buffer => readFileSync(new URL(`../../assets/${name}`, import.meta.url));

/** A script as it is served: without the reference to a source map that is not. */
const scriptIn = (file: string): string =>
  readFileSync(file, 'utf8').replace(/\n?\/\/# sourceMappingURL=.*$/m, '');

/** Reads, mirrors and names everything once, at start-up. */
export function loadAssets(): Assets {
  const byPath = new Map<string, Asset>();
  const urls = new Map<string, string>();
  const add = (name: string, type: string, body: Buffer): void => {
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
    const path = `/assets/${name.replace(/(\.[^.]+)$/, `.${hash}$1`)}`;
    byPath.set(path, { type, body });
    urls.set(name, path);
  };
  const url = (name: string): string => {
    const found = urls.get(name);
    if (found === undefined) throw new Error(`no asset ${name}`);
    return found;
  };
  for (const [family, file] of fonts) {
    add(file, 'font/woff2', readFileSync(require.resolve(`@fontsource/${family}/files/${file}`)));
  }
  add('emblem.svg', 'image/svg+xml', own('emblem.svg'));
  add('hills.svg', 'image/svg+xml', own('hills.svg'));
  const script = (name: string, text: string): void => add(name, 'text/javascript', Buffer.from(text));
  /** A script of ours, with the addresses of those it imports. */
  const ownScript = (name: string, ...imports: readonly string[]): void =>
    script(
      name,
      imports.reduce((text, one) => text.replace(`./${one}`, url(one)), own(name).toString('utf8')),
    );
  script('components.js', scriptIn(require.resolve('govuk-frontend/dist/govuk/govuk-frontend.min.js')));
  ownScript('start.js', 'components.js');
  script('bpmn-viewer.js', scriptIn(require.resolve('bpmn-js/dist/bpmn-navigated-viewer.production.min.js')));
  script('bpmn-modeler.js', scriptIn(require.resolve('bpmn-js/dist/bpmn-modeler.production.min.js')));
  ownScript('diagram.js', 'bpmn-viewer.js');
  // The same account of what can be set on an element, here and there.
  const properties = readFileSync(
    new URL('../processes/design/element-properties.ts', import.meta.url),
    'utf8',
  );
  script('element-properties.js', stripTypeScriptTypes(properties));
  ownScript('modeller.js', 'bpmn-modeler.js', 'element-properties.js');
  ownScript('trial.js', 'bpmn-viewer.js');
  add('modeller.css', 'text/css', own('modeller.css'));
  add(
    'bpmn.woff2',
    'font/woff2',
    readFileSync(require.resolve('bpmn-js/dist/assets/bpmn-font/font/bpmn.woff2')),
  );
  add('bpmn.css', 'text/css', Buffer.from(drawingStyles(url('bpmn.woff2'))));
  const { ltr, rtl } = buildStylesheets(url);
  add('portal.css', 'text/css', Buffer.from(ltr));
  add('portal-rtl.css', 'text/css', Buffer.from(rtl));

  return {
    url,
    serve(fastify) {
      fastify.get('/assets/*', async (request, reply) => {
        const asset = byPath.get(request.url.split('?')[0] as string);
        if (!asset) return reply.callNotFound();
        const accepted = String(request.headers['accept-encoding'] ?? '');
        reply
          .header(
            'content-type',
            asset.type.startsWith('text/') ? `${asset.type}; charset=utf-8` : asset.type,
          )
          .header('cache-control', 'public, max-age=31536000, immutable')
          .header('x-content-type-options', 'nosniff')
          .header('vary', 'accept-encoding');
        if (asset.type === 'font/woff2') return reply.send(asset.body);
        if (/\bbr\b/.test(accepted)) {
          asset.brotli ??= brotliCompressSync(asset.body, {
            params: { [constants.BROTLI_PARAM_QUALITY]: 9 },
          });
          return reply.header('content-encoding', 'br').send(asset.brotli);
        }
        if (/\bgzip\b/.test(accepted)) {
          asset.gzip ??= gzipSync(asset.body, { level: 9 });
          return reply.header('content-encoding', 'gzip').send(asset.gzip);
        }
        return reply.send(asset.body);
      });
    },
  };
}
