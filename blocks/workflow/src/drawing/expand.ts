import type { ModdleElement } from 'bpmn-moddle';
import { child, children } from '../model/reader.ts';
import type { Bounds, Point } from './diagram.ts';

/** Shapes and edges of elements, by their ids, while a drawing is made. */
export interface Sketch {
  readonly shapes: Map<string, Bounds>;
  readonly edges: Map<string, readonly Point[]>;
}

const margin = 30;
/** Space for the name of a sub-process, above what is in it. */
const heading = 24;

export const isSubProcess = (element: ModdleElement): boolean =>
  ['bpmn:SubProcess', 'bpmn:Transaction', 'bpmn:AdHocSubProcess'].includes(element.$type);

const idsIn = (scope: ModdleElement): string[] =>
  children(scope, 'flowElements').flatMap((one) => [one.id as string, ...idsIn(one)]);

const centre = (box: Bounds): Point => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });

function frameOf(sketch: Sketch, ids: readonly string[]): Bounds {
  const shapes = ids.flatMap((id) => sketch.shapes.get(id) ?? []);
  const points = ids.flatMap((id) => sketch.edges.get(id) ?? []);
  const xs = [...shapes.flatMap(({ x, width }) => [x, x + width]), ...points.map(({ x }) => x)];
  const ys = [...shapes.flatMap(({ y, height }) => [y, y + height]), ...points.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}

function shift(sketch: Sketch, ids: readonly string[], by: Point): void {
  const moved = <P extends Point>(point: P): P => ({ ...point, x: point.x + by.x, y: point.y + by.y });
  for (const id of ids) {
    const [shape, edge] = [sketch.shapes.get(id), sketch.edges.get(id)];
    if (shape) sketch.shapes.set(id, moved(shape));
    if (edge) sketch.edges.set(id, edge.map(moved));
  }
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly extra: number;
}

/** Makes columns (or rows) wider where something in them has grown: what is beyond moves, what is within is centred. */
const stretched = (stretches: readonly Stretch[], at: number): number =>
  stretches.reduce((sum, { from, to, extra }) => sum + (at >= to ? extra : at > from ? extra / 2 : 0), at);

/** One stretch for each column or row, as wide as the widest in it needs. */
const stretchesOf = (grown: readonly Stretch[]): Stretch[] =>
  [...Map.groupBy(grown, ({ from }) => from).values()].map((list) =>
    list.reduce((widest, one) => (one.extra > widest.extra ? one : widest)),
  );

/** The same place of a shape that has been moved or has grown. */
const onShape = (point: Point, before: Bounds, after: Bounds): Point => ({
  x: after.x + ((point.x - before.x) / before.width) * after.width,
  y: after.y + ((point.y - before.y) / before.height) * after.height,
});

/** Keeps the first leg of an edge horizontal or vertical, as it was. */
function straightened(path: readonly Point[], before: readonly Point[]): readonly Point[] {
  const [first, second, ...rest] = path;
  if (!first || !second || rest.length === 0) return path;
  const upright = before[0]?.x === before[1]?.x;
  return [first, upright ? { ...second, x: first.x } : { ...second, y: first.y }, ...rest];
}

/**
 * Opens sub-processes that were laid out closed, each with its content elsewhere: they grow around what is in them, and
 * what stands beside and below makes room.
 */
export function expand(scope: ModdleElement, sketch: Sketch): void {
  const elements = children(scope, 'flowElements');
  const open = elements.filter((one) => isSubProcess(one) && children(one, 'flowElements').length > 0);
  for (const one of open) expand(one, sketch);
  const grown = new Map<
    string,
    { readonly content: Bounds; readonly width: number; readonly height: number }
  >();
  for (const one of open) {
    const content = frameOf(sketch, idsIn(one));
    const [width, height] = [content.width + 2 * margin, content.height + 2 * margin + heading];
    grown.set(one.id as string, { content, width: Math.max(width, 100), height: Math.max(height, 80) });
  }
  const boxes = new Map(sketch.shapes);
  const sizes = [...grown].map(([id, size]) => ({ box: boxes.get(id) as Bounds, size }));
  const columns = stretchesOf(
    sizes.map(({ box, size }) => ({ from: box.x, to: box.x + box.width, extra: size.width - box.width })),
  );
  const rows = stretchesOf(
    sizes.map(({ box, size }) => ({ from: box.y, to: box.y + box.height, extra: size.height - box.height })),
  );
  const moved = (point: Point): Point => ({ x: stretched(columns, point.x), y: stretched(rows, point.y) });
  const hostOf = (element: ModdleElement): string | undefined =>
    (element.get('attachedToRef') as ModdleElement | undefined)?.id;
  const nodes = elements.filter(({ id }) => boxes.has(id as string));
  // Events on a boundary go where their activity goes.
  for (const node of nodes.sort(
    (a, b) => Number(hostOf(a) !== undefined) - Number(hostOf(b) !== undefined),
  )) {
    const [id, before, host] = [node.id as string, boxes.get(node.id as string) as Bounds, hostOf(node)];
    const { width, height } = grown.get(id) ?? before;
    const at =
      host === undefined
        ? moved(centre(before))
        : onShape(centre(before), boxes.get(host) as Bounds, sketch.shapes.get(host) as Bounds);
    sketch.shapes.set(id, { x: at.x - width / 2, y: at.y - height / 2, width, height });
  }
  for (const flow of elements) {
    const id = flow.id as string;
    const before = sketch.edges.get(id);
    if (!before) continue;
    const docked = (name: string, point: Point): Point => {
      const end = child(flow, name)?.id as string;
      return onShape(point, boxes.get(end) as Bounds, sketch.shapes.get(end) as Bounds);
    };
    const path = [
      docked('sourceRef', before[0] as Point),
      ...before.slice(1, -1).map(moved),
      docked('targetRef', before.at(-1) as Point),
    ];
    const there = straightened(path, before);
    const back = straightened([...there].reverse(), [...before].reverse());
    sketch.edges.set(id, [...back].reverse());
  }
  for (const one of open) {
    const { content } = grown.get(one.id as string) as { content: Bounds };
    const box = sketch.shapes.get(one.id as string) as Bounds;
    const by = {
      x: box.x + (box.width - content.width) / 2 - content.x,
      y: box.y + margin + heading - content.y,
    };
    shift(sketch, idsIn(one), by);
  }
}
