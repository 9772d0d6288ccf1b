/** A thread that runs scripts, one at a time; whoever started it ends it when one does not come back. */
import { parentPort } from 'node:worker_threads';
import { checkSyntax, runSandboxed, type Script, type ScriptLimits } from './sandbox.ts';

export interface Task {
  readonly script: Script;
  readonly limits: ScriptLimits;
}

// Local times in scripts are UTC, wherever the node stands: QuickJS asks its host.
Date.prototype.getTimezoneOffset = () => 0;

parentPort?.on('message', ({ script, limits }: Task) => {
  runSandboxed(script, limits)
    .catch(() => ({ kind: 'limit', message: 'the script was too much for its sandbox' }))
    .then((outcome) => parentPort?.postMessage(outcome));
});
// The first script does not wait for what all of them need.
await checkSyntax('');
parentPort?.postMessage('ready');
