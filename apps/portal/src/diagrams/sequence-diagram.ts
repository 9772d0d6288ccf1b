import type { Exchange, Party } from '../backend.ts';
import type { Text } from '../languages.ts';
import { escapeXml, estimatedWidth, wrapText } from './svg-text.ts';

/** Words and reading direction of a diagram. */
export interface DiagramLabels {
  readonly title: string;
  readonly description: string;
  readonly verified: string;
  readonly unverified: string;
  readonly refused: string;
  readonly noAnswer: string;
  readonly noRight: string;
  readonly right: (right: string) => string;
  readonly milliseconds: (value: number) => string;
  readonly onBehalf: (operator: string) => string;
  readonly text: (value: Text | string) => string;
  readonly direction: 'ltr' | 'rtl';
  readonly language: string;
}

const column = 200;
const margin = 24;
const headWidth = 176;
const lineHeight = 17;
const rowPadding = 14;

interface Lifeline {
  readonly party: Party;
  readonly x: number;
}

interface Row {
  readonly exchange: Exchange;
  readonly number: number;
  readonly from: number;
  readonly to: number;
  readonly above: readonly string[];
  readonly below: readonly {
    readonly text: string;
    readonly tone: '' | 'seq-good' | 'seq-bad' | 'seq-soft';
  }[];
  readonly height: number;
}

/** Applications in the order in which they first speak. */
function lifelinesOf(exchanges: readonly Exchange[], mirrored: boolean): Map<string, Lifeline> {
  const parties = new Map<string, Party>();
  for (const { client, provider } of exchanges) {
    if (!parties.has(client.id)) parties.set(client.id, client);
    if (!parties.has(provider.id)) parties.set(provider.id, provider);
  }
  const count = parties.size;
  return new Map(
    [...parties.values()].map((party, index) => {
      const place = mirrored ? count - 1 - index : index;
      return [party.id, { party, x: margin + column / 2 + place * column }];
    }),
  );
}

/** Not let through, or not allowed by the provider. A 404 may well be the answer that was asked for. */
export const isRefused = (exchange: Exchange): boolean =>
  exchange.right === undefined || exchange.status === 401 || exchange.status === 403;

const isFailed = (exchange: Exchange): boolean => exchange.status === undefined || exchange.status >= 500;

function rowOf(
  exchange: Exchange,
  number: number,
  lifelines: ReadonlyMap<string, Lifeline>,
  labels: DiagramLabels,
): Row {
  const from = (lifelines.get(exchange.client.id) as Lifeline).x;
  const to = (lifelines.get(exchange.provider.id) as Lifeline).x;
  const width = Math.max(column - 40, Math.abs(to - from) - 40);
  const refused = isRefused(exchange);
  const status =
    exchange.status === undefined
      ? labels.noAnswer
      : refused
        ? `${labels.refused} ${exchange.status}`
        : String(exchange.status);
  const timing = exchange.durationMs === undefined ? '' : ` · ${labels.milliseconds(exchange.durationMs)}`;
  const above = [
    ...wrapText(exchange.operation, width, 14, 2),
    ...(exchange.operator
      ? wrapText(labels.onBehalf(labels.text(exchange.operator.application)), width, 13, 2)
      : []),
  ];
  const below: Row['below'] = [
    ...wrapText(
      exchange.right === undefined ? labels.noRight : labels.right(exchange.right),
      width,
      12,
      3,
    ).map((text) => ({ text, tone: 'seq-soft' as const })),
    { text: `${status}${timing}`, tone: refused || isFailed(exchange) ? 'seq-bad' : '' },
    {
      text: exchange.verified ? `✓ ${labels.verified}` : `✗ ${labels.unverified}`,
      tone: exchange.verified ? 'seq-good' : 'seq-bad',
    },
  ];
  const height = (above.length + below.length) * lineHeight + 2 * rowPadding + 12;
  return { exchange, number, from, to, above, below, height };
}

const textLine = (x: number, y: number, content: string, className: string): string => {
  const width = estimatedWidth(content, className.includes('strong') ? 14.5 : 13);
  return (
    `<rect class="seq-halo" x="${(x - width / 2 - 3).toFixed(1)}" y="${(y - 13).toFixed(1)}" width="${(width + 6).toFixed(1)}" height="${lineHeight}"/>` +
    `<text class="${className.trim()}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="middle">${escapeXml(content)}</text>`
  );
};

/** The arrow of a call; a call to oneself is a loop beside the lifeline. */
function arrow(row: Row, y: number): string {
  const { from, to } = row;
  if (from === to) {
    return (
      `<path class="seq-arrow" d="M${from + 11} ${y - 6}h34v14h-34"/>` +
      `<path class="seq-tip" d="M${from + 3} ${y + 8}l9 -5v10z"/>`
    );
  }
  const sign = Math.sign(to - from);
  return (
    `<path class="seq-arrow" d="M${from + sign * 11} ${y}H${to - sign * 9}"/>` +
    `<path class="seq-tip" d="M${to - sign * 1} ${y}l${-sign * 11} -6v12z"/>`
  );
}

function drawRow(row: Row, top: number): string {
  const centre = row.from === row.to ? row.from : (row.from + row.to) / 2;
  const arrowY = top + rowPadding + row.above.length * lineHeight + 4;
  const above = row.above.map((line, index) =>
    textLine(
      centre,
      top + rowPadding + 11 + index * lineHeight,
      line,
      index === 0 ? 'seq-strong' : 'seq-soft',
    ),
  );
  const below = row.below.map(({ text, tone }, index) =>
    textLine(centre, arrowY + 20 + index * lineHeight, text, tone),
  );
  return (
    `<g class="seq-row${isRefused(row.exchange) ? ' seq-refused' : ''}">` +
    `${above.join('')}${arrow(row, arrowY)}${below.join('')}` +
    `<g class="seq-number"><circle cx="${row.from}" cy="${arrowY}" r="12"/>` +
    `<text x="${row.from}" y="${arrowY + 4.5}" text-anchor="middle">${row.number}</text></g></g>`
  );
}

function drawHead(lifeline: Lifeline, top: number, height: number, labels: DiagramLabels): string {
  const { x, party } = lifeline;
  const lines = [
    ...wrapText(labels.text(party.application), headWidth - 16, 14, 2).map((text) => ({
      text,
      tone: 'seq-strong',
    })),
    ...wrapText(labels.text(party.agency), headWidth - 16, 12, 2).map((text) => ({
      text,
      tone: 'seq-agency',
    })),
  ];
  const first = top + (height - lines.length * lineHeight) / 2 + 13;
  const text = lines.map(
    (line, index) =>
      `<text class="${line.tone}" x="${x}" y="${(first + index * lineHeight).toFixed(1)}" text-anchor="middle">${escapeXml(line.text)}</text>`,
  );
  return (
    `<g class="seq-head"><rect x="${x - headWidth / 2}" y="${top}" width="${headWidth}" height="${height}" rx="7"/>` +
    `${text.join('')}</g>`
  );
}

/**
 * A sequence diagram of mediated exchanges: one lifeline per application, one arrow per exchange, in order. An
 * image for assistive technology (title and description); the page beside it carries the same as a table.
 */
export function exchangesToSvg(exchanges: readonly Exchange[], labels: DiagramLabels): string {
  const lifelines = lifelinesOf(exchanges, labels.direction === 'rtl');
  const headHeight = 4 * lineHeight + 18;
  const width = lifelines.size * column + 2 * margin;
  const rows = exchanges.map((exchange, index) => rowOf(exchange, index + 1, lifelines, labels));
  const top = margin + headHeight + 6;
  let y = top;
  const tops = rows.map((row) => {
    const at = y;
    y += row.height;
    return at;
  });
  const foot = y + 6;
  const height = foot + headHeight + margin;
  const bands = rows.map(
    (row, index) =>
      `<rect class="seq-band" x="0" y="${tops[index]}" width="${width}" height="${row.height}"/>`,
  );
  const lines = [...lifelines.values()].map(
    ({ x }) => `<line class="seq-line" x1="${x}" y1="${margin + headHeight}" x2="${x}" y2="${foot}"/>`,
  );
  const heads = [...lifelines.values()].flatMap((one) => [
    drawHead(one, margin, headHeight, labels),
    drawHead(one, foot, headHeight, labels),
  ]);
  return (
    `<svg class="portal-sequence" xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="sequence-title sequence-description" ` +
    `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" lang="${labels.language}" direction="${labels.direction}">` +
    `<title id="sequence-title">${escapeXml(labels.title)}</title><desc id="sequence-description">${escapeXml(labels.description)}</desc>` +
    `<g>${bands.join('')}</g>${lines.join('')}<g>${rows.map((row, index) => drawRow(row, tops[index] as number)).join('')}</g>${heads.join('')}</svg>`
  );
}
