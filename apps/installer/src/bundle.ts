import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `service.json`: what the other files of a service folder are for. */
export interface ServiceDeclaration {
  readonly code: string;
  readonly name: Readonly<Record<string, string>>;
  readonly description: Readonly<Record<string, string>>;
  readonly sheet: Readonly<Record<string, unknown>>;
  /** Application of the service without the instance: CLASS/MEMBER/APPLICATION. */
  readonly owner: string;
  readonly onePerApplicant?: boolean;
  /** What applicants may ask about their file after it was sent, by kind: an appeal, a complaint. */
  readonly requests?: Readonly<Record<string, unknown>>;
  readonly timeZone?: string;
  readonly processes: readonly {
    readonly key: string;
    readonly bpmn: string;
    readonly dmn: readonly string[];
  }[];
  /** Process that handles an application. */
  readonly startProcess: string;
  readonly registries: { readonly owner: string; readonly file: string };
  /** What the service reads in registries of other agencies, for those agencies to grant. */
  readonly reads: readonly {
    readonly owner: string;
    readonly registry: string;
    readonly methods: readonly ('read' | 'exists' | 'list')[];
    readonly fields: readonly string[];
  }[];
}

export interface ServiceBundle {
  readonly declaration: ServiceDeclaration;
  readonly eForm: unknown;
  readonly consent: {
    readonly policy: Record<string, unknown>;
    readonly dataAgreement: Record<string, unknown>;
  };
  readonly messages: Readonly<Record<string, Record<string, unknown>>>;
  readonly registries: readonly {
    readonly code: string;
    readonly name: string;
    readonly group: string;
    readonly schema: unknown;
  }[];
  /** How the registries are offered in other formats, by the name of the mapping. */
  readonly mappings: Readonly<Record<string, unknown>>;
  readonly texts: ReadonlyMap<string, string>;
}

const readJson = (folder: string, file: string): unknown =>
  JSON.parse(readFileSync(join(folder, file), 'utf8'));

/** Reads a folder of `services/`. */
export function readBundle(folder: string): ServiceBundle {
  const declaration = readJson(folder, 'service.json') as ServiceDeclaration;
  const { registries, mappings = {} } = readJson(folder, declaration.registries.file) as {
    registries: ServiceBundle['registries'];
    mappings?: ServiceBundle['mappings'];
  };
  const files = declaration.processes.flatMap((process) => [process.bpmn, ...process.dmn]);
  return {
    declaration,
    eForm: readJson(folder, 'eform.json'),
    consent: readJson(folder, 'consent.json') as ServiceBundle['consent'],
    messages: readJson(folder, 'messages.json') as ServiceBundle['messages'],
    registries,
    mappings,
    texts: new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')])),
  };
}
