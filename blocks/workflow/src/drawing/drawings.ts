import { BpmnModdle } from 'bpmn-moddle';
import type { Kysely } from 'kysely';
import { remember } from '../definitions/remember.ts';
import type { WorkflowTables } from '../tables.ts';
import type { Diagram } from './diagram.ts';
import { layOut } from './lay-out.ts';
import { readDiagram } from './read-diagram.ts';

/** How a process looks. */
export interface Drawing {
  /** BPMN 2.0 XML with the places of its elements. */
  readonly bpmn: string;
  readonly diagram: Diagram;
  /** Whether the drawing was made here, because the document has none. */
  readonly made: boolean;
}

/** Drawing of a definition; undefined when it has none and none can be made. */
export type Drawings = (definitionId: string, db: Kysely<WorkflowTables>) => Promise<Drawing | undefined>;

const diagramOf = async (xml: string): Promise<Diagram> =>
  readDiagram((await new BpmnModdle().fromXML(xml)).rootElement);

/** The document's own drawing of a process, else one that is laid out. */
export async function drawingOf(bpmn: string, key: string): Promise<Drawing | undefined> {
  const own = await diagramOf(bpmn);
  if (own.shapes.size > 0) return { bpmn, diagram: own, made: false };
  // What the library cannot place is shown as a table.
  const made = await layOut(bpmn, key).catch(() => undefined);
  return made === undefined ? undefined : { bpmn: made, diagram: await diagramOf(made), made: true };
}

/** Drawings, kept in memory; a definition never changes, so neither does its drawing. */
export const createDrawings = (capacity = 100): Drawings =>
  remember(capacity, async (definitionId: string, db: Kysely<WorkflowTables>) => {
    const { key, process_body: body } = await db
      .selectFrom('definition')
      .select(['key', 'process_body'])
      .where('id', '=', definitionId)
      .executeTakeFirstOrThrow();
    const bpmn = (body as { code: string; value: string }[]).find(({ code }) => code === 'bpmn20xml');
    return drawingOf(bpmn?.value ?? '', key);
  });
