import type { Mediation } from '@govstack/platform';

/** Where an operation is found: what its OpenAPI document says of it. */
export interface OperationPlace {
  readonly method: string;
  /** Path template with `{parameter}` segments. */
  readonly path: string;
}

/** No call can be made now, worded for an operator. `temporary`: it may work later. */
export class NotCallable extends Error {
  readonly temporary: boolean;
  constructor(message: string, temporary: boolean) {
    super(message);
    this.name = 'NotCallable';
    this.temporary = temporary;
  }
}

/** Why there was no answer, as far as the network says: a code, never words of the other side. */
export function noAnswer(error: unknown): string {
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name === 'TimeoutError') return 'no answer in time';
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? `no answer (${code})` : 'no answer';
}

interface Description {
  readonly operations: ReadonlyMap<string, OperationPlace>;
  readonly readAt: number;
}

const methods = new Set(['get', 'put', 'post', 'delete', 'patch', 'head', 'options']);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function operationsOf(document: unknown): ReadonlyMap<string, OperationPlace> {
  const operations = new Map<string, OperationPlace>();
  const paths = isObject(document) && isObject(document.paths) ? document.paths : {};
  for (const [path, item] of Object.entries(paths)) {
    if (!isObject(item)) continue;
    for (const [method, operation] of Object.entries(item)) {
      if (!methods.has(method) || !isObject(operation) || typeof operation.operationId !== 'string') continue;
      operations.set(operation.operationId, { method: method.toUpperCase(), path });
    }
  }
  return operations;
}

export interface Descriptions {
  /** Throws `NotCallable`. */
  place(service: string, operation: string): Promise<OperationPlace>;
}

/**
 * Finds operations by their id in the OpenAPI documents of their services, read through the information mediator and
 * kept for a while; an operation that is not found makes it look again, since the service may be newer.
 */
export function createDescriptions(
  mediation: Mediation,
  now: () => number,
  keepMs = 300_000,
  lookAgainMs = 5_000,
): Descriptions {
  const known = new Map<string, Promise<Description>>();
  const read = async (service: string): Promise<Description> => {
    const parts = service.split('/');
    const code = encodeURIComponent(parts[4] ?? '');
    const response = await mediation
      .request({
        service: `${parts.slice(0, 4).join('/')}/getOpenAPI`,
        method: 'GET',
        path: `/?serviceCode=${code}`,
        headers: {},
        timeout: 20_000,
      })
      .catch((error: Error) => {
        throw new NotCallable(`the description of ${service} cannot be read: ${error.message}`, true);
      });
    if (response.status !== 200) {
      throw new NotCallable(`${service} has no description (status ${response.status})`, true);
    }
    try {
      return { operations: operationsOf(JSON.parse(response.body.toString('utf8'))), readAt: now() };
    } catch {
      throw new NotCallable(`the description of ${service} is not an OpenAPI document in JSON`, false);
    }
  };
  const describe = (service: string): Promise<Description> => {
    const reading = known.get(service) ?? read(service);
    known.set(service, reading);
    reading.catch(() => known.delete(service));
    return reading;
  };
  return {
    async place(service, operation) {
      let description = await describe(service);
      const age = now() - description.readAt;
      if (age > keepMs || (!description.operations.has(operation) && age > lookAgainMs)) {
        known.delete(service);
        description = await describe(service);
      }
      const place = description.operations.get(operation);
      if (!place) throw new NotCallable(`${service} has no operation ${operation}`, false);
      return place;
    },
  };
}
