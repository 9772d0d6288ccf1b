import type { Static, TObject, TSchema } from 'typebox';
import type { Caller } from '../caller/caller.ts';
import type { Person } from '../caller/person.ts';
import type { FileType, WorkbookType } from './bytes.ts';
import type { YamlType } from './yaml.ts';

/**
 * Who may call an operation. The default everywhere is to refuse: an operation without a verified
 * caller application answers 401 unless it is declared `public`.
 */
export type Access =
  | { readonly caller: 'public' }
  | {
      /** A verified application must call (through its mediator, or with a caller token). */
      readonly caller: 'application';
      /** Whether a natural person must (or may) stand behind the call with an access token of the identity block. */
      readonly person?: 'required' | 'optional';
      /** The person must hold at least one of these roles. Only with `person: 'required'`. */
      readonly roles?: readonly string[];
    };

/** JSON by the rules of HL7 FHIR. */
export type FhirType = 'application/fhir+json';

/** JSON by the rules of SCIM (RFC 7644, 3.1). */
export type ScimType = 'application/scim+json';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface OperationSpec {
  /** operationId, unique in its surface; the name of the function in the typed client. */
  readonly id: string;
  readonly method: Method;
  /** Path template with `{parameter}` segments, starting with a slash. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  /** Requirement ids this operation serves, for the published document. */
  readonly requirements?: readonly string[];
  readonly access: Access;
  readonly params?: TObject;
  readonly query?: TObject;
  readonly headers?: TObject;
  readonly body?: TSchema;
  /** Media types of the body; JSON unless said otherwise. */
  readonly consumes?: readonly (
    | 'application/json'
    | 'application/x-www-form-urlencoded'
    | 'application/octet-stream'
    | 'application/x-ndjson'
    | 'text/csv'
    | FhirType
    | ScimType
    | WorkbookType
    | YamlType
    | FileType
  )[];
  /** The handler also gets the body as it came, to verify a signature over it. */
  readonly keepsBytes?: true;
  /** Media types of the answer, the one `Accept` likes best; JSON unless said otherwise. Problems are always JSON. */
  readonly produces?: readonly ('application/json' | FhirType | ScimType | WorkbookType | YamlType)[];
  /** The handler checks the body itself, to name all that is wrong with it at once; it may be absent, or anything. */
  readonly bodyCheckedBy?: 'handler';
  /**
   * The handler reads the body as it comes, a piece at a time, and checks it itself: for bodies larger than memory.
   * Such a body is declared as `Bytes`; what the handler leaves unread is dropped.
   */
  readonly bodyAs?: 'stream';
  /** Largest accepted body in bytes; 1 MiB unless said otherwise. */
  readonly bodyLimit?: number;
  /** The write takes an `Idempotency-Key` header: a repeat gets the first answer and changes nothing. */
  readonly idempotent?: boolean;
  /**
   * Body schema per status; `null` for a status without body. Problems need no declaration. A string with
   * `contentMediaType` goes out as it is, under that type; `Bytes` under the type that the handler's headers name.
   */
  readonly responses: Readonly<Record<number, TSchema | null>>;
  readonly deprecated?: { readonly sunset: string; readonly successor?: string };
}

/** Declares one operation. Everything else (validation, document, client, handler type) follows from it. */
export function defineOperation<const S extends OperationSpec>(spec: S): S {
  if (!spec.path.startsWith('/')) throw new Error(`operation ${spec.id}: path must start with a slash`);
  if (spec.access.caller === 'application' && spec.access.roles && spec.access.person !== 'required') {
    throw new Error(`operation ${spec.id}: roles need person: 'required'`);
  }
  for (const name of pathParameters(spec.path)) {
    if (!spec.params || !(name in spec.params.properties)) {
      throw new Error(`operation ${spec.id}: path parameter ${name} is not declared`);
    }
  }
  return spec;
}

/** The media type of an answer that is text of its own form, CSV say; undefined: JSON. */
export const textTypeOf = (schema: TSchema | null | undefined): string | undefined =>
  (schema as { readonly contentMediaType?: string } | null | undefined)?.contentMediaType;

/** Names of the `{parameter}` segments of a path template. */
export const pathParameters = (path: string): string[] =>
  [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] as string);

type StaticOf<S, Absent> = S extends TSchema ? Static<S> : Absent;
type EmptyObject = Record<never, never>;

export type ParamsOf<S extends OperationSpec> = StaticOf<S['params'], EmptyObject>;
export type QueryOf<S extends OperationSpec> = StaticOf<S['query'], EmptyObject>;
export type HeadersOf<S extends OperationSpec> = StaticOf<S['headers'], EmptyObject>;
/** Bytes, when one of these media types is carried as it is. */
type BytesOf<Types> = Types extends readonly (infer T)[]
  ? WorkbookType extends T
    ? Uint8Array
    : FileType extends T
      ? Uint8Array
      : never
  : never;

export type BodyOf<S extends OperationSpec> = StaticOf<S['body'], undefined> | BytesOf<S['consumes']>;

type ReceivedBodyOf<S extends OperationSpec> = S['bodyAs'] extends 'stream'
  ? AsyncIterable<Uint8Array>
  : S['bodyCheckedBy'] extends 'handler'
    ? unknown
    : BodyOf<S>;

type CallerOf<S extends OperationSpec> = S['access'] extends { caller: 'application' }
  ? Caller
  : Caller | undefined;
type PersonOf<S extends OperationSpec> = S['access'] extends { person: 'required' }
  ? Person
  : Person | undefined;

/** What a handler gets: the validated parts of the request and who is asking. */
export interface OperationInput<S extends OperationSpec = OperationSpec> {
  readonly params: ParamsOf<S>;
  readonly query: QueryOf<S>;
  readonly headers: HeadersOf<S>;
  readonly body: ReceivedBodyOf<S>;
  /** The body as it came, where the operation keeps it and there is one. */
  readonly bytes: Uint8Array | undefined;
  readonly caller: CallerOf<S>;
  readonly person: PersonOf<S>;
  /** Present when the operation is declared idempotent and the client sent a key. */
  readonly idempotencyKey: string | undefined;
  /** Aborted when the client goes away or the deadline passes. */
  readonly signal: AbortSignal;
}

/** What a handler may answer: exactly the declared statuses with their declared bodies. */
export type OperationResult<S extends OperationSpec> = {
  [K in keyof S['responses'] & number]: S['responses'][K] extends TSchema
    ? {
        readonly status: K;
        readonly body: Static<S['responses'][K]> | BytesOf<S['produces']>;
        readonly headers?: Readonly<Record<string, string>>;
      }
    : { readonly status: K; readonly body?: never; readonly headers?: Readonly<Record<string, string>> };
}[keyof S['responses'] & number];

export type Handler<S extends OperationSpec> = (input: OperationInput<S>) => Promise<OperationResult<S>>;

export type Operations = Readonly<Record<string, OperationSpec>>;
export type Handlers<O extends Operations> = { readonly [K in keyof O]: Handler<O[K]> };
