// The page: what is around the three columns.

import { showAgent } from './agent.js';
import { $, attempt, el, fillSelect, notice, onClick, onSubmit, pill, same } from './dom.js';
import { api, FEEDS, listen, refresh, refreshAll, select, selected, state, watch } from './store.js';
import { showVisitor } from './visitor.js';
import { showWire } from './wire.js';

const CALLS = ('agent-status logs file user-create user-get user-update user-delete widget-create widget-get widget-update '
  + 'widget-delete chat-availability chat-start chat-say chat-close chat-poll availability').split(' ');
const DEEDS = ['status', 'refuse', 'reset', 'half', 'stall', 'slow'];
const MORE = {
  feed: ['drop', 'duplicate', 'reorder'],
  call: ['foreign-redirect', 'error-in-200'],
  logs: ['cyclic-link', 'foreign-link'],
};

const chatNodes = new Map();

function chatNode({ case_id }) {
  const chat = el('a', { title: case_id, href: `#${case_id}` }, el('span'), el('bdi'), el('span', { className: 'unseen' }));
  const node = el('li', {}, chat);
  $('chat-list').prepend(node);
  chatNodes.set(case_id, node);
  return node;
}

/** Newest first. A node stays where it is, and keeps the focus. */
function showChats({ visits }) {
  let title = 'SnapEngage simulator';
  for (const visit of visits.toReversed()) {
    const chat = (chatNodes.get(visit.case_id) ?? chatNode(visit)).firstChild;
    const [dot, name, state] = chat.children;
    dot.className = `dot ${visit.state}`;
    name.textContent = visit.name || visit.email || visit.case_id.slice(0, 8);
    state.textContent = visit.state;
    const isShown = visit.case_id === selected();
    if (isShown) title = `${name.textContent} · ${title}`;
    chat.setAttribute('aria-current', isShown);
  }
  const known = new Set(visits.map(({ case_id }) => case_id));
  for (const [caseId, node] of chatNodes) if (!known.has(caseId) && chatNodes.delete(caseId)) node.remove();
  document.title = title;
  $('new-chat').setAttribute('aria-current', !selected());
}

function showClock() {
  const { now, fetched, speed = 1, paused } = state.world;
  if (!now) return;
  const date = new Date(now + (paused ? 0 : (Date.now() - fetched) * speed));
  const [day, clock] = date.toISOString().split(/[T.]/);
  $('clock').dateTime = date.toISOString();
  $('clock').textContent = `${day} ${clock} UTC`;
  $('pace').textContent = paused ? '· stands still' : speed === 1 ? '' : `· ${speed} × faster`;
}

function faultText(rule) {
  const { feed, call, nth, every, p, do: deed, ...rest } = rule;
  const when = nth ? `request ${nth}` : every ? `every ${every}` : `p = ${p}`;
  const more = Object.entries(rest).map(([name, value]) => ` · ${name} ${value}`).join('');
  return `${feed ?? `call ${call}`} · ${when} · ${deed}${more}`;
}

function showFaults({ faults }) {
  $('fault-count').textContent = faults.length ? ` (${faults.length})` : '';
  $('fault-list').replaceChildren(...faults.map((rule) => el('li', {}, faultText(rule))));
}

const chosen = (id) => $(id).value;

function fault() {
  const [kind, on] = chosen('f-on').split(' ');
  const [when, deed] = [chosen('f-when'), chosen('f-do')];
  const rule = { [kind]: on, [when]: Number(chosen('f-n')), do: deed };
  if (when === 'p') rule.seed = Number(chosen('f-seed'));
  if (deed === 'stall' || deed === 'slow') rule.ms = Number(chosen('f-ms'));
  if (deed !== 'status') return rule;
  rule.status = Number(chosen('f-status'));
  if (chosen('f-retry')) rule.retry_after = Number(chosen('f-retry'));
  if ($('f-html').checked) rule.html = true;
  return rule;
}

function showFaultFields() {
  fillSelect($('f-do'), same(DEEDS.concat(chosen('f-on').split(' ').flatMap((each) => MORE[each] ?? []))));
  for (const field of document.querySelectorAll('[data-for]')) {
    field.hidden = !field.dataset.for.split(' ').some((each) => [chosen('f-when'), chosen('f-do')].includes(each));
  }
}

async function showRules() {
  const rows = await api('/explain');
  $('rules').replaceChildren(...rows.map(({ what, value, documented }) => el('tr', {},
    el('th', { scope: 'row' }, what),
    el('td', {}, typeof value === 'string' ? value : JSON.stringify(value)),
    el('td', {}, el('span', { className: `pill ${documented ? 'good' : 'warn'}` }, documented ? 'documented' : 'chosen')))));
}

for (const button of document.querySelectorAll('[data-opens]')) {
  button.onclick = () => {
    $(button.dataset.opens).showModal();
    if (button.dataset.opens === 'rules-dialog') attempt(showRules);
  };
}

onClick('new-chat', () => { select(''); $('s-text').focus(); });
onClick('reset', async () => {
  if (!confirm('Forget all chats, deliveries and faults?')) return;
  await api('/reset', {});
  select('');
  await refreshAll();
});
onSubmit('advance', () => api('/time/advance', {
  seconds: Number($('advance-by').value) * Number($('advance-unit').value),
}));
onSubmit('fault', async () => {
  await api('/faults', fault());
  await refresh('faults');
});
onClick('faults-clear', async () => {
  await api('/faults', undefined, 'DELETE');
  await refresh('faults');
});
fillSelect($('f-on'), same([...FEEDS.map((each) => `feed ${each}`), ...CALLS.map((each) => `call ${each}`)]));
showFaultFields();
$('fault').onchange = showFaultFields;

for (const watcher of [showChats, showVisitor, showAgent, showWire, showFaults, showClock]) watch(watcher);
setInterval(showClock, 1000);
listen((isUp) => {
  pill($('link'), isUp ? 'connected' : 'no connection', isUp ? 'good' : 'bad');
  if (isUp) notice('');
});
