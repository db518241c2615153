// The agent's column: who it is, and the levers.

import { $, attempt, el, fillSelect, onClick, onSubmit, pill } from './dom.js';
import { hubCaptured, showHub } from './hub.js';
import { agentApi, refresh, selected, state, visitApi } from './store.js';

const STATUS_KINDS = { online: 'good', pause: 'warn' };
const email = () => $('agent-email').value;
let shownAgent = '';

export function showAgent({ world, visit }) {
  const { agents, widgets } = world;
  $('agent-none').hidden = agents.length > 0;
  $('agent-who').hidden = !agents.length;
  fillSelect($('agent-email'), agents.map(({ email, alias }) => [email, alias ? `${alias}, ${email}` : email]));
  fillSelect($('transfer-to'), [
    ...agents.map((each) => [JSON.stringify({ agent: each.email }), `agent ${each.alias || each.email}`]),
    ...widgets.map(({ id, name }) => [JSON.stringify({ widget: id }), `widget ${name || id}`]),
  ]);
  showStatus();
  $('levers').hidden = !visit;
  $('no-chat').hidden = Boolean(visit);
  showFacts(visit);
  if (visit) showLevers(visit);
  showHub(state);
}

const chosen = () => state.world.agents.find((each) => each.email === email());

function showStatus() {
  const agent = chosen();
  pill($('agent-state'), agent?.status, STATUS_KINDS[agent?.status]);
  const key = JSON.stringify([agent?.email, agent?.status, agent?.sub_status]);
  if (!agent || key === shownAgent) return;
  shownAgent = key;
  $('agent-status').value = agent.status;
  $('sub-status').value = agent.sub_status ?? '';
  $('sub-status-field').hidden = agent.status !== 'pause';
}

function showLevers(visit) {
  const agent = chosen();
  const isMine = visit.state === 'agent' && [agent?.email, agent?.alias].includes(visit.agent);
  $('take').disabled = visit.state !== 'queued' || agent?.status !== 'online';
  $('close').disabled = !isMine;
  for (const [form, isOn] of [['agent-say', isMine], ['transfer', isMine], ['label', isMine],
    ['fail', visit.state !== 'closed'], ['event', true]]) {
    for (const field of $(form).elements) field.disabled = !isOn;
  }
}

function showFacts(visit) {
  const rows = visit ? Object.entries({
    Case: el('code', {}, visit.case_id),
    Widget: visit.widget,
    Page: visit.page_url,
    Agent: visit.agent,
    'Ended by': visit.ended_by,
    Labels: visit.labels?.map(({ name, value }) => `${name}: ${value}`).join(', '),
    Tags: visit.tags?.join(', '),
    Banned: visit.banned,
    'Context id': visit.context_id,
  }) : [];
  $('facts').replaceChildren(...rows.filter(([, value]) => value)
    .flatMap(([name, value]) => [el('dt', {}, name), el('dd', { dir: 'auto' }, value)]));
}

async function does(verb, body, who = email()) {
  await agentApi(who, verb, body);
  await refresh('visit', 'visits', 'world', 'deliveries');
}

async function setStatus() {
  const status = $('agent-status').value;
  const reason = $('sub-status').value;
  await does('status', { status, ...(status === 'pause' && reason && { sub_status: reason }) });
}

/** Says a text, or does what an agent types it for: `/email=jane@example.com`, `\ban`. */
async function say(text) {
  const case_id = selected();
  const [, field, value] = text.match(/^\/(name|phone|email)=(.+)$/) ?? [];
  const [, ban] = text.match(/^\\(ban|banip)$/) ?? [];
  if (ban) return does('ban', { case_id, what: ban === 'ban' ? 'visitor' : 'ip' });
  if (!field) return does('say', { case_id, text });
  if (field === 'email') await visitApi('email', { email: value });
  hubCaptured(field, value);
  await refresh('visit', 'visits', 'deliveries');
}

$('agent-email').onchange = () => showAgent(state);
for (const id of ['agent-status', 'sub-status']) $(id).onchange = () => attempt(setStatus);
onClick('take', () => does('take', { case_id: selected() }));
onClick('close', () => does('close', { case_id: selected() }));
onSubmit('agent-say', async (data, { target }) => {
  const text = data.get('text');
  if (!text.trim()) return;
  await say(text);
  target.reset();
});
onSubmit('transfer', (data) => does('transfer', { case_id: selected(), to: JSON.parse(data.get('to')) }));
onSubmit('label', async (data, { target }) => {
  await does('label', { case_id: selected(), name: data.get('name'), value: data.get('value') });
  target.reset();
});
onSubmit('fail', (data) => visitApi('fail-transfer', { error: data.get('error') }));
onSubmit('event', async (data) => {
  await visitApi('event', JSON.parse(data.get('json')));
  await refresh('visit', 'visits', 'deliveries');
});
