import { boundaryCatcher, scopeCatcher } from './catcher.ts';
import { beginHandler } from './event-sub-process.ts';
import { command, type Run, record } from './run.ts';
import type { Token } from './state.ts';
import { happenOnBoundary } from './trigger.ts';

/**
 * An escalation: goes outwards from where the token was until a boundary event or an event sub-process catches it,
 * which need not interrupt. Caught nowhere, it is recorded and everything goes on; whoever
 * called the instance may catch it.
 */
export function escalate(run: Run, token: Token, code: string): void {
  for (let at: Token | undefined = token; at; ) {
    const scope = run.scopes.get(at.scopeId);
    const event = boundaryCatcher(run, at, 'escalation', code);
    const handler = event ? undefined : scopeCatcher(run, at, 'escalation', code);
    if (event || handler) {
      record(run, token, 'escalated', code);
      const brought = { escalation: { code } };
      if (event) happenOnBoundary(run, at, event, brought);
      else if (handler && scope) beginHandler(run, scope, handler, brought);
      return;
    }
    at = run.tokens.get(scope?.owner ?? '');
  }
  record(run, token, 'escalated', `${code}: nothing catches it`);
  command(run, { type: 'escalateToCaller', code });
}
