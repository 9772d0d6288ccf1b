import { transaction } from '@govstack/platform';
import { type Deployment, saveDefinition, sourceOf } from '../../definitions/definitions.ts';
import { engineActor } from '../../history/actor.ts';
import { startInstance } from '../../instances/start.ts';
import { compileProcess } from '../../model/compile-process.ts';
import type { WorkflowService } from '../../service.ts';

const review: Deployment = {
  name: 'Review invoice',
  type: 'Private',
  version: '1.0',
  isExecutable: true,
  isClosed: false,
  description: 'Somebody looks at an invoice',
  processBody: [
    {
      code: 'bpmn20xml',
      value: `<?xml version="1.0" encoding="UTF-8"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="invoices" targetNamespace="urn:compliance">
  <process id="ReviewInvoice" name="Review invoice" isExecutable="true">
    <startEvent id="received" />
    <userTask id="review" name="Review the invoice" />
    <endEvent id="reviewed" />
    <sequenceFlow id="f1" sourceRef="received" targetRef="review" />
    <sequenceFlow id="f2" sourceRef="review" targetRef="reviewed" />
  </process>
</definitions>`,
    },
  ],
};

/** What the suite expects to find: a process, and an instance of it that is running. */
export async function seedSuite(service: WorkflowService): Promise<void> {
  const { db, engine } = service;
  const actor = engineActor(engine.application);
  const model = await compileProcess(sourceOf(engine.application, review.processBody));
  const at = engine.now().toISOString();
  const definition = await transaction(db, (trx) =>
    saveDefinition(trx, engine.application, review, model, actor, at),
  );
  await startInstance(db, engine, {
    viewer: { application: engine.application, member: undefined },
    process: definition.id,
    businessKey: undefined,
    callbackUrl: undefined,
    startKey: 'compliance',
    pairs: [],
    actor,
  });
}
