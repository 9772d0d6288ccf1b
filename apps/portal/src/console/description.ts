import { isObject, type Json, listOf, resolve, textOf } from './json-schema.ts';
import { sampleOf } from './sample.ts';

/** A described operation, ready to be shown. */
export interface DescribedOperation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly deprecated: boolean;
  readonly parameters: readonly {
    readonly name: string;
    readonly where: string;
    readonly required: boolean;
    readonly type: string;
    readonly description: string;
  }[];
  readonly body: readonly Property[];
  /** Media type of the body; undefined when the operation takes none. */
  readonly mediaType: string | undefined;
  /** A body to start from, as text. */
  readonly sample: string;
  readonly answers: readonly {
    readonly status: string;
    readonly description: string;
    readonly properties: readonly Property[];
  }[];
}

/** One line of a schema: properties inside others are named by their way from the top, `items[]` for lists. */
export interface Property {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
const deepest = 5;
const mostProperties = 200;

function typeOf(document: Json, value: unknown): string {
  const schema = resolve(document, value);
  const alternatives = [...listOf(schema.anyOf), ...listOf(schema.oneOf)];
  if (alternatives.length > 0)
    return [...new Set(alternatives.map((one) => typeOf(document, one)))].join(' | ');
  if (Array.isArray(schema.enum)) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if ('const' in schema) return JSON.stringify(schema.const);
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : textOf(schema.type) || 'any';
  if (type === 'array') return `${typeOf(document, schema.items)}[]`;
  const format = textOf(schema.format);
  return format === '' ? type : `${type} (${format})`;
}

function propertiesOf(document: Json, value: unknown, way = '', depth = 0): Property[] {
  const schema = resolve(document, value);
  if (depth > deepest) return [];
  if (isObject(schema.items)) return propertiesOf(document, schema.items, `${way}[]`, depth + 1);
  const required = new Set(listOf(schema.required));
  const own = Object.entries(isObject(schema.properties) ? schema.properties : {}).flatMap(([name, one]) => {
    const full = way === '' ? name : `${way}.${name}`;
    const inner = resolve(document, one);
    return [
      {
        name: full,
        type: typeOf(document, one),
        required: required.has(name),
        description: textOf(inner.description),
      },
      ...propertiesOf(document, one, full, depth + 1),
    ];
  });
  const joined = listOf(schema.allOf).flatMap((one) => propertiesOf(document, one, way, depth + 1));
  return [...own, ...joined].slice(0, mostProperties);
}

/** The media type in which a body is described, JSON when it can be. */
const mediaTypeOf = (content: unknown): string | undefined => {
  const types = Object.keys(isObject(content) ? content : {});
  return types.find((type) => /[/+]json\b/i.test(type)) ?? types[0];
};

const schemaOf = (content: unknown): unknown => {
  const described = isObject(content) ? content[mediaTypeOf(content) ?? ''] : undefined;
  return isObject(described) ? described.schema : undefined;
};

function operationOf(document: Json, path: string, method: string, item: Json): DescribedOperation {
  const operation = item[method] as Json;
  const parameters = [...listOf(item.parameters), ...listOf(operation.parameters)].map((one) =>
    resolve(document, one),
  );
  const body = resolve(document, operation.requestBody);
  const responses = isObject(operation.responses) ? operation.responses : {};
  return {
    id: textOf(operation.operationId) || `${method} ${path}`,
    method: method.toUpperCase(),
    path,
    summary: textOf(operation.summary),
    description: textOf(operation.description),
    deprecated: operation.deprecated === true,
    parameters: parameters.map((one) => ({
      name: textOf(one.name),
      where: textOf(one.in),
      required: one.required === true,
      type: typeOf(document, one.schema),
      description: textOf(one.description),
    })),
    body: propertiesOf(document, schemaOf(body.content)),
    mediaType: mediaTypeOf(body.content),
    sample: /[/+]json\b/i.test(mediaTypeOf(body.content) ?? '')
      ? JSON.stringify(sampleOf(document, schemaOf(body.content)), null, 2)
      : '',
    answers: Object.entries(responses).map(([status, one]) => {
      const answer = resolve(document, one);
      return {
        status,
        description: textOf(answer.description),
        properties: propertiesOf(document, schemaOf(answer.content)),
      };
    }),
  };
}

export interface Description {
  readonly title: string;
  readonly version: string;
  readonly about: string;
  readonly operations: readonly DescribedOperation[];
}

/** What an OpenAPI document says, in the order of its paths. Whatever is not understood is left out, nothing fails. */
export function describe(document: unknown): Description {
  const whole = isObject(document) ? document : {};
  const info = isObject(whole.info) ? whole.info : {};
  const paths = isObject(whole.paths) ? whole.paths : {};
  return {
    title: textOf(info.title),
    version: textOf(info.version),
    about: textOf(info.description),
    operations: Object.entries(paths).flatMap(([path, item]) =>
      isObject(item)
        ? methods
            .filter((method) => isObject(item[method]))
            .map((method) => operationOf(whole, path, method, item))
        : [],
    ),
  };
}
