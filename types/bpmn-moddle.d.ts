/** The part of the moddle libraries that reading and writing BPMN and DMN documents needs. */
declare module 'bpmn-moddle' {
  export interface ModdleProperty {
    readonly name: string;
    readonly isReference?: boolean;
    readonly isVirtual?: boolean;
  }
  export interface ModdleElement {
    readonly $type: string;
    readonly $attrs: Record<string, string>;
    $parent?: ModdleElement;
    readonly $model: BpmnModdle;
    /** Absent on elements of namespaces that are not declared. */
    readonly $descriptor?: { readonly properties: readonly ModdleProperty[] };
    readonly id?: string;
    get(name: string): unknown;
    set(name: string, value: unknown): void;
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
    toXML(element: ModdleElement, options?: { readonly format?: boolean }): Promise<{ readonly xml: string }>;
    create(type: string, attributes?: Readonly<Record<string, unknown>>): ModdleElement;
  }
}

declare module 'bpmn-auto-layout' {
  export function layoutProcess(xml: string): Promise<string>;
}

declare module 'dmn-moddle' {
  import type { ParseResult } from 'bpmn-moddle';
  export class DmnModdle {
    constructor(packages?: Readonly<Record<string, object>>);
    fromXML(xml: string): Promise<ParseResult>;
  }
}
