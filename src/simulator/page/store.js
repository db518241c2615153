// What the page knows. All of it is the simulator's: events say what has changed, and it is asked anew.

import { notice } from './dom.js';

export const FEEDS = ['bot', 'integration', 'conversation-events', 'agent-status', 'get-contact'];
export const state = { world: { widgets: [], agents: [] }, visits: [], visit: null, deliveries: new Map(), faults: [] };

const watchers = [];
export const watch = (watcher) => watchers.push(watcher);
export const show = () => watchers.forEach((watcher) => watcher(state));
/** A chat is at an address of its own: the page's with `#`, and its case. */
export const selected = () => location.hash.slice(1);
export const select = (caseId) => { location.hash = caseId; };
const path = (...segments) => segments.map((each) => `/${encodeURIComponent(each)}`).join('');

export async function api(url, body, method = body === undefined ? 'GET' : 'POST') {
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const answer = await fetch(`/_${url}`, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  let said = text;
  try { said = JSON.parse(text).message; } catch { /* the text itself */ }
  throw Object.assign(new Error(said || `status ${answer.status}`), { status: answer.status });
}

/** Posts to the chosen chat, or to the one given. */
export const visitApi = (verb, body = {}, caseId = selected()) => api(path('visits', caseId, verb), body);
export const agentApi = (email, verb, body) => api(path('agents', email, verb), body);

const isPending = (delivery) => !delivery.response && !delivery.error;

const fetchers = {
  async world() {
    state.world = { ...await api('/world'), fetched: Date.now() };
  },
  async visits() {
    state.visits = await api('/visits');
  },
  async visit() {
    const caseId = selected();
    const visit = caseId ? await api(path('visits', caseId)).catch((error) => {
      if (error.status !== 404) throw error;
      return null;
    }) : null;
    if (caseId !== selected()) return;
    state.visit = visit;
    // One that is not known is no step to go back to.
    if (caseId && !visit) location.replace('#');
  },
  async deliveries() {
    const { deliveries } = state;
    // From the first one that is still under way, or from the last.
    const after = ([...deliveries.values()].find(isPending)?.n ?? deliveries.size + 1) - 1;
    for (const each of await api(`/deliveries?after=${after}`)) deliveries.set(each.n, each);
  },
  async faults() {
    state.faults = await api('/faults');
  },
};

const dirty = new Set();
let running = false;

/** Asks for these anew; what is asked for meanwhile waits its turn. */
export async function refresh(...names) {
  for (const name of names) dirty.add(name);
  if (running) return;
  running = true;
  try {
    while (dirty.size) {
      const round = [...dirty];
      dirty.clear();
      await Promise.all(round.map((name) => fetchers[name]()));
      show();
    }
  } catch (error) {
    // Without a connection the stream of events ends as well, and all is asked for when it is back.
    dirty.clear();
    if (error.status) notice(error.message);
  } finally {
    running = false;
  }
}

export function refreshAll() {
  state.deliveries = new Map();
  return refresh(...Object.keys(fetchers));
}

const CHANGES = {
  visit: ['visits', 'visit'],
  delivery: ['deliveries'],
  agent: ['world'],
  world: ['world', 'faults'],
};

export function listen(onLink) {
  const events = new EventSource('/_/events');
  events.onopen = () => refreshAll().then(() => onLink(true));
  events.onerror = () => {
    onLink(false);
    // Browsers give up on an answer that is no stream.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => listen(onLink), 2000);
  };
  for (const [name, names] of Object.entries(CHANGES)) events.addEventListener(name, () => refresh(...names));
  events.addEventListener('reset', refreshAll);
}

window.addEventListener('hashchange', () => refresh('visit'));
