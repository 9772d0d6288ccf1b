// Marks on the drawing where a trial has been. The table beside it tells the same.
import './bpmn-viewer.js';

const { BpmnJS } = globalThis;
const place = document.getElementById('trial-drawing');
if (place) {
  const { steps, flows, waits, faults } = JSON.parse(document.getElementById('drawn').textContent);
  const answer = await fetch(place.dataset.source, { redirect: 'error' });
  // The wheel belongs to the page.
  const viewer = new BpmnJS({ container: place, zoomScroll: { enabled: false } });
  try {
    await viewer.importXML(await answer.text());
    const [canvas, registry] = [viewer.get('canvas'), viewer.get('elementRegistry')];
    canvas.zoom('fit-viewport', 'auto');
    for (const [ids, marker] of [
      [steps, 'portal-is-passed'],
      [flows, 'portal-is-passed'],
      [waits, 'portal-is-waiting'],
      [faults, 'portal-is-faulty'],
    ]) {
      for (const id of ids) if (registry.get(id)) canvas.addMarker(id, marker);
    }
    place.dataset.ready = 'yes';
  } catch {
    viewer.destroy();
    place.hidden = true;
  }
}
