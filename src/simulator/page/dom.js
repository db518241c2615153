// Nodes of the page. What a bot or a visitor wrote becomes text here, and never markup.

export const $ = (id) => document.getElementById(id);

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const isWeb = (address) => /^https?:\/\//i.test(address) && URL.canParse(address);

/** A link if it is one of the web, and its text if it is `javascript:` or any other. */
export function link(address) {
  if (!isWeb(address)) return el('span', {}, address);
  return el('a', { href: address, target: '_blank', rel: 'noopener noreferrer', dir: 'auto' }, address);
}

function* pieces(text) {
  let end = 0;
  // The last character is none that would end a sentence.
  for (const { 0: address, index } of text.matchAll(/https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}]/gi)) {
    yield text.slice(end, index);
    yield link(address);
    end = index + address.length;
  }
  yield text.slice(end);
}

export const kib = (length) => `${Math.ceil(length / 1024)} KiB`;

/** Fills a node with a text, by `parts` of it, and folds a long one behind a button. */
export function fillText(node, text, { limit = 4000, shown = 1200, parts = pieces } = {}) {
  if (text.length <= limit) return node.replaceChildren(...parts(text));
  const open = el('button', { className: 'small fold' }, `Show all ${kib(text.length)}`);
  open.onclick = () => {
    node.replaceChildren(...parts(text));
    node.tabIndex = -1;
    node.focus();
  };
  // Half a surrogate pair is no character.
  node.replaceChildren(...parts(text.slice(0, shown).replace(/[\ud800-\udbff]$/, '')), '… ', open);
}

/** Options whose text is their value. */
export const same = (values) => values.map((each) => [each, each]);

/** Replaces the options if they are others, and keeps what was chosen. */
export function fillSelect(select, options) {
  const key = JSON.stringify(options);
  if (select.dataset.options === key) return;
  const { value } = select;
  select.dataset.options = key;
  select.replaceChildren(...options.map(([value, text]) => el('option', { value }, text)));
  if (options.some(([each]) => each === value)) select.value = value;
}

export function time(at) {
  const date = new Date(at);
  const text = date.toISOString();
  return el('time', { dateTime: text, title: date.toLocaleString() }, text.slice(11, 19));
}

export function pill(node, text, kind) {
  node.hidden = !text;
  node.textContent = text ?? '';
  node.className = `pill ${kind ?? ''}`;
}

export function notice(text) {
  const close = el('button', { className: 'small', onclick: () => notice('') }, 'Dismiss');
  $('notice').replaceChildren(...(text ? [text, close] : []));
  $('notice').togglePopover(Boolean(text));
}

/** Calls a handler with the fields of a form, and says what went wrong. */
export function onSubmit(id, handler) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    attempt(() => handler(new FormData(event.target), event));
  });
}

export const onClick = (id, handler) => $(id).addEventListener('click', () => attempt(handler));

export async function attempt(handler) {
  try {
    notice('');
    return await handler();
  } catch (error) {
    notice(error.message);
  }
}

export function save(name, text) {
  const href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  el('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 1000);
}

export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Over plain HTTP from another machine there is no clipboard but this.
  const area = el('textarea', { value: text, className: 'unseen' });
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
