import { layoutProcess } from 'bpmn-auto-layout';
import { BpmnModdle } from 'bpmn-moddle';
import { readDiagram } from './read-diagram.ts';

/** A document with a drawing: its own, or one that is made. As it is when none can be made. */
export async function withDrawing(bpmn: string): Promise<string> {
  try {
    const { rootElement } = await new BpmnModdle().fromXML(bpmn);
    return readDiagram(rootElement).shapes.size > 0 ? bpmn : await layoutProcess(bpmn);
  } catch {
    return bpmn;
  }
}
