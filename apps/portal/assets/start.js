// Everything works without this file; with it, menus fold away, errors get the focus, a preview follows what is entered, work under way is shown as it goes on, and a link's code needs no pasting.
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

// What stands behind `#` is sent to no server; a form hands it over, and the address forgets it.
for (const form of document.querySelectorAll('form[data-behind-hash]')) {
  const code = location.hash.slice(1);
  if (!/^[\w-]{22}(@|%40)/.test(code)) continue;
  form.elements[form.dataset.behindHash].value = code.replace('%40', '@');
  history.replaceState(null, '', location.pathname);
  form.submit();
}

// What is under way is shown anew every so many seconds where it stands, until it is over. Who reads on stays where they are.
const live = [...document.querySelectorAll('[data-live]')];
const follow = async () => {
  const parts = document.hidden ? [] : live.filter((part) => !part.contains(document.activeElement));
  const answer = parts.length ? await fetch(location.href, { redirect: 'error' }).catch(() => undefined) : undefined;
  if (answer && answer.status !== 200) return;
  if (answer) {
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = parts.map(({ id }) => page.getElementById(id));
    // Over: more than these parts has changed, such as what can be done now.
    if (fresh.some((one) => !one?.dataset.live)) return location.replace(location.pathname + location.search);
    parts.forEach((part, at) => {
      if (part.innerHTML !== fresh[at].innerHTML) part.replaceChildren(...fresh[at].childNodes);
    });
  }
  setTimeout(follow, live[0].dataset.live * 1000);
};
if (live.length) setTimeout(follow, live[0].dataset.live * 1000);
