import { cancelEverything, cancelWork } from './cancel.ts';
import { boundaryCatcher, scopeCatcher } from './catcher.ts';
import { beginHandler } from './event-sub-process.ts';
import { happen } from './happen.ts';
import { type Run, record, scopeOf } from './run.ts';
import type { Token } from './state.ts';

/**
 * A BPMN error: goes outwards from the token until a boundary event or an event sub-process catches it, cancelling what
 * it leaves behind. Caught nowhere, it fails the instance.
 */
export function raiseError(run: Run, token: Token, code: string, message: string): void {
  record(run, token, 'error', code);
  for (let at: Token | undefined = token; at; at = run.tokens.get(scopeOf(run, at).owner ?? '')) {
    const event = boundaryCatcher(run, at, 'error', code);
    const handler = event ? undefined : scopeCatcher(run, at, 'error', code);
    if (handler) {
      beginHandler(run, scopeOf(run, at), handler, { error: { code, message } });
      return;
    }
    if (!event) continue;
    const freed = cancelWork(run, at);
    if (at.id !== token.id) record(run, freed, 'cancelled');
    happen(run, freed, event, { error: { code, message } });
    return;
  }
  cancelEverything(run);
  run.status = 'failed';
  run.errorCode = code;
}
