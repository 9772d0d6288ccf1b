import type { EngineEvent } from '../execution/event.ts';
import type { Script } from './sandbox.ts';
import type { Scripts } from './scripts.ts';

/** Runs the script of a job, as what happens to the instance by it. */
export async function scriptEvent(
  scripts: Scripts,
  script: Script,
  job: { readonly jobId: string; readonly attempt: number },
): Promise<EngineEvent> {
  const ended = await scripts.run(script);
  switch (ended.kind) {
    case 'result':
      return {
        ...job,
        type: 'jobAnswered',
        answer: { status: 200, headers: {}, body: ended.value, temporary: false },
      };
    case 'bpmnError':
      return { ...job, type: 'jobThrew', code: ended.code, message: ended.message };
    default:
      return { ...job, type: 'jobFailed', message: ended.message, temporary: false };
  }
}
