const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const keyOf = (name: string): string =>
  name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-0-9]+|-+$/g, '')
    .slice(0, 60) || 'process';

type Place = readonly [x: number, y: number, width: number, height: number];
const bounds = ([x, y, width, height]: Place): string =>
  `<dc:Bounds x="${x}" y="${y}" width="${width}" height="${height}"/>`;
/** `label`: where its name stands, when not below it. */
const shape = (id: string, x: number, y: number, width: number, height: number, label?: Place): string =>
  `<bpmndi:BPMNShape id="${id}_di" bpmnElement="${id}">${bounds([x, y, width, height])}${
    label ? `<bpmndi:BPMNLabel>${bounds(label)}</bpmndi:BPMNLabel>` : ''
  }</bpmndi:BPMNShape>`;
const edge = (id: string, ...points: readonly (readonly [number, number])[]): string =>
  `<bpmndi:BPMNEdge id="${id}_di" bpmnElement="${id}">${points
    .map(([x, y]) => `<di:waypoint x="${x}" y="${y}"/>`)
    .join('')}</bpmndi:BPMNEdge>`;

const document = (name: string, content: string, drawing: string): string => {
  const key = keyOf(name);
  return `<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI" xmlns:govstack="urn:govstack:bpmn:1" id="definitions" targetNamespace="urn:govstack:process">
<bpmn:process id="${key}" name="${xml(name)}" isExecutable="true">${content}</bpmn:process>
<bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="${key}">${drawing}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>
</bpmn:definitions>`;
};

const flow = (id: string, from: string, to: string, name = '', condition = ''): string =>
  `<bpmn:sequenceFlow id="${id}"${name === '' ? '' : ` name="${name}"`} sourceRef="${from}" targetRef="${to}"${
    condition === ''
      ? '/>'
      : `><bpmn:conditionExpression>${xml(condition)}</bpmn:conditionExpression></bpmn:sequenceFlow>`
  }`;

/** An officer decides; what happens next depends on it; nobody waits for ever. */
const approval = (name: string): string =>
  document(
    name,
    `<bpmn:startEvent id="start" name="Request received"><bpmn:extensionElements><govstack:variable name="subject" type="string" required="true"/></bpmn:extensionElements></bpmn:startEvent>
<bpmn:userTask id="review" name="Review the request" govstack:candidateRole="officer"><bpmn:extensionElements><govstack:input target="subject" source="=subject"/><govstack:output source="=approved" target="approved"/></bpmn:extensionElements></bpmn:userTask>
<bpmn:boundaryEvent id="late" name="After 14 days" attachedToRef="review"><bpmn:timerEventDefinition><bpmn:timeDuration>P14D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
<bpmn:exclusiveGateway id="decided" name="Approved?" default="no"/>
<bpmn:endEvent id="approvedEnd" name="Approved"/><bpmn:endEvent id="refusedEnd" name="Refused"/><bpmn:endEvent id="lateEnd" name="Not decided in time"/>
${flow('toReview', 'start', 'review')}${flow('toDecided', 'review', 'decided')}${flow('yes', 'decided', 'approvedEnd', 'yes', 'approved = true')}${flow('no', 'decided', 'refusedEnd', 'no')}${flow('toLate', 'late', 'lateEnd')}`,
    shape('start', 160, 182, 36, 36) +
      shape('review', 260, 160, 100, 80) +
      shape('late', 292, 222, 36, 36, [330, 246, 68, 14]) +
      shape('decided', 425, 175, 50, 50, [424, 152, 54, 14]) +
      shape('approvedEnd', 552, 182, 36, 36) +
      shape('refusedEnd', 552, 302, 36, 36) +
      shape('lateEnd', 382, 302, 36, 36) +
      edge('toReview', [196, 200], [260, 200]) +
      edge('toDecided', [360, 200], [425, 200]) +
      edge('yes', [475, 200], [552, 200]) +
      edge('no', [450, 225], [450, 320], [552, 320]) +
      edge('toLate', [310, 258], [310, 320], [382, 320]),
  );

/** What comes to pass again and again by the clock, with an outcome to look at. */
const scheduled = (name: string): string =>
  document(
    name,
    `<bpmn:startEvent id="start" name="On the first of the month"><bpmn:timerEventDefinition govstack:timeZone="UTC"><bpmn:timeCycle>0 6 1 * *</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:startEvent>
<bpmn:scriptTask id="prepare" name="Note the month" scriptFormat="feel" govstack:resultVariable="month"><bpmn:script>string(now())</bpmn:script></bpmn:scriptTask>
<bpmn:userTask id="check" name="Check the month" govstack:candidateRole="officer"><bpmn:extensionElements><govstack:input target="month" source="=month"/></bpmn:extensionElements></bpmn:userTask>
<bpmn:endEvent id="done" name="Month checked"/>
${flow('toPrepare', 'start', 'prepare')}${flow('toCheck', 'prepare', 'check')}${flow('toDone', 'check', 'done')}`,
    shape('start', 160, 182, 36, 36) +
      shape('prepare', 260, 160, 100, 80) +
      shape('check', 420, 160, 100, 80) +
      shape('done', 582, 182, 36, 36) +
      edge('toPrepare', [196, 200], [260, 200]) +
      edge('toCheck', [360, 200], [420, 200]) +
      edge('toDone', [520, 200], [582, 200]),
  );

/** What a process can begin as, by the name of its text in the catalogue. */
export const templates: Readonly<Record<string, (name: string) => string>> = { approval, scheduled };
