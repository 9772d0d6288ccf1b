import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { buildStylesheets } from './stylesheet.ts';

const require = createRequire(import.meta.url);

interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzip?: Buffer;
  readonly brotli?: Buffer;
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

/** Reads, mirrors, compresses and names everything once, at start-up. */
export function loadAssets(): Assets {
  const byPath = new Map<string, Asset>();
  const urls = new Map<string, string>();
  const add = (name: string, type: string, body: Buffer): void => {
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
    const path = `/assets/${name.replace(/(\.[^.]+)$/, `.${hash}$1`)}`;
    const compressed =
      type === 'font/woff2'
        ? {}
        : {
            gzip: gzipSync(body, { level: 9 }),
            brotli: brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
          };
    byPath.set(path, { type, body, ...compressed });
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
  const components = require.resolve('govuk-frontend/dist/govuk/govuk-frontend.min.js');
  // The file ends in a reference to a source map that is not served.
  const script = readFileSync(components, 'utf8').replace(/\n?\/\/# sourceMappingURL=.*$/m, '');
  add('components.js', 'text/javascript', Buffer.from(script));
  const start = own('start.js').toString('utf8').replace('./components.js', url('components.js'));
  add('start.js', 'text/javascript', Buffer.from(start));
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
        if (asset.brotli && /\bbr\b/.test(accepted))
          return reply.header('content-encoding', 'br').send(asset.brotli);
        if (asset.gzip && /\bgzip\b/.test(accepted))
          return reply.header('content-encoding', 'gzip').send(asset.gzip);
        return reply.send(asset.body);
      });
    },
  };
}
