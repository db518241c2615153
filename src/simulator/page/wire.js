// The wire's column: each request the simulator sent, and its answer.

import { $, attempt, copy, el, fillSelect, fillText, kib, onClick, same, save, time } from './dom.js';
import { chatScript } from './script.js';
import { api, FEEDS, selected, state } from './store.js';

const FOLDED = 64 * 1024;
const LAID_OUT = 1024 * 1024;
const SHOWN = 300;

const plain = (text) => [text];

function eventOf({ feed, request }) {
  if (feed === 'get-contact') return 'look-up';
  try {
    const { event, status, type } = JSON.parse(request.body);
    return event ?? status ?? type ?? '';
  } catch {
    return request.body.match(/<type>([\w-]+)<\/type>/)?.[1] ?? '';
  }
}

function outcome({ response, error }) {
  if (response) return [String(response.status), response.status < 300 ? 'good' : 'bad'];
  return error ? ['failed', 'bad'] : ['under way', 'info'];
}

/** Lays JSON out without reading it: numbers and escapes stay as they were sent. */
function pretty(text) {
  try { JSON.parse(text); } catch { return text; }
  if (text.length > LAID_OUT) return text;
  const tokens = text.match(/"(?:[^"\\]+|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g) ?? [];
  let depth = 0;
  // Brackets alone would else become a text as long as their square.
  const row = () => `\n${'  '.repeat(Math.min(depth, 32))}`;
  return tokens.map((token, n) => {
    if (token === '}' || token === ']') {
      depth -= 1;
      return '{['.includes(tokens[n - 1]) ? token : row() + token;
    }
    if (token === '{' || token === '[') {
      depth += 1;
      return '}]'.includes(tokens[n + 1]) ? token : token + row();
    }
    return token === ',' ? token + row() : token === ':' ? ': ' : token;
  }).join('').replace(/[\u202a-\u202e\u2066-\u2069]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16)}`);
}

const isGet = ({ feed }) => feed === 'get-contact';

function curl(delivery) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const headers = Object.entries(delivery.request.headers)
    .filter(([name]) => !/^(host|content-length|connection)$/i.test(name))
    .map(([name, value]) => (/^authorization$/i.test(name)
      ? `-H "${name}: $SNAPENGAGE_TOKEN"`
      : `-H ${quoted(`${name}: ${value}`)}`));
  const body = isGet(delivery) ? [] : [`--data-binary ${quoted(delivery.request.body)}`];
  return ['curl -i', ...headers, ...body, quoted(delivery.url)].join(' \\\n  ');
}

function saveSample(delivery) {
  const { body } = delivery.request;
  const { pathname, search } = new URL(delivery.url);
  const ending = isGet(delivery) ? 'txt' : body.trimStart().startsWith('<') ? 'xml' : 'json';
  const event = eventOf(delivery).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/[^\w-]/g, '');
  save(`${delivery.feed}-${event || 'other'}.${ending}`, ending === 'txt' ? pathname + search : body);
}

function message(title, { headers, body, status }, name) {
  const rows = Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join('\n');
  const pane = el('pre', { tabIndex: 0, role: 'region', 'aria-label': `${name}: body of the ${title.toLowerCase()}` });
  let isRaw = false;
  const raw = el('button', { className: 'small', 'aria-pressed': 'false' }, 'Raw');
  const show = () => fillText(pane, isRaw ? body : pretty(body), { limit: FOLDED, shown: 4096, parts: plain });
  raw.onclick = () => {
    isRaw = !isRaw;
    raw.setAttribute('aria-pressed', String(isRaw));
    show();
  };
  show();
  return [
    el('h3', {}, `${title}${status ? ` ${status}` : ''}`, body ? raw : null),
    rows ? el('details', {}, el('summary', {}, 'Headers'), el('pre', { tabIndex: 0 }, rows)) : null,
    body ? pane : el('p', { className: 'hint' }, 'No body.'),
  ];
}

function exchange(delivery) {
  const { n, url, request, response, error } = delivery;
  const name = `Delivery ${n}`;
  const button = (text, handler) => el('button', { className: 'small', onclick: () => attempt(handler) }, text);
  const copied = button('Copy as curl', async () => {
    await copy(curl(delivery));
    copied.textContent = 'Copied';
  });
  return el('div', { className: 'exchange' },
    el('p', { className: 'to' }, `${isGet(delivery) ? 'GET' : 'POST'} ${url}`),
    el('div', { className: 'actions' }, copied, button('Save as sample', () => saveSample(delivery))),
    ...message('Request', request, name),
    ...(response ? message('Answer', response, name) : []),
    error ? el('p', { className: 'hint' }, `Error: ${error}`) : null);
}

function deliveryNode(delivery, open) {
  const { n, feed, attempt: count, duration_ms, at, request, mailed } = delivery;
  const [text, kind] = outcome(delivery);
  const size = request.body.length > FOLDED ? ` · ${kib(request.body.length)}` : '';
  const again = count > 1 ? ` · attempt ${count}` : '';
  const details = el('details', { open },
    el('summary', { className: 'head' },
      el('span', { className: 'what' }, el('small', {}, feed), eventOf(delivery), again, size),
      el('span', { className: `pill ${kind}` }, text),
      el('span', { className: 'ms' }, duration_ms === undefined ? '' : `${duration_ms} ms`),
      el('span', { className: 'at' }, time(at))));
  // Bodies are laid out when somebody looks.
  details.ontoggle = () => { if (details.open && !details.children[1]) details.append(exchange(delivery)); };
  return Object.assign(el('li', { 'data-n': n }, details, mailed && el('p', {}, 'mailed to the customer')), { delivery });
}

const isShown = ({ feed, case_id }) => {
  const only = $('wire-case').checked ? selected() : '';
  return (!only || !case_id || case_id === only) && (!$('wire-feed').value || feed === $('wire-feed').value);
};

export function showWire({ deliveries }) {
  const shown = [...deliveries.values()].filter(isShown).sort((a, b) => b.n - a.n).slice(0, SHOWN);
  const old = new Map([...$('deliveries').children].map((node) => [node.delivery, node]));
  const opened = [...old].filter(([, node]) => node.firstChild.open).map(([{ n }]) => n);
  const nodes = shown.map((each) => old.get(each) ?? deliveryNode(each, opened.includes(each.n)));
  const kept = new Set(nodes);
  for (const node of old.values()) if (!kept.has(node)) node.remove();
  // A node that stays where it is keeps the focus.
  nodes.reverse().reduce((below, node) => {
    if (node.nextSibling !== below || !node.parentNode) $('deliveries').insertBefore(node, below);
    return node;
  }, null);
  $('wire-none').hidden = nodes.length > 0;
  $('save-chat').disabled = !selected();
}

fillSelect($('wire-feed'), [['', 'all feeds'], ...same(FEEDS)]);
for (const id of ['wire-case', 'wire-feed']) $(id).onchange = () => showWire(state);
onClick('save-chat', async () => {
  const caseId = selected();
  const sent = await api(`/deliveries?feed=bot&case=${encodeURIComponent(caseId)}`);
  save(`${caseId}.chat`, chatScript(sent));
});
