// The vendor's Hub, as the developer's page in its frame sees it: 22 events to it, 10 actions from it.
// See https://developer.snapengage.com/#hub-sdk

import { $, attempt, el, fillSelect, onSubmit, same } from './dom.js';
import { agentApi, refresh, selected, state } from './store.js';

const said = (text) => ({ message: { type: 'text', text } });
/** Every event, and what its data is like. */
const EVENTS = {
  conversation_started: { type: 'Text', text: 'Hello' },
  name_captured: { name: 'Jane' },
  phone_captured: { phone: '555-1234' },
  // The vendor's page prints the key of the phone here: a page may read either.
  email_captured: { email: 'jane@example.com', phone: 'jane@example.com' },
  agent_message_received: said('Hello'),
  visitor_message_received: said('Hello'),
  visitor_typing: said('Hel'),
  visitor_page_update: { page: 'https://example.com/pricing' },
  request_secure_data: { secure_data_type: 'SSN' },
  widget_changed: { changed_widget: 'Sales' },
  weather_info_captured: { temperature_celsius: 21, temperature_fahrenheit: 70, description: 'clear sky' },
};

for (const each of `
  conversation_closed_by_visitor reclaim_transfer_request request_file ban_user call_me
  visitor_transcript_request ignore record auto_translate_enabled auto_translate_disabled
  auto_translate_language_changed`.trim().split(/\s+/)) EVENTS[each] = null;

let frame = null;
let address = '';
let before = null;

function log(arrow, message) {
  $('hub-log').prepend(el('li', {}, `${arrow} ${JSON.stringify(message)}`));
  while ($('hub-log').children.length > 50) $('hub-log').lastChild.remove();
}

function post(type, data, conversationId = selected()) {
  if (!frame || !conversationId) return;
  const agentEmail = $('agent-email').value;
  const isAgents = type !== 'conversation_closed_by_visitor';
  const message = { type, conversationId, ...(isAgents && { agentEmail }), ...(data && { data }) };
  frame.contentWindow.postMessage(message, new URL(address).origin);
  log('→', message);
}

const started = ({ lines }) => post('conversation_started', {
  type: 'Text', text: lines.find(({ from }) => from === 'visitor')?.text ?? '',
});

export function hubCaptured(field, value) {
  post(`${field}_captured`, field === 'email' ? { email: value, phone: value } : { [field]: value });
}

/** Posts what has happened in the chat since it was shown last. */
function postChanges(visit) {
  const old = before?.case_id === visit?.case_id ? before : null;
  before = visit && { ...visit, newest: visit.lines.at(-1)?.n ?? 0 };
  if (!old) return;
  if (visit.state === 'agent' && old.state !== 'agent') started(visit);
  for (const { from, text } of visit.lines.filter(({ n, text }) => n > old.newest && text !== undefined)) {
    if (from === 'visitor') post('visitor_message_received', said(text));
    if (from === 'agent') post('agent_message_received', said(text));
  }
  if (visit.page_url !== old.page_url) post('visitor_page_update', { page: visit.page_url });
  if (visit.widget !== old.widget) post('widget_changed', { changed_widget: visit.widget });
  if (visit.banned && !old.banned) post('ban_user');
  if (visit.ended_by === 'visitor' && !old.ended_by) post('conversation_closed_by_visitor');
}

export function showHub({ world, visit }) {
  const hubs = new Map(world.widgets.map(({ id, hub }) => [id, hub]));
  const hub = visit ? hubs.get(visit.widget) : [...hubs.values()].find(Boolean);
  $('hub').hidden = !hub;
  if (hub && $('hub').open) open(hub);
  postChanges(visit);
}

function open(hub) {
  if (address === hub || new URL(hub).origin === location.origin) return;
  address = hub;
  const sandbox = 'allow-scripts allow-same-origin allow-forms allow-popups';
  frame = el('iframe', { src: hub, title: 'Hub page', sandbox });
  frame.onload = () => { if (state.visit?.state === 'agent') started(state.visit); };
  $('hub-frame').replaceChildren(frame);
}

/** The verb of an action, and its body. */
const ACTIONS = {
  agent_message_received: ({ text, message }) => ['say', { text: text ?? message?.text ?? message }],
  conversation_closed_by_agent: () => ['close', {}],
  label_added: ({ labelName, value }) => ['label', { name: labelName, value }],
  label_removed: ({ labelName, value }) => ['unlabel', { name: labelName, value }],
  transfer_request: ({ widgetId }) => ['transfer', { to: { widget: widgetId } }],
  reclaim_transfer_request: () => ['take', {}],
  request_file: () => ['request', { what: 'file' }],
  request_secure_data: ({ secure_data_type }) => ['request', { what: secure_data_type }],
  ban_user: ({ type }) => ['ban', { what: type === 'IP' ? 'ip' : 'visitor' }],
};
/** Actions that the Hub tells the page of in turn. */
const ECHOED = ['reclaim_transfer_request', 'request_file', 'request_secure_data'];

async function act(message) {
  const { type, conversationId, agent, data = {} } = message ?? {};
  log('←', message);
  if (agent !== $('agent-email').value) throw new Error(`Hub page: ${agent} is not the agent who is signed in`);
  if (type === 'populate_text') {
    $('agent-text').value = String(data.message ?? '');
    return;
  }
  if (!Object.hasOwn(ACTIONS, type)) throw new Error(`Hub page: there is no action ${type}`);
  const [verb, body] = ACTIONS[type](data);
  await agentApi(agent, verb, { case_id: conversationId, ...body });
  if (ECHOED.includes(type)) post(type, type === 'request_secure_data' ? data : undefined, conversationId);
  await refresh('visit', 'visits', 'world', 'deliveries');
}

window.addEventListener('message', ({ source, origin, data }) => {
  if (!frame || source !== frame.contentWindow || origin !== new URL(address).origin) return;
  attempt(() => act(data));
});

$('hub').ontoggle = () => showHub(state);
$('say-text').addEventListener('input', ({ target }) => {
  if (state.visit?.state === 'agent') post('visitor_typing', said(target.value));
});
const showData = () => {
  const data = EVENTS[$('hub-type').value];
  $('hub-data').value = data ? JSON.stringify(data, null, 1) : '';
};
fillSelect($('hub-type'), same(Object.keys(EVENTS)));
showData();
$('hub-type').onchange = showData;
onSubmit('hub-event', () => {
  if (!selected()) throw new Error('An event of the Hub is one of a chat: choose one.');
  post($('hub-type').value, $('hub-data').value.trim() ? JSON.parse($('hub-data').value) : undefined);
});
