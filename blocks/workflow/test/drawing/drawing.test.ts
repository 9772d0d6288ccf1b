import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bounds, Diagram } from '../../src/drawing/diagram.ts';
import { drawingOf } from '../../src/drawing/drawings.ts';
import { bpmn, chain, el, flow, timerOf } from '../execution/bpmn.ts';

const drawn = async (content: string): Promise<Diagram> => {
  const drawing = await drawingOf(bpmn(content), 'p');
  if (!drawing) throw new Error('no drawing');
  return drawing.diagram;
};
const boxOf = ({ shapes }: Diagram, id: string): Bounds => {
  const box = shapes.get(id);
  if (!box) throw new Error(`${id} is not drawn`);
  return box;
};
const isIn = (inner: Bounds, outer: Bounds): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;
const overlap = (a: Bounds, b: Bounds): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const touches = (box: Bounds, point: { x: number; y: number } | undefined): boolean =>
  point !== undefined && isIn({ ...point, width: 0, height: 0 }, box);

/** An event, `tasks` tasks in a row with what is inside the first, an event. */
const row = (name: string, tasks: number, first = ''): string => {
  const ids = Array.from({ length: tasks }, (_, index) => `${name}${index}`);
  return `<startEvent id="${name}s"/><endEvent id="${name}e"/>${ids
    .map((id, index) => (index === 0 && first !== '' ? el('subProcess', id, {}, first) : el('task', id)))
    .join('')}${chain(`${name}s`, ...ids, `${name}e`)}`;
};

describe('a process without a drawing', () => {
  it('[WF-4.3] is drawn with open sub-processes around what is in them, whatever their depth', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
        async (sizes) => {
          const names = sizes.map((_, index) => 'abcd'[index] as string);
          const content = sizes.reduceRight(
            (inner, tasks, index) => row(names[index] as string, tasks, inner),
            '',
          );
          const diagram = await drawn(content);
          for (const [depth, name] of names.entries()) {
            const ids = [
              `${name}s`,
              `${name}e`,
              ...Array.from({ length: sizes[depth] as number }, (_, i) => name + i),
            ];
            const boxes = ids.map((id) => boxOf(diagram, id));
            for (const [index, box] of boxes.entries()) {
              if (depth > 0) expect(isIn(box, boxOf(diagram, `${names[depth - 1]}0`))).toBe(true);
              expect(boxes.slice(index + 1).some((other) => overlap(box, other))).toBe(false);
            }
            const path = diagram.edges.get(`${name}s-${name}0`);
            expect(touches(boxOf(diagram, `${name}s`), path?.[0])).toBe(true);
            expect(touches(boxOf(diagram, `${name}0`), path?.at(-1))).toBe(true);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  it('[WF-4.3] keeps events on the boundary of what has grown, and flows upright', async () => {
    const diagram = await drawn(
      `<startEvent id="s"/><subProcess id="sub">${row('i', 3)}</subProcess><endEvent id="e"/>
       <boundaryEvent id="late" attachedToRef="sub">${timerOf('PT1H')}</boundaryEvent><endEvent id="l"/>
       ${chain('s', 'sub', 'e')}${flow('late', 'l')}`,
    );
    const [sub, late] = [boxOf(diagram, 'sub'), boxOf(diagram, 'late')];
    expect(late.y + late.height / 2).toBe(sub.y + sub.height);
    for (const path of diagram.edges.values())
      for (const [index, point] of path.slice(1).entries()) {
        const before = path[index] as typeof point;
        expect(Math.min(Math.abs(point.x - before.x), Math.abs(point.y - before.y))).toBeLessThan(0.01);
      }
  });

  it('keeps the drawing it has; one that cannot be placed has none', async () => {
    const plain = bpmn(row('a', 1));
    const made = await drawingOf(plain, 'p');
    expect(await drawingOf(made?.bpmn ?? '', 'p')).toMatchObject({ made: false, bpmn: made?.bpmn });
    expect(await drawingOf(bpmn(row('a', 600)), 'p')).toBeUndefined();
  });

  it('the processes of our own services are drawn', async () => {
    for (const [file, key] of [
      ['application', 'cash-transfer-application'],
      ['payment-run', 'cash-transfer-payment-run'],
    ]) {
      const xml = readFileSync(
        new URL(`../../../../services/cash-transfer/${file}.bpmn`, import.meta.url),
        'utf8',
      );
      const drawing = await drawingOf(xml, key as string);
      expect(drawing?.diagram.shapes.size).toBeGreaterThan(20);
    }
  });
});
