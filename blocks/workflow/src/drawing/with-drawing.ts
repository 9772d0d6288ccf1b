import { BpmnModdle, type ModdleElement } from 'bpmn-moddle';
import { govstackExtension } from '../model/govstack-extension.ts';
import { children } from '../model/reader.ts';
import { drawingOf } from './drawings.ts';

const parse = async (moddle: BpmnModdle, xml: string) => (await moddle.fromXML(xml)).rootElement;

const processIn = (definitions: ModdleElement): ModdleElement | undefined => {
  const processes = children(definitions, 'rootElements').filter(({ $type }) => $type === 'bpmn:Process');
  return processes.find((one) => one.get('isExecutable') === true) ?? processes[0];
};

/**
 * A document with a drawing to go on from: its own, or one that is made of its process. Everything else in it stays.
 * Undefined when none can be made.
 */
export async function withDrawing(bpmn: string): Promise<string | undefined> {
  const moddle = new BpmnModdle({ govstack: govstackExtension });
  const { rootElement: definitions, elementsById } = await moddle.fromXML(bpmn);
  const process = processIn(definitions);
  const drawing = process?.id === undefined ? undefined : await drawingOf(bpmn, process.id);
  if (!drawing?.made) return drawing?.bpmn;
  const diagrams = children(await parse(moddle, drawing.bpmn), 'diagrams');
  for (const diagram of diagrams) {
    const plane = diagram.get('plane') as ModdleElement;
    for (const drawn of [plane, ...children(plane, 'planeElement')]) {
      const { id } = drawn.get('bpmnElement') as ModdleElement;
      drawn.set('bpmnElement', elementsById[id as string]);
    }
  }
  definitions.set('diagrams', [...diagrams]);
  return (await moddle.toXML(definitions, { format: true })).xml;
}
