import { catcher } from './catcher.ts';
import { type Run, record } from './run.ts';
import type { Token } from './state.ts';
import { happenOnBoundary } from './trigger.ts';

/**
 * An escalation: goes outwards from where the token was until a boundary event catches it, which need not interrupt.
 * Caught nowhere, it is recorded and everything goes on.
 */
export function escalate(run: Run, token: Token, code: string): void {
  for (let scope = run.scopes.get(token.scopeId); scope; ) {
    const owner = run.tokens.get(scope.owner ?? '');
    if (!owner) break;
    const event = catcher(run, owner, 'escalation', code);
    if (event) {
      record(run, token, 'escalated', code);
      happenOnBoundary(run, owner, event, { escalation: { code } });
      return;
    }
    scope = run.scopes.get(owner.scopeId);
  }
  record(run, token, 'escalated', `${code}: nothing catches it`);
}
