import { type DrawnElement, type DrawnFlow, type Mark, processDiagram } from '../diagrams/process-diagram.ts';
import type { Voice } from '../rendering/voice.ts';
import type { SignedInVisit } from '../site/visit.ts';
import { revisionPath } from './shell.ts';
import { namer } from './words.ts';

/** What a page shows of a process with marks on it: drawn by the server, and what a script needs to draw it. */
export function drawingOf(
  voice: Voice,
  ref: string,
  elements: readonly DrawnElement[],
  flows: readonly DrawnFlow[],
  marks: ReadonlyMap<string, Mark>,
  taken: ReadonlySet<string> = new Set(),
) {
  const name = namer(voice, elements);
  return {
    href: `${revisionPath(ref)}/drawing`,
    sheets: processDiagram(elements, flows, marks, taken).map(({ of, svg }) => ({
      svg,
      title: of === undefined ? undefined : name(of),
    })),
    marks: JSON.stringify([
      ...[...marks].map(([id, mark]) => ({ id, ...mark })),
      ...[...taken].map((id) => ({ id, look: 'portal-mark--taken' })),
    ]),
  };
}

/** Shades of a measure, four of them up to its highest value; where there is none, none. */
export function heatOf(
  values: ReadonlyMap<string, number>,
  told: (value: number) => string,
): Map<string, Mark> {
  const highest = Math.max(0, ...values.values());
  return new Map(
    [...values]
      .filter(([, value]) => value > 0)
      .map(([id, value]) => [
        id,
        { look: `portal-mark--heat${Math.max(1, Math.ceil((value / highest) * 4))}`, badge: told(value) },
      ]),
  );
}

/** A document for the library that draws. It may hold anything, scripts too: opened as a page, it is nothing but text. */
export const sendDocument = ({ reply }: SignedInVisit, bpmn: string, kept: string) =>
  reply
    .header('content-type', 'text/plain; charset=utf-8')
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('x-content-type-options', 'nosniff')
    .header('cache-control', kept)
    .send(bpmn);
