import { BpmnModdle, type ModdleElement } from 'bpmn-moddle';
import { govstackExtension } from './govstack-extension.ts';
import type { Issues } from './issues.ts';

export interface BpmnDocument {
  readonly definitions: ModdleElement;
  /** The process to run: the only one, or the only executable one of a collaboration. */
  readonly process: ModdleElement;
}

const diagramOnly = (element: ModdleElement | undefined): boolean =>
  element !== undefined && /^(bpmndi|dc|di):/.test(element.$type);

/** Id at or closest before the place in the text that a parser message names. */
function elementAt(xml: string, message: string): string {
  const line = Number(/line: (\d+)/.exec(message)?.[1]);
  const column = Number(/column: (\d+)/.exec(message)?.[1]);
  if (Number.isNaN(line) || Number.isNaN(column)) return 'definitions';
  const lines = xml.split('\n');
  const own = /^[^>]*\sid="([^"]+)"/.exec(lines[line]?.slice(column) ?? '')?.[1];
  const before = [...lines.slice(0, line), lines[line]?.slice(0, column) ?? ''].join('\n');
  return own ?? [...before.matchAll(/\sid="([^"]+)"/g)].at(-1)?.[1] ?? 'definitions';
}

/** Reads BPMN 2.0 XML. Whatever the reader did not understand becomes an issue: nothing is ignored silently. */
export async function parseBpmn(xml: string, issues: Issues): Promise<BpmnDocument | undefined> {
  let definitions: ModdleElement;
  try {
    const parsed = await new BpmnModdle({ govstack: govstackExtension }).fromXML(xml);
    definitions = parsed.rootElement;
    for (const warning of parsed.warnings) {
      if (diagramOnly(warning.element) || /unresolved reference .*bpmndi/.test(warning.message)) continue;
      // The text has been decoded by whoever brought it.
      if (/unsupported document encoding/.test(warning.message)) continue;
      // What type data has is told to readers; a type of another language is no element of the document.
      if (/^bpmn:(structureRef|itemSubjectRef|itemRef)$/.test(warning.property ?? '')) continue;
      const lines = warning.message.split('\n');
      const nested = /nested error: (.*)/.exec(warning.message)?.[1];
      const text = [lines[0], nested].filter((part) => part !== undefined).join(': ');
      if (warning.element) issues.add(warning.element, text);
      else issues.add(elementAt(xml, warning.message), text);
    }
  } catch (error) {
    issues.add('definitions', `the BPMN document cannot be read: ${(error as Error).message.split('\n')[0]}`);
    return undefined;
  }
  const processes = (definitions.get('rootElements') as readonly ModdleElement[]).filter(
    (one) => one.$type === 'bpmn:Process',
  );
  const executable = processes.filter((one) => one.get('isExecutable') === true);
  const process = executable.length === 1 ? executable[0] : processes[0];
  if (!process) {
    issues.add('definitions', 'the document has no process');
    return undefined;
  }
  if (executable.length > 1 || (executable.length === 0 && processes.length > 1)) {
    issues.add('definitions', 'a deployment has one executable process');
    return undefined;
  }
  return { definitions, process };
}
