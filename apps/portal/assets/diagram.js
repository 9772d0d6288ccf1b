// Draws processes so that one can move about in them. Without this file, what the server drew stays; the table beside it says the same.
import './bpmn-viewer.js';

const { BpmnJS } = globalThis;

for (const place of document.querySelectorAll('[data-drawing]')) {
  const answer = await fetch(place.dataset.drawing, { redirect: 'error' }).catch(() => undefined);
  if (answer?.status !== 200) continue;
  const container = document.createElement('div');
  container.className = 'portal-canvas';
  container.dir = 'ltr';
  place.append(container);
  // The wheel belongs to the page.
  const viewer = new BpmnJS({ container, zoomScroll: { enabled: false } });
  const [canvas, overlays, elements] = ['canvas', 'overlays', 'elementRegistry'].map((name) => viewer.get(name));
  try {
    await viewer.importXML(await answer.text());
  } catch {
    viewer.destroy();
    container.remove();
    continue;
  }
  place.querySelector('[data-drawn]')?.remove();
  const tools = place.querySelector('[data-zoom-tools]');
  tools.hidden = false;
  canvas.getContainer().querySelector('svg').setAttribute('aria-label', place.dataset.label);

  let shown = [];
  const show = () => {
    const told = document.getElementById(place.dataset.marks)?.dataset.content;
    for (const [id, look] of shown) if (elements.get(id)) canvas.removeMarker(id, look);
    overlays.remove({ type: 'badge' });
    shown = [];
    for (const { id, look, badge } of JSON.parse(told ?? '[]')) {
      if (!elements.get(id)) continue;
      canvas.addMarker(id, look);
      shown.push([id, look]);
      if (!badge) continue;
      const html = document.createElement('span');
      html.className = 'portal-mark-badge';
      html.textContent = badge;
      overlays.add(id, 'badge', { position: { top: -12, right: 14 }, html });
    }
  };
  show();
  const live = document.getElementById(place.dataset.marks)?.closest('[data-live]');
  if (live) new MutationObserver(show).observe(live, { childList: true });

  const fit = () => {
    canvas.zoom('fit-viewport', 'auto');
    // A long process would be too small to read: show it where something is going on.
    if (canvas.zoom() >= 0.55) return;
    canvas.zoom(0.7);
    const found = shown.find(([, look]) => /incident|active/.test(look))?.[0];
    const first = found ?? elements.find(({ type }) => type === 'bpmn:StartEvent')?.id;
    if (first) canvas.scrollToElement(first, 60);
  };
  fit();
  const zoomed = { in: () => canvas.zoom(Math.min(2, canvas.zoom() * 1.25)), out: () => canvas.zoom(Math.max(0.2, canvas.zoom() / 1.25)), fit: () => canvas.zoom('fit-viewport', 'auto') };
  for (const button of tools.querySelectorAll('[data-zoom]'))
    button.addEventListener('click', zoomed[button.dataset.zoom]);
}
