// Everything works without this file; with it, menus fold away, errors get the focus, and a preview follows what is entered.
import { initAll } from './components.js';

initAll();

for (const form of document.querySelectorAll('form[data-preview]')) {
  const target = document.getElementById(form.dataset.preview);
  const button = form.querySelector('[data-preview-button]');
  let latest = 0;
  const refresh = async () => {
    const asked = ++latest;
    const body = new URLSearchParams(new FormData(form));
    body.set('_action', 'preview');
    const answer = await fetch(form.action, { method: 'POST', body, redirect: 'error' }).catch(() => undefined);
    if (asked !== latest || !answer || answer.status !== 200) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.getElementById(target.id);
    if (fresh) target.replaceChildren(...fresh.childNodes);
  };
  let pause;
  form.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(refresh, 250);
  });
  button.hidden = true;
}
