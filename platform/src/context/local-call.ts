import { AsyncLocalStorage } from 'node:async_hooks';
import type { Caller } from '../caller/caller.ts';

/** A call dispatched in memory by this node's mediator: the caller it verified, out of reach of any header. */
export interface LocalCall {
  readonly caller: Caller;
  /** The surface that was addressed: the right that was checked holds for this one only. */
  readonly surface: string;
  /** Aborted when the calling side no longer waits. */
  readonly signal: AbortSignal | undefined;
}

const storage = new AsyncLocalStorage<LocalCall | undefined>();

/** The in-memory call being served, consumed by the surface that serves it. */
export const localCall = (): LocalCall | undefined => storage.getStore();

/** Dispatches in memory with a verified caller. Only the node hands this to its mediator. */
export const withLocalCall = <T>(call: LocalCall, work: () => T): T => storage.run(call, work);

/** Leaves the in-memory call: what runs inside is a request of its own. */
export const outsideLocalCall = <T>(work: () => T): T => storage.run(undefined, work);
