// Relays what the Hub posts to the server that this page is of, and what the server says to the Hub.
// See https://developer.snapengage.com/#hub-sdk

'use strict';

/** Events that wait for the server, at most. */
const MAX_WAITING = 500;
/** Times that an event is posted whose handler fails. */
const TRIES = 3;
/** Longest pause between two tries, in milliseconds. */
const MAX_PAUSE = 10_000;

const origins = document.documentElement.dataset.origins.split(' ');
const address = location.pathname;

/** Events that the server has not answered, the oldest first. */
const waiting = [];
let number = 0;
let isSending = false;
/** Origin of the Hub, once it has posted an event: actions go there and nowhere else. */
let hub = null;
/** The server's name for this page; empty while there is none. */
let session = '';
/** Id of the last message of the server, to go on behind it. */
let last = '';
let stream = null;

const show = (state) => { document.getElementById('state').textContent = state; };
// Not all pages at once, when a server has been restarted.
const pause = (tries) => new Promise((done) => {
  setTimeout(done, Math.min(1000 * 2 ** tries, MAX_PAUSE) * (0.5 + Math.random() / 2));
});

function open() {
  stream = new EventSource(`${address}?stream=${encodeURIComponent(last)}`);
  stream.addEventListener('session', ({ data, lastEventId }) => {
    [session, last] = [data, lastEventId];
    show('Connected');
    send();
  });
  stream.addEventListener('action', ({ data, lastEventId }) => {
    last = lastEventId;
    if (hub) parent.postMessage(JSON.parse(data), hub);
  });
  stream.onerror = () => {
    show('Connecting …');
    // The browser connects again by itself, unless it was refused.
    if (stream.readyState === EventSource.CLOSED) reopen();
  };
}

async function reopen() {
  stream.close();
  await pause(0);
  open();
}

/** Posts an event, and returns the status of the answer, or 0 without one. */
async function post({ n, body }) {
  const query = new URLSearchParams({ session, n });
  const headers = { 'Content-Type': 'application/json' };
  try {
    return (await fetch(`${address}?${query}`, { method: 'POST', headers, body })).status;
  } catch {
    return 0;
  }
}

/** What to do next with an event that was answered with a status. */
function next(status, event) {
  // The session is over, since the server was restarted or the page was asleep for long.
  if (status === 410) return event.reopened++ < TRIES ? 'reopen' : 'drop';
  // The server, or the one behind a proxy, is not there. It will be.
  if ([0, 502, 504].includes(status)) return 'again';
  if (status >= 500) return ++event.failed < TRIES ? 'again' : 'drop';
  return status === 200 ? 'done' : 'drop';
}

/** Posts the events that wait, one after the other: their order is that of the conversation. */
async function send() {
  if (isSending) return;
  isSending = true;
  for (let tries = 0; session && waiting.length;) {
    const [event] = waiting;
    const status = await post(event);
    const step = next(status, event);
    if (step === 'reopen') {
      [session, last] = ['', ''];
      reopen();
    } else if (step === 'again') {
      await pause(tries++);
    } else {
      if (step === 'drop') console.warn(`Hub page: an event was dropped, the server answered ${status}`);
      waiting.shift();
      tries = 0;
    }
  }
  isSending = false;
}

addEventListener('message', ({ source, origin, data }) => {
  if (source !== parent || !origins.includes(origin)) return;
  // Other scripts of the Hub's page may post messages of their own.
  if (typeof data?.type !== 'string' || data.conversationId === undefined) return;
  hub = origin;
  if (waiting.length === MAX_WAITING) {
    console.warn('Hub page: an event was dropped, too many wait for the server');
    return;
  }
  waiting.push({ n: ++number, body: JSON.stringify(data), reopened: 0, failed: 0 });
  send();
});

open();
