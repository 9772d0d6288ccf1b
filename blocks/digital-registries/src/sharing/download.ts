import { csvLines } from '../records/csv.ts';
import type { OpenedShare } from './share-link.ts';

export type DownloadFormat = 'csv' | 'json' | 'text';

const mediaTypes: Readonly<Record<DownloadFormat, string>> = {
  csv: 'text/csv',
  json: 'application/json',
  text: 'text/plain',
};

const shown = (value: unknown): string =>
  (typeof value === 'string' ? value : JSON.stringify(value)).replaceAll(/\s+/g, ' ');

/** A shared record as a file that says by which link it was taken, and when. */
export function downloadOf(
  { link, registryName, content }: OpenedShare,
  format: DownloadFormat,
  at: Date,
): { readonly body: Buffer; readonly headers: Record<string, string> } {
  const watermark = `Shared from ${registryName} by link ${link}, downloaded ${at.toISOString()}`;
  const entries = Object.entries(content);
  const texts: Readonly<Record<DownloadFormat, () => string>> = {
    csv: () => csvLines([['Field', 'Value'], ...entries, ['Watermark', watermark]]),
    json: () => `${JSON.stringify({ watermark, content }, undefined, 2)}\n`,
    text: () => [...entries.map(([name, value]) => `${name}: ${shown(value)}`), '', watermark, ''].join('\n'),
  };
  return {
    body: Buffer.from(texts[format]()),
    headers: {
      'content-type': `${mediaTypes[format]}; charset=utf-8`,
      'content-disposition': `attachment; filename="shared-record.${format === 'text' ? 'txt' : format}"`,
      'cache-control': 'no-store',
    },
  };
}
