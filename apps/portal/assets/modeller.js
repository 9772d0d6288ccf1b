// The graphical editor of a process. Without this file, the tables beside it do everything it does.
import './bpmn-modeler.js';
import { changesFor, fieldsOf } from './element-properties.js';

const { BpmnJS } = globalThis;
const place = document.getElementById('modeller');
const { language, decisions, bindings, texts } = JSON.parse(document.getElementById('editor').textContent);
const panel = document.getElementById('properties');
const status = document.getElementById('editor-status');
const findings = document.getElementById('found');
const form = document.getElementById('editor-form');

/** Words of the library in the language of the person; its own English where there are none. */
const translate = (template, values = {}) => {
  const key = template.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
  return (texts.drawing[key] ?? template).replaceAll(/\{([^}]+)\}/g, (whole, name) => values[name] ?? whole);
};

const modeler = new BpmnJS({
  container: place,
  // A copy: the library writes into what it is given.
  moddleExtensions: { [language.extension.prefix]: structuredClone(language.extension) },
  keyboard: { bind: true },
  additionalModules: [{ translate: ['value', translate] }],
});
const [canvas, registry, modeling, stack, selection, bus] = [
  'canvas',
  'elementRegistry',
  'modeling',
  'commandStack',
  'selection',
  'eventBus',
].map((name) => modeler.get(name));

const say = (text) => {
  status.textContent = text;
};
let unsaved = false;
let changes = 0;

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

/** Where a change of a moddle element is a change of a drawn one, the drawing follows. */
function apply(shape, changes) {
  for (const { target, properties } of changes) {
    const own = target === shape.businessObject;
    const label = own && Object.keys(properties).every((name) => ['name', 'default', 'conditionExpression'].includes(name));
    if (label) modeling.updateProperties(shape, properties);
    else modeling.updateModdleProperties(shape, target, properties);
  }
}

/** The drawn element whose properties are shown: what is selected, or the process itself. */
function shown() {
  const [only, ...more] = selection.get();
  if (!only || more.length > 0) {
    const root = canvas.getRootElement();
    return { shape: root, element: root.businessObject };
  }
  return { shape: only.labelTarget ?? only, element: (only.labelTarget ?? only).businessObject };
}

const suggestions = { 'govstack:decisionRef': decisions, 'govstack:application': bindings };

function single(field, id, change) {
  if (field.kind === 'check') {
    const input = make('input', { type: 'checkbox', id, class: 'govuk-checkboxes__input', checked: field.value });
    input.addEventListener('change', () => change(input.checked));
    const label = make('label', { for: id, class: 'govuk-label govuk-checkboxes__label' }, texts.fields[field.key]);
    return make('div', { class: 'govuk-checkboxes govuk-checkboxes--small' }, make('div', { class: 'govuk-checkboxes__item' }, input, label));
  }
  const label = make('label', { for: id, class: 'govuk-label' }, texts.fields[field.key]);
  let input;
  if (field.kind === 'choice') {
    const options = field.choices.map((value) =>
      make('option', { value, selected: value === field.value }, texts[field.key]?.[value] ?? value),
    );
    input = make('select', { id, class: 'govuk-select' }, ...options);
  } else if (field.kind === 'long') {
    input = make('textarea', { id, class: 'govuk-textarea portal-code', rows: 4, dir: 'auto', spellcheck: 'false' });
    input.value = field.value;
  } else {
    const known = suggestions[field.key] ?? [];
    input = make('input', { id, class: 'govuk-input', dir: 'auto', spellcheck: 'false', list: known.length ? `${id}-list` : undefined });
    input.value = field.value;
    if (known.length) label.append(make('datalist', { id: `${id}-list` }, ...known.map((value) => make('option', { value }))));
  }
  input.addEventListener('change', () => change(input.value));
  return make('div', { class: 'govuk-form-group' }, label, input);
}

/** Rows of an element that somebody is adding: `element field`. It exists once something is written in it. */
let adding;

function rows(field, id, element, change) {
  const here = `${element.id} ${field.key}`;
  const values = [...field.value, ...(adding === here ? [{}] : [])];
  const keep = (all) => {
    adding = undefined;
    change(all.filter((row) => Object.values(row).some((value) => value !== '')));
  };
  const legend = make('legend', { class: 'govuk-fieldset__legend' }, texts.fields[field.key]);
  const box = make('fieldset', { class: 'govuk-fieldset portal-rows', id }, legend);
  values.forEach((row, index) => {
    const line = make('div', { class: 'portal-rows__row' });
    for (const column of field.columns) {
      const input = make('input', {
        id: `${id}-${index}-${column}`,
        class: 'govuk-input',
        dir: 'auto',
        spellcheck: 'false',
        'aria-label': `${texts.fields[field.key]} ${index + 1}: ${texts.columns[column]}`,
        placeholder: texts.columns[column],
      });
      input.value = row[column] ?? '';
      input.addEventListener('change', () =>
        keep(values.map((one, at) => (at === index ? { ...one, [column]: input.value } : one))),
      );
      line.append(input);
    }
    const remove = make(
      'button',
      { type: 'button', class: 'portal-icon-button', 'aria-label': `${texts.remove} ${index + 1}` },
      '×',
    );
    remove.addEventListener('click', () => {
      keep(values.filter((_, at) => at !== index));
      refresh();
    });
    line.append(remove);
    box.append(line);
  });
  const add = make('button', { type: 'button', class: 'portal-link-button' }, texts.add);
  add.addEventListener('click', () => {
    adding = here;
    refresh();
    document.getElementById(`${id}-${field.value.length}-${field.columns[0]}`)?.focus();
  });
  box.append(add);
  return box;
}

/** Draws the properties of what is selected; whoever was typing goes on typing where they were. */
function refresh() {
  const { shape, element } = shown();
  const focused = document.activeElement?.closest('#properties') ? document.activeElement.id : undefined;
  const parts = fieldsOf(element, language).map((field) => {
    const id = `p-${field.key.replaceAll(':', '-')}`;
    const change = (value) => apply(shape, changesFor(element, language, field.key, value));
    return field.kind === 'rows' ? rows(field, id, element, change) : single(field, id, change);
  });
  const kind = element.$type.replace('bpmn:', '');
  const heading = make('h2', { class: 'govuk-heading-s' }, `${texts.kinds[kind] ?? kind} `);
  heading.append(make('code', { dir: 'ltr' }, element.id ?? ''));
  panel.replaceChildren(heading, ...parts);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

const markers = { error: 'portal-is-faulty', warning: 'portal-is-doubtful' };
let marked = [];

function showFindings(found) {
  for (const [id, marker] of marked) if (registry.get(id)) canvas.removeMarker(id, marker);
  marked = [];
  const items = found.map(({ elementId, severity, text, foreign }) => {
    const on = registry.get(elementId);
    if (on && on !== canvas.getRootElement()) {
      canvas.addMarker(elementId, markers[severity]);
      marked.push([elementId, markers[severity]]);
    }
    const words = make('span', foreign ? { lang: 'en', dir: 'ltr' } : {}, text);
    const name = on?.businessObject?.name || elementId;
    const at = on ? make('button', { type: 'button', class: 'portal-link-button' }, name) : make('bdi', {}, name);
    at.addEventListener('click', () => {
      if (!on) return;
      selection.select(on);
      if (on !== canvas.getRootElement()) canvas.scrollToElement(on);
    });
    return make('li', { class: `portal-remark portal-remark--${severity}` }, make('strong', {}, `${texts[severity]} `), at, ' ', words);
  });
  findings.replaceChildren(...(items.length ? items : [make('li', {}, texts.noFindings)]));
}

async function send(path, more = {}) {
  const { xml } = await modeler.saveXML({ format: true });
  const body = new FormData();
  const inputs = { _csrf: form.elements._csrf.value, _revision: form.elements._revision.value, bpmn: xml, ...more };
  for (const [name, value] of Object.entries(inputs)) body.append(name, value);
  const answer = await fetch(`${form.dataset.base}/${path}`, { method: 'POST', body, redirect: 'error' });
  return { status: answer.status, body: await answer.json().catch(() => ({})) };
}

let checking;
let wanted = false;
/** One check at a time; what changes meanwhile is checked after it. */
async function check() {
  wanted = true;
  checking ??= (async () => {
    while (wanted) {
      wanted = false;
      const { status: code, body } = await send('check').catch(() => ({}));
      if (code === 200) showFindings(body.findings);
    }
    checking = undefined;
  })();
  await checking;
}

let saving;
/** One save at a time: whoever presses twice would otherwise be told that somebody else was faster. */
const save = () => {
  saving ??= saveNow().finally(() => {
    saving = undefined;
  });
  return saving;
};
async function saveNow() {
  const before = changes;
  const { status: code, body } = await send('save').catch(() => ({}));
  if (code === 200) {
    form.elements._revision.value = body.revision;
    // What was drawn meanwhile is not in it.
    unsaved = changes !== before;
    say(unsaved ? texts.unsaved : texts.saved);
  } else say(body?.message ?? texts.failed);
  return code === 200 && !unsaved;
}

const acts = {
  save,
  undo: () => stack.undo(),
  redo: () => stack.redo(),
  fit: () => canvas.zoom('fit-viewport', 'auto'),
};
for (const button of form.querySelectorAll('[data-act]')) {
  button.addEventListener('click', () => acts[button.dataset.act]());
}
// Whoever goes on to try or deploy means what they see.
for (const link of document.querySelectorAll('[data-saves]')) {
  link.addEventListener('click', async (event) => {
    if (!unsaved || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    if (await save()) location.assign(link.href);
  });
}
// A menu opens where the element is, which may be at the edge of the window.
bus.on('popupMenu.opened', () => {
  requestAnimationFrame(() => {
    const menu = document.querySelector('.djs-popup');
    if (!menu) return;
    const { top, left, height, width } = menu.getBoundingClientRect();
    menu.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
    menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  });
});
addEventListener('beforeunload', (event) => {
  if (unsaved) event.preventDefault();
});

const drawing = await fetch(form.dataset.drawing, { redirect: 'error' });
try {
  await modeler.importXML(await drawing.text());
  canvas.zoom('fit-viewport', 'auto');
  bus.on('selection.changed', refresh);
  bus.on('commandStack.changed', () => {
    unsaved = true;
    changes += 1;
    say(texts.unsaved);
    for (const [name, can] of [
      ['undo', stack.canUndo()],
      ['redo', stack.canRedo()],
    ]) {
      form.querySelector(`[data-act="${name}"]`).toggleAttribute('disabled', !can);
    }
    refresh();
    check();
  });
  refresh();
  await check();
  say(texts.ready);
  form.hidden = false;
  place.dataset.ready = 'yes';
} catch {
  say(texts.failed);
}
