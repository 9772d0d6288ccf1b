/** The part of the moddle libraries that reading BPMN and DMN documents needs. */
declare module 'bpmn-moddle' {
  export interface ModdleElement {
    readonly $type: string;
    readonly $attrs: Readonly<Record<string, string>>;
    readonly $parent?: ModdleElement;
    readonly id?: string;
    get(name: string): unknown;
    $instanceOf(type: string): boolean;
  }
  export interface ModdleWarning extends Error {
    readonly element?: ModdleElement;
    readonly property?: string;
    readonly value?: string;
  }
  export interface ParseResult {
    readonly rootElement: ModdleElement;
    readonly warnings: readonly ModdleWarning[];
    readonly elementsById: Readonly<Record<string, ModdleElement>>;
  }
  export class BpmnModdle {
    constructor(packages?: Readonly<Record<string, object>>);
    fromXML(xml: string): Promise<ParseResult>;
  }
}

declare module 'dmn-moddle' {
  import type { ParseResult } from 'bpmn-moddle';
  export class DmnModdle {
    constructor(packages?: Readonly<Record<string, object>>);
    fromXML(xml: string): Promise<ParseResult>;
  }
}
