import { escapeXml, wrapText } from './svg-text.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}
export interface DrawnElement {
  readonly id: string;
  readonly kind: string;
  readonly name?: string;
  readonly bounds?: Point & { readonly width: number; readonly height: number };
  /** Collapsed sub-process on whose own sheet it is drawn. */
  readonly sheet?: string;
}
export interface DrawnFlow {
  readonly id: string;
  readonly source: string;
  readonly name?: string;
  readonly waypoints?: readonly Point[];
}

/** What is to be told of an element: a class of colours, and a few signs at its corner. */
export interface Mark {
  readonly look: string;
  readonly badge?: string;
}

export interface ProcessSheet {
  /** Sub-process whose sheet it is; of the first there is none. */
  readonly of: string | undefined;
  readonly svg: string;
}

const margin = 24;
const isScope = (kind: string): boolean => /subprocess/i.test(kind);
const isEvent = (kind: string): boolean => /Event$/.test(kind);
const isGateway = (kind: string): boolean => /Gateway$/.test(kind);
const signs: Readonly<Record<string, string>> = {
  exclusiveGateway: '×',
  parallelGateway: '+',
  inclusiveGateway: '○',
  eventBasedGateway: '◇',
  complexGateway: '∗',
};

const words = (text: string, x: number, y: number, width: number, most: number): string =>
  wrapText(text, width, 12, most)
    .map(
      (line, index) => `<text x="${x}" y="${y + index * 15}" text-anchor="middle">${escapeXml(line)}</text>`,
    )
    .join('');

function shape(element: DrawnElement): string {
  const { x, y, width, height } = element.bounds as NonNullable<DrawnElement['bounds']>;
  const [cx, cy] = [x + width / 2, y + height / 2];
  const name = element.name ?? '';
  if (isEvent(element.kind)) {
    const thick = element.kind === 'endEvent' ? ' class="portal-node__end"' : '';
    const inner = /boundary|intermediate/i.test(element.kind)
      ? `<circle cx="${cx}" cy="${cy}" r="${width / 2 - 4}" fill="none"/>`
      : '';
    return `<circle${thick} cx="${cx}" cy="${cy}" r="${width / 2}"/>${inner}${words(name, cx, y + height + 15, 110, 3)}`;
  }
  if (isGateway(element.kind))
    return (
      `<path d="M${cx} ${y}L${x + width} ${cy}L${cx} ${y + height}L${x} ${cy}Z"/>` +
      `<text class="portal-node__sign" x="${cx}" y="${cy + 8}" text-anchor="middle">${signs[element.kind] ?? ''}</text>` +
      words(name, cx, y + height + 15, 130, 2)
    );
  const box = `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="9"/>`;
  if (isScope(element.kind) && height > 100) return `${box}${words(name, cx, y + 20, width - 20, 1)}`;
  const lines = Math.min(4, wrapText(name, width - 10, 12, 4).length);
  return `${box}${words(name, cx, cy + 5 - ((lines - 1) * 15) / 2, width - 10, 4)}`;
}

function badge({ bounds }: DrawnElement, text: string | undefined): string {
  if (!bounds || text === undefined) return '';
  const width = 14 + text.length * 7;
  const x = bounds.x + bounds.width - width / 2;
  return `<g class="portal-badge"><rect x="${x}" y="${bounds.y - 11}" width="${width}" height="20" rx="10"/><text x="${x + width / 2}" y="${bounds.y + 4}" text-anchor="middle">${escapeXml(text)}</text></g>`;
}

/**
 * A process as SVG, one drawing for each sheet, with marks on elements and the flows that were taken. Hidden from
 * assistive technology: the same stands in the table beside it. None when the process has no drawing.
 */
export function processDiagram(
  elements: readonly DrawnElement[],
  flows: readonly DrawnFlow[],
  marks: ReadonlyMap<string, Mark>,
  taken: ReadonlySet<string>,
): ProcessSheet[] {
  const drawn = elements.filter(({ bounds }) => bounds !== undefined);
  const sheetOf = new Map(drawn.map(({ id, sheet }) => [id, sheet]));
  return [...Map.groupBy(drawn, ({ sheet }) => sheet)].map(([of, list]) => {
    const paths = flows.filter((flow) => flow.waypoints !== undefined && sheetOf.get(flow.source) === of);
    const boxes = list.map(({ bounds }) => bounds as NonNullable<DrawnElement['bounds']>);
    const points = [
      ...boxes.flatMap(({ x, y, width, height }) => [
        { x, y },
        { x: x + width, y: y + height + 45 },
      ]),
      ...paths.flatMap(({ waypoints }) => waypoints ?? []),
    ];
    const [left, top] = [
      Math.min(...points.map(({ x }) => x)) - margin,
      Math.min(...points.map(({ y }) => y)) - margin,
    ];
    const width = Math.ceil(Math.max(...points.map(({ x }) => x)) + margin - left);
    const height = Math.ceil(Math.max(...points.map(({ y }) => y)) + margin - top);
    const node = (element: DrawnElement): string =>
      `<g class="portal-node ${marks.get(element.id)?.look ?? ''}">${shape(element)}</g>`;
    const line = (flow: DrawnFlow): string => {
      const path = (flow.waypoints ?? [])
        .map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x} ${y}`)
        .join('');
      const [first, second] = flow.waypoints ?? [];
      const told =
        flow.name === undefined || !first || !second
          ? ''
          : words(flow.name, (first.x + second.x) / 2, (first.y + second.y) / 2 - 6, 110, 2);
      const passed = taken.has(flow.id);
      return `<path class="portal-flow${passed ? ' portal-flow--taken' : ''}" d="${path}" marker-end="url(#${passed ? 'tip-taken' : 'tip'})"/>${told}`;
    };
    const scopes = list
      .filter(({ kind }) => isScope(kind))
      .sort((a, b) => (b.bounds?.width ?? 0) - (a.bounds?.width ?? 0));
    // Events on a boundary lie upon their activity.
    const others = list
      .filter(({ kind }) => !isScope(kind))
      .sort((a, b) => Number(a.kind === 'boundaryEvent') - Number(b.kind === 'boundaryEvent'));
    const tip = (id: string, look: string): string =>
      `<marker id="${id}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path class="${look}" d="M0 0L10 5L0 10Z"/></marker>`;
    const svg =
      `<svg class="portal-drawn" aria-hidden="true" focusable="false" direction="ltr" width="${width}" height="${height}" viewBox="${left} ${top} ${width} ${height}">` +
      `<defs>${tip('tip', 'portal-tip')}${tip('tip-taken', 'portal-tip portal-tip--taken')}</defs>` +
      scopes.map(node).join('') +
      paths.map(line).join('') +
      others.map(node).join('') +
      list.map((one) => badge(one, marks.get(one.id)?.badge)).join('') +
      '</svg>';
    return { of, svg };
  });
}
