import { defineOperation, defineSurface, Type } from '@govstack/platform/operation';
import { Id, Process, ProcessInstance, StartedInstance } from '../schemas.ts';

const open = { caller: 'public' } as const;
const processId = Type.Object({ processId: Id });

/** The dialect of the official compliance suite: bare paths, start answers 200, stop names a process. */
export const workflowSuite = defineSurface({
  name: 'workflow-suite',
  title: 'Workflow, as the compliance suite calls it',
  version: '1.0.0',
  compliance: true,
  operations: {
    healthcheck: defineOperation({
      id: 'healthcheck',
      method: 'GET',
      path: '/healthcheck',
      summary: 'Whether the block answers',
      access: open,
      responses: { 200: Type.Object({ status: Type.String() }) },
    }),
    getProcessList: defineOperation({
      id: 'getProcessList',
      method: 'GET',
      path: '/processes',
      summary: 'Processes, each with the fields of its definition',
      access: open,
      responses: { 200: Type.Array(Process) },
    }),
    getProcess: defineOperation({
      id: 'getProcess',
      method: 'GET',
      path: '/processes/{processId}',
      summary: 'One process',
      access: open,
      params: processId,
      responses: { 200: Process },
    }),
    start: defineOperation({
      id: 'start',
      method: 'POST',
      path: '/processes/{processId}/start',
      summary: 'Start an instance; the suite sends none of the documented fields',
      access: open,
      params: processId,
      body: Type.Object({}),
      responses: { 200: StartedInstance },
    }),
    stopNewest: defineOperation({
      id: 'stopNewest',
      method: 'POST',
      path: '/processes/{processId}/stop',
      summary: 'Stop the newest running instance of a process',
      access: open,
      params: processId,
      body: Type.Object({}),
      responses: { 201: StartedInstance },
    }),
    getInstances: defineOperation({
      id: 'getInstances',
      method: 'GET',
      path: '/instances',
      summary: 'Instances',
      access: open,
      query: Type.Object({ processId: Type.Optional(Id) }),
      responses: { 200: Type.Array(ProcessInstance) },
    }),
    getInstance: defineOperation({
      id: 'getInstance',
      method: 'GET',
      path: '/instances/{instanceId}',
      summary: 'One instance',
      access: open,
      params: Type.Object({ instanceId: Id }),
      responses: { 200: ProcessInstance },
    }),
    stop: defineOperation({
      id: 'stop',
      method: 'POST',
      path: '/instances/{instanceId}/stop',
      summary: 'Stop an instance',
      access: open,
      params: Type.Object({ instanceId: Id }),
      responses: { 201: StartedInstance },
    }),
  },
});
