// Draws processes where the page has a place for them. Without this file, what the server drew stays, with the table beside it.
import './bpmn-viewer.js';

const { BpmnJS } = globalThis;

for (const place of document.querySelectorAll('[data-drawing]')) {
  const answer = await fetch(place.dataset.drawing, { redirect: 'error' }).catch(() => undefined);
  if (answer?.status !== 200) continue;
  const viewer = new BpmnJS({ container: place });
  try {
    await viewer.importXML(await answer.text());
    viewer.get('canvas').zoom('fit-viewport', 'auto');
  } catch {
    viewer.destroy();
  }
}
