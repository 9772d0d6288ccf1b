import type { Caller } from '../caller/caller.ts';
import type { Person } from '../caller/person.ts';
import type { Handlers, OperationSpec, Operations } from './operation.ts';
import type { ProblemBody } from './problem.ts';

/** How a surface words its errors when its published API does not use problem details. */
export type ErrorShape = (
  problem: ProblemBody,
  operationId: string | undefined,
) => {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A published, versioned set of operations: the unit that is registered as a service with the mediator. */
export interface Surface<O extends Operations = Operations> {
  /** Service code: surface and major version, for example `payments-g2p-v1`. */
  readonly name: string;
  readonly title: string;
  /** Semantic version of the document. */
  readonly version: string;
  readonly description?: string;
  readonly operations: O;
  readonly errorShape?: ErrorShape;
  /** Answers under the services of any application; its operations tell them apart by the caller's `service`. */
  readonly answersForAll?: boolean;
  /** Only mounted under `--profile compliance`, at the root, open to everyone. */
  readonly compliance?: boolean;
}

/** Declares a surface. Operation ids must equal their keys so that document and client agree. */
export function defineSurface<const O extends Operations>(surface: Surface<O>): Surface<O> {
  if (!/^[a-z][a-z0-9-]*$/.test(surface.name))
    throw new Error(`surface name ${surface.name} is not kebab-case`);
  for (const [key, operation] of Object.entries(surface.operations)) {
    if (key !== operation.id)
      throw new Error(`surface ${surface.name}: ${key} declares operation id ${operation.id}`);
  }
  return surface;
}

/** Somebody's try to use an operation. */
export interface Attempt {
  readonly surface: string;
  readonly operation: OperationSpec;
  readonly caller: Caller;
  readonly person: Person | undefined;
  /** Parameters of the path: what it is about. */
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Sees every attempt by a known caller before it is carried out, and what answers becomes of it: the status, and why it
 * was refused. Nothing is carried out that it rejects.
 */
export type Witness = (attempt: Attempt) => Promise<(status: number, refusal?: string) => Promise<void>>;

/** A surface together with the code behind it. */
export interface ImplementedSurface {
  readonly surface: Surface;
  readonly handlers: Readonly<Record<string, unknown>>;
  readonly witness?: Witness;
}

/** Binds handlers to a surface; a missing, extra or ill-typed handler is a type error. */
export function implement<O extends Operations, const H extends Handlers<O>>(
  surface: Surface<O>,
  handlers: H & Record<Exclude<keyof H, keyof O>, never>,
): ImplementedSurface {
  return { surface: surface as unknown as Surface, handlers };
}
