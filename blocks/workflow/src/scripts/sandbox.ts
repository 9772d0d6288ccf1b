import {
  newQuickJSWASMModuleFromVariant,
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSWASMModule,
  Scope,
} from 'quickjs-emscripten-core';
import { cannotBeStored, type Json, storable, type Variables } from '../feel/json.ts';

/** What a script may use up. */
export interface ScriptLimits {
  /** Milliseconds. */
  readonly timeMs: number;
  /** Bytes of all values it holds at the same time. */
  readonly memoryBytes: number;
  /** Bytes of its result as JSON. */
  readonly resultBytes: number;
}

/** A script ready to be run: everything it will ever know. */
export interface Script {
  /** Whose it is: where threads are scarce, everybody has a turn. */
  readonly owner: string;
  readonly code: string;
  readonly variables: Variables;
  /** The time it is told, RFC 3339. */
  readonly now: string;
}

/** How a script ended. `limit`: it was cut off or died of a limit; `failed`: it threw. Both worded for an operator. */
export type ScriptOutcome =
  | { readonly kind: 'result'; readonly value: Json }
  | { readonly kind: 'bpmnError'; readonly code: string; readonly message: string }
  | { readonly kind: 'failed' | 'limit'; readonly message: string };

const stackBytes = 256 * 1024;
const file = 'script';

/** Words of ECMAScript that name nothing: such a variable is reached as `variables.class`. */
const reserved = new Set(
  `arguments await break case catch class const continue debugger default delete do else enum eval export extends
  finally for function if implements import in instanceof interface let new package private protected public return
  static super switch this throw try typeof var void while with yield undefined NaN Infinity variables BpmnError`.split(
    /\s+/,
  ),
);

let loading: Promise<QuickJSWASMModule> | undefined;
const loaded = (): Promise<QuickJSWASMModule> => {
  loading ??= newQuickJSWASMModuleFromVariant(import('@jitl/quickjs-wasmfile-release-sync'));
  return loading;
};

/** The script as the body of a function whose first line is line 1. */
const functionOf = (code: string, names: readonly string[]): string =>
  `(function (variables, BpmnError, { ${names.join(', ')} }) { ${code}\n})`;

/**
 * Around the script: no clock but the one of the step, no randomness, nothing that could come back later. It keeps what
 * it needs before the script runs, and is not in reach of it.
 */
const surroundings = (now: string): string => `(() => {
  const { stringify } = JSON;
  const told = ${Date.parse(now)};
  const Real = Date;
  const { UTC, parse, prototype } = Real;
  const { construct } = Reflect;
  // Nothing leads from it to the real one.
  globalThis.Date = function Date(...given) {
    if (!new.target) return new Real(told).toString();
    return construct(Real, given.length === 0 ? [told] : given, new.target);
  };
  Object.assign(globalThis.Date, { UTC, parse, now: () => told });
  globalThis.Date.prototype = prototype;
  prototype.constructor = globalThis.Date;
  Math.random = () => {
    throw new TypeError('scripts have no randomness: the same step gives the same result');
  };
  delete globalThis.performance;
  class BpmnError extends Error {
    constructor(code, message = '') {
      super(String(message));
      this.name = 'BpmnError';
      this.code = String(code);
    }
  }
  return (script, variables) => {
    let result;
    try {
      result = script(variables, BpmnError, variables);
    } catch (error) {
      if (error instanceof BpmnError) return stringify({ __proto__: null, code: error.code, message: error.message });
      throw error;
    }
    if (result instanceof Promise) throw new TypeError('a script cannot wait: it returns a value, not a promise');
    return stringify({ __proto__: null, value: result });
  };
})()`;

/** What is thrown by scripts; nothing of it can be relied on. */
interface Thrown {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly stack?: unknown;
}

const longestMessage = 1000;

const lineOf = (thrown: Thrown): string => {
  const line = /\bscript:(\d+)/.exec(typeof thrown.stack === 'string' ? thrown.stack : '')?.[1];
  return line === undefined ? '' : `line ${line}: `;
};

function described(value: unknown): string {
  if (typeof value !== 'object' || value === null) return storable(String(value).slice(0, longestMessage));
  const thrown = value as Thrown;
  const words = `${lineOf(thrown)}${String(thrown.name ?? 'Error')}: ${String(thrown.message ?? '')}`;
  return storable(words.slice(0, longestMessage));
}

/** What a script has thrown. Everything else that comes out of the sandbox says that the sandbox itself is broken. */
class ScriptThrew extends Error {
  readonly thrown: unknown;
  constructor(thrown: unknown) {
    super('a script threw');
    this.thrown = thrown;
  }
}

/** Evaluates one piece. Throws `ScriptThrew`. */
function evaluate(context: QuickJSContext, code: string, name: string, compileOnly = false): QuickJSHandle {
  const done = context.evalCode(code, name, { type: 'global', strict: true, compileOnly });
  if (!done.error) return done.value;
  throw new ScriptThrew(done.error.consume((error): unknown => context.dump(error)));
}

/** A context of its own for one run: nothing of it is left for the next. */
async function inContext<T>(
  memoryBytes: number,
  isLate: () => boolean,
  work: (context: QuickJSContext, scope: Scope) => T,
): Promise<T> {
  const quickJs = await loaded();
  try {
    return Scope.withScope((scope) => {
      const runtime = scope.manage(quickJs.newRuntime());
      runtime.setMemoryLimit(memoryBytes);
      runtime.setMaxStackSize(stackBytes);
      runtime.setInterruptHandler(isLate);
      return work(scope.manage(runtime.newContext()), scope);
    });
  } catch (error) {
    if (!(error instanceof ScriptThrew)) loading = undefined;
    throw error;
  }
}

const tooDeep = 'the script is too deeply nested';

/** Compiles a script and does not run it: `failed` says what is wrong with its syntax. */
export async function compileSandboxed(code: string): Promise<ScriptOutcome> {
  try {
    await inContext(
      64 * 1024 * 1024,
      () => false,
      (context) => evaluate(context, functionOf(code, []), file, true).dispose(),
    );
    return { kind: 'result', value: null };
  } catch (error) {
    return { kind: 'failed', message: error instanceof ScriptThrew ? described(error.thrown) : tooDeep };
  }
}

function runIn(context: QuickJSContext, scope: Scope, script: Script, limits: ScriptLimits): ScriptOutcome {
  const names = Object.keys(script.variables).filter(
    (name) => /^[A-Za-z_]\w*$/.test(name) && !reserved.has(name),
  );
  const call = (one: QuickJSHandle, ...given: QuickJSHandle[]): QuickJSHandle => {
    const done = context.callFunction(one, context.undefined, ...given);
    if (!done.error) return scope.manage(done.value);
    throw new ScriptThrew(done.error.consume((error): unknown => context.dump(error)));
  };
  const run = scope.manage(evaluate(context, surroundings(script.now), 'surroundings'));
  const parse = scope.manage(evaluate(context, 'JSON.parse', 'surroundings'));
  const variables = call(parse, scope.manage(context.newString(JSON.stringify(script.variables))));
  const json = context.getString(
    call(run, scope.manage(evaluate(context, functionOf(script.code, names), file)), variables),
  );
  if (Buffer.byteLength(json) > limits.resultBytes) {
    return { kind: 'limit', message: `the result is larger than ${limits.resultBytes} bytes` };
  }
  const ended = JSON.parse(json) as { value?: Json; code?: string; message?: string };
  if (ended.code !== undefined) {
    const [code, message] = [ended.code, ended.message ?? ''].map((text) =>
      storable(text.slice(0, longestMessage)),
    ) as [string, string];
    return { kind: 'bpmnError', code, message };
  }
  return cannotBeStored(ended.value)
    ? {
        kind: 'failed',
        message: 'the result contains characters that cannot be stored, or is nested too deeply',
      }
    : { kind: 'result', value: ended.value ?? null };
}

/**
 * Runs a script in a QuickJS of its own: no input but its variables, no output but its result as JSON. The same script
 * with the same variables and time gives the same outcome, except where it is cut off by the clock. Rejects when the
 * sandbox itself is broken.
 */
export async function runSandboxed(script: Script, limits: ScriptLimits): Promise<ScriptOutcome> {
  const deadline = Date.now() + limits.timeMs;
  const isLate = (): boolean => Date.now() > deadline;
  try {
    return await inContext(limits.memoryBytes, isLate, (context, scope) =>
      runIn(context, scope, script, limits),
    );
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'limit', message: tooDeep };
    if (!(error instanceof ScriptThrew)) throw error;
    return isLate()
      ? { kind: 'limit', message: `the script took longer than ${limits.timeMs} ms` }
      : { kind: 'failed', message: described(error.thrown) };
  }
}
