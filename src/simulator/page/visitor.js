// The visitor's column: the form before the chat, and the chat.

import { $, attempt, el, fillSelect, fillText, link, onClick, onSubmit, pill, time } from './dom.js';
import { api, refresh, select, selected, show, state, visitApi } from './store.js';

const STATES = {
  bot: ['with the bot', 'info'],
  queued: ['waiting for an agent', 'warn'],
  agent: ['with an agent', 'good'],
  closed: ['closed', ''],
};
let shownCase = '';
let shownLine = 0;
let lastFrom = '';
let sent = '';

export function showVisitor({ world, visit }) {
  const inChat = Boolean(visit) && visit.case_id === selected();
  $('start').hidden = inChat;
  $('chat').hidden = !inChat;
  fillSelect($('s-widget'), world.widgets.map(({ id, name }) => [id, name && name !== id ? `${name} (${id})` : id]));
  showWidget();
  pill($('visit-state'), ...(inChat ? STATES[visit.state] : []));
  if (inChat) showChat(visit);
}

function showWidget() {
  const widget = state.world.widgets.find(({ id }) => id === $('s-widget').value);
  if (!widget) return;
  $('s-email').required = Boolean(widget.email_required);
  $('s-text').required = Boolean(widget.message_required);
  $('widget-note').textContent = (widget.online
    ? `Online: ${widget.bot ? 'its bot answers' : 'an agent answers'}.`
    : 'Offline: only a message can be left.') + sent;
}

function showChat(visit) {
  const isClosed = visit.state === 'closed';
  const log = $('log');
  if (shownCase !== visit.case_id) {
    log.replaceChildren();
    [shownCase, shownLine, lastFrom] = [visit.case_id, 0, ''];
  }
  const newest = visit.lines.findLast(({ from }) => from === 'visitor')?.n ?? -1;
  // Whoever says something sees it.
  const follows = newest > shownLine || log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const line of visit.lines.filter(({ n }) => n > shownLine)) {
    log.append(lineNode(line));
    shownLine = line.n;
  }
  for (const group of log.querySelectorAll('.choices')) {
    for (const button of group.children) button.disabled = isClosed || Number(group.dataset.n) < newest;
  }
  if (follows) log.scrollTop = log.scrollHeight;
  for (const id of ['say', 'email']) {
    for (const field of $(id).elements) field.disabled = isClosed;
  }
  $('leave').disabled = isClosed;
}

function lineNode(line) {
  if (line.goto !== undefined) return el('p', { className: 'system' }, 'The page is sent to ', link(line.goto));
  const isSame = lastFrom === `${line.from} ${line.alias}`;
  lastFrom = `${line.from} ${line.alias}`;
  if (line.from === 'system') return el('p', { className: 'system', dir: 'auto' }, line.text ?? '');
  const who = el('span', { className: 'who' }, el('bdi', {}, line.alias || line.from), ' ', time(line.at));
  const node = el('div', { className: `said ${line.from}${isSame ? ' again' : ''}` }, who);
  if (line.text !== undefined) {
    const bubble = el('div', { className: 'bubble', dir: 'auto' });
    fillText(bubble, line.text);
    node.append(bubble);
  }
  if (line.cards) node.append(cardsNode(line.cards));
  if (line.buttons?.length) node.append(buttonsNode(line));
  return node;
}

function cardsNode({ layout, cards }) {
  const isAcross = layout === 'HORIZONTAL';
  // What scrolls has to be reached by the keyboard.
  return el('ul', { className: `cards ${isAcross ? layout : ''}`, tabIndex: isAcross ? 0 : -1, 'aria-label': 'Cards' },
    ...cards.map(({ title, excerpt, link: address }) => el('li', { dir: 'auto' },
      el('b', {}, title ?? ''), excerpt ? el('p', {}, excerpt) : null, address ? link(address) : null)));
}

function buttonsNode({ n, buttons }) {
  const nodes = buttons.map(({ text, id }) => el('button', {
    dir: 'auto',
    title: id ? `id ${id}` : '',
    onclick: () => { $('say-text').focus(); answered(() => visitApi('click', { text, id })); },
  }, text));
  return el('div', { className: 'choices', role: 'group', 'aria-label': 'Answers', 'data-n': n }, ...nodes);
}

let waiting = 0;

/** Runs a request that is answered once the bot has. */
async function answered(request) {
  waiting += 1;
  $('waiting').textContent = 'Waiting for the answer…';
  try {
    return await attempt(request);
  } finally {
    waiting -= 1;
    if (!waiting) $('waiting').textContent = '';
    refresh('visits', 'visit', 'deliveries', 'world');
  }
}

function variables(text) {
  const rows = text.split('\n').map((row) => row.trim()).filter(Boolean);
  return Object.fromEntries(rows.map((row) => {
    const [name, ...value] = row.split('=');
    return [name.trim(), value.join('=').trim()];
  }));
}

onSubmit('start', async (data, { submitter }) => {
  const visit = Object.fromEntries([...data].filter(([, value]) => value !== ''));
  if (visit.variables) visit.variables = variables(visit.variables);
  if (submitter.value === 'offline') {
    const { widget, email, text, variables } = visit;
    const { case_id } = await api('/offline', { widget, email, text, variables });
    sent = ` The message is sent, as case ${case_id}.`;
    return refresh('visits', 'deliveries');
  }
  submitter.disabled = true;
  const started = await answered(() => api('/visits', visit));
  submitter.disabled = false;
  if (!started) return;
  select(started.case_id);
  $('s-text').value = '';
  state.visit = started;
  show();
  $('say-text').focus();
});
$('s-widget').onchange = showWidget;

onSubmit('say', async (data, { target }) => {
  const text = data.get('text');
  if (!text.trim()) return;
  const area = target.elements.text;
  area.value = '';
  // Nothing that was written is lost when it cannot be sent.
  if (!await answered(() => visitApi('say', { text }))) area.value ||= text;
});
for (const [area, form] of [['say-text', 'say'], ['agent-text', 'agent-say']]) {
  $(area).addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $(form).requestSubmit();
  });
}
onSubmit('email', (data) => answered(() => visitApi('email', { email: data.get('email') })));
onSubmit('survey', (data) => answered(() => {
  const comment = data.get('comment');
  return visitApi('survey', { score: Number(data.get('score')), ...(comment && { comment }) });
}));
onClick('leave', () => answered(() => visitApi('leave')));
