/** A thread that runs scripts, one at a time; whoever started it ends it when one does not come back. */
import { parentPort } from 'node:worker_threads';
import { compileSandboxed, runSandboxed, type Script, type ScriptLimits } from './sandbox.ts';

/** A script to be run, or the code of one to be compiled. */
export type Task = { readonly script: Script; readonly limits: ScriptLimits } | { readonly code: string };

// Local times in scripts are UTC, wherever the node stands: QuickJS asks its host.
Date.prototype.getTimezoneOffset = () => 0;

parentPort?.on('message', (task: Task) => {
  ('script' in task ? runSandboxed(task.script, task.limits) : compileSandboxed(task.code))
    .catch(() => ({ kind: 'limit', message: 'the script was too much for its sandbox' }))
    .then((outcome) => parentPort?.postMessage(outcome));
});
// The first script does not wait for what all of them need.
await compileSandboxed('');
parentPort?.postMessage('ready');
