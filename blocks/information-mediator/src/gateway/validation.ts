import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { Descriptions, OpenApi } from '../descriptions/descriptions.ts';
import type { DirectoryService } from '../directory/snapshot.ts';
import { type HeaderList, headerValue } from '../exchange/headers.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content?: Record<string, { schema?: object }>;
  };
  readonly responses?: Record<string, { readonly content?: Record<string, { schema?: object }> }>;
}

interface Described {
  readonly pattern: RegExp;
  /** JSON Pointer of the path item, and its operations. */
  readonly pointer: string;
  readonly item: Readonly<Record<string, Operation>>;
}

/** One description made ready to check messages by. */
interface Contract {
  /** As they stand in the description: other ones mean another description. */
  readonly described: unknown;
  readonly paths: readonly Described[];
  readonly validatorOf: (pointer: string) => ValidateFunction | undefined;
}

const pointerPart = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1');
/** A name for the description being looked at; nothing is fetched. */
const base = 'https://description.invalid/';
const withFormats = formats as unknown as (ajv: Ajv | Ajv2020) => void;
const isJson = (type: string | undefined): boolean =>
  /^application\/([a-z0-9.+-]+\+)?json\b/i.test(type ?? '');

function contractOf(document: OpenApi): Contract {
  const options = { strict: false, validateSchema: false, logger: false } as const;
  const ajv = /^3\.0\./.test(String(document.openapi)) ? new Ajv(options) : new Ajv2020(options);
  withFormats(ajv);
  ajv.addSchema({ ...document, $id: base });
  const validators = new Map<string, ValidateFunction | undefined>();
  const paths = Object.entries((document.paths ?? {}) as Record<string, Described['item']>).map(
    ([path, item]) => ({
      pattern: new RegExp(
        `^${path
          .split(/\{[^}]*\}/)
          .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
          .join('[^/]+')}$`,
      ),
      pointer: `/paths/${pointerPart(path)}`,
      item,
    }),
  );
  return {
    described: document.paths,
    // Paths without parameters come before those with.
    paths: paths.sort(
      (a, b) => Number(a.pattern.source.includes('[^/]+')) - Number(b.pattern.source.includes('[^/]+')),
    ),
    validatorOf(pointer) {
      if (validators.has(pointer)) return validators.get(pointer);
      let validator: ValidateFunction | undefined;
      try {
        validator = ajv.compile({
          $ref: `${base}#${pointer.split('/').map(encodeURIComponent).join('/')}`,
        });
      } catch {
        // A description that is itself in error blocks nobody.
      }
      validators.set(pointer, validator);
      return validator;
    },
  };
}

/** What is wrong with a message: where, never what stands there; undefined: nothing. */
export type Defect = string | undefined;

export interface Validation {
  request(
    service: DirectoryService,
    message: {
      readonly method: string;
      readonly path: string;
      readonly headers: HeaderList;
      readonly body: Buffer | undefined;
    },
  ): Promise<Defect>;
  response(
    service: DirectoryService,
    asked: { readonly method: string; readonly path: string },
    message: { readonly status: number; readonly headers: HeaderList; readonly body: Buffer | undefined },
  ): Promise<Defect>;
}

const remembered = 500;

/** Checks messages against the OpenAPI documents of their services. */
export function openValidation(descriptions: Descriptions): Validation {
  const contracts = new Map<string, Contract>();

  async function contract(service: DirectoryService): Promise<Contract | undefined> {
    const document = await descriptions.of(service);
    if (!document) return undefined;
    const known = contracts.get(service.id);
    if (known && known.described === document.paths) return known;
    const made = contractOf(document);
    contracts.set(service.id, made);
    if (contracts.size > remembered) contracts.delete(contracts.keys().next().value as string);
    return made;
  }

  function find(found: Contract, method: string, path: string) {
    const [raw = ''] = path.split('?', 1);
    const described = found.paths.find(({ pattern }) => pattern.test(raw));
    const operation = described?.item[method.toLowerCase()];
    return described && operation
      ? { pointer: `${described.pointer}/${method.toLowerCase()}`, operation }
      : undefined;
  }

  function bodyDefect(
    found: Contract,
    pointer: string,
    content: Record<string, { schema?: object }> | undefined,
    headers: HeaderList,
    body: Buffer | undefined,
  ): Defect {
    const type = Object.keys(content ?? {}).find(isJson);
    if (type === undefined || content?.[type]?.schema === undefined || body === undefined) return undefined;
    if (!isJson(headerValue(headers, 'content-type'))) return 'the body is not JSON';
    let value: unknown;
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch {
      return 'the body is not well-formed JSON';
    }
    const validate = found.validatorOf(`${pointer}/content/${pointerPart(type)}/schema`);
    if (!validate || validate(value)) return undefined;
    return (validate.errors ?? [])
      .slice(0, 5)
      .map(({ instancePath, message = 'is not valid' }) => `${instancePath || '/'} ${message}`)
      .join('; ');
  }

  return {
    async request(service, { method, path, headers, body }) {
      const found = await contract(service);
      if (!found) return undefined;
      const described = find(found, method, path);
      if (!described) return 'this is not an operation of the service';
      const { operation, pointer } = described;
      const query = new URLSearchParams(path.split('?')[1] ?? '');
      const missing = (operation.parameters ?? []).find(
        (one) =>
          one.required === true &&
          ((one.in === 'query' && !query.has(one.name)) ||
            (one.in === 'header' && headerValue(headers, one.name.toLowerCase()) === undefined)),
      );
      if (missing) return `the ${missing.in} parameter ${missing.name} is missing`;
      if (operation.requestBody?.required && body?.length === 0) return 'the body is missing';
      if (body?.length === 0) return undefined;
      return bodyDefect(found, `${pointer}/requestBody`, operation.requestBody?.content, headers, body);
    },
    async response(service, asked, { status, headers, body }) {
      const found = await contract(service);
      const described = found && find(found, asked.method, asked.path);
      if (!found || !described) return undefined;
      const responses = described.operation.responses ?? {};
      const name = [String(status), `${Math.floor(status / 100)}XX`, 'default'].find((one) =>
        Object.hasOwn(responses, one),
      );
      if (name === undefined) return `the status ${status} is not one of the operation`;
      if (body?.length === 0) return undefined;
      return bodyDefect(
        found,
        `${described.pointer}/responses/${name}`,
        responses[name]?.content,
        headers,
        body,
      );
    },
  };
}
