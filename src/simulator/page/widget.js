/*
 * The object `SnapEngage` of the JavaScript API, for a developer's own page: its callbacks, its
 * methods and a small chat box. See https://developer.snapengage.com/#javascript-api
 *
 * The server puts the widget's id, its own address and `widget.css` in: texts in JSON for the texts
 * in double braces, quotes included. The script calls these, which any origin may. Answers are JSON, errors
 * are {"code", "message"}, and all have `Access-Control-Allow-Origin: *`. A body is JSON sent as
 * `text/plain`, which needs no preflight.
 *
 *   GET  /_v/widgets/{widget}
 *        {"name", "online", "email_required", "message_required", "agent"?: ALIAS,
 *         "widgets": [{"id", "name"}], "variables"?: [NAME...], "proactive"?: {"message"}}
 *   POST /_v/widgets/{widget}/chats
 *        {"text"?, "email"?, "name"?, "page_url", "entry_url", "referrer_url"?, "locale", "visitor",
 *         "proactive_message"?, "variables": {}}   VIEW and its "chat", which cannot be guessed;
 *        the IP address and the user agent are the request's
 *   POST /_v/widgets/{widget}/offline
 *        {"email", "text", "name"?, "page_url", "variables": {}}   {}
 *   GET  /_v/chats/{chat}?after=N&wait=S
 *        VIEW, once it has changed, and after S seconds at the latest
 *   POST /_v/chats/{chat}/VERB?after=N
 *        say {"text", "hidden"?}, click {"text", "id"?}, survey {"score", "comment"?}, leave {},
 *        page {"page_url"}   VIEW, once the bot has answered
 *
 * VIEW is {"state", "agent"?: ALIAS, "ended_by"?, "lines"}: the lines of the visit after N, but for
 * those said hidden, of which the visitor is not told.
 */
(() => {
  'use strict';

  let widgetId = '{{widget}}';
  const base = '{{base}}';
  if (window.SnapEngage) return;

  const CALLBACKS = ['Open', 'Close', 'Minimize', 'StartChat', 'StartCallme', 'ChatMessageSent', 'ChatMessageReceived',
    'ChatEnded', 'InlineButtonClicked', 'RatingPromptClicked', 'MessageSubmit', 'OpenProactive', 'SwitchWidget'];
  const STORED = 'snapengage-simulator-chat';
  const COOKIES = {
    email: 'SnapABugUserEmail',
    name: 'SnapABugUserAlias',
    visitor: 'SnapABugVisitor',
    quiet: 'SnapABugNoProactive',
  };
  const listeners = new Map();
  const warned = new Set();
  const fields = {};
  const settings = { sound: false, proactive: true, quietMinutes: 30, closeMinutes: 2, locale: '', locked: false };
  let info = { online: false, widgets: [] };
  let chat = null;
  let shown = '';          // What the box shows: prechat, offline, callme, chat, survey, proactiveInvite.
  let invitation = null;   // What the agent has said before the visitor did.
  let closing = 0;
  let isStarting = false;

  // The page's own mistakes are the page's.
  function fire(name, ...values) {
    try {
      listeners.get(name.toLowerCase())?.(...values);
    } catch (error) {
      console.error(`SnapEngage: the callback ${name} has failed`, error);
    }
  }

  function cookie(name) {
    const found = document.cookie.split('; ').find((each) => each.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
  }

  /** Sets a cookie for so many minutes, and until the browser is closed for 0. */
  function setCookie(name, value, minutes = 60 * 24 * 365) {
    const age = minutes ? `; max-age=${Math.round(minutes * 60)}` : '';
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; SameSite=Lax${age}`;
  }

  async function call(path, body) {
    const options = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${base}/_v${path}`, options);
    const value = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(value.message), { status: answer.status });
    return value;
  }

  const ofWidget = (rest = '') => `/widgets/${encodeURIComponent(widgetId)}${rest}`;
  const ofChat = (verb, body) => call(`/chats/${chat.key}/${verb}?after=${chat.after}`, body).then(apply);
  const status = () => (info.online ? 'online' : 'offline');

  async function look() {
    info = await call(ofWidget()).catch(() => ({ online: false, widgets: [] }));
    launch.textContent = info.online ? 'Chat with us' : 'Leave a message';
    return info;
  }

  function variables() {
    const names = [...(info.variables ?? []), '__hmacSignature', '__hmacNonce', '__hmacTimestamp'];
    const known = names.filter((name) => window[name] !== undefined).map((name) => [name, String(window[name])]);
    const { email, name, text, ...rest } = fields;
    return { ...rest, ...Object.fromEntries(known) };
  }

  // The chat.

  async function start(text, email, name) {
    const visitor = cookie(COOKIES.visitor) || crypto.randomUUID?.() || String(Math.random());
    setCookie(COOKIES.visitor, visitor);
    if (chat?.isOn || isStarting) return;
    isStarting = true;
    const type = invitation?.type ?? 'manual';
    const locale = settings.locale || navigator.language;
    const given = { text, email, name, locale, proactive_message: invitation?.message };
    const here = { page_url: location.href, entry_url: location.href, referrer_url: document.referrer };
    const known = Object.entries({ ...given, ...here }).filter(([, value]) => value);
    const started = call(ofWidget('/chats'), { ...Object.fromEntries(known), visitor, variables: variables() });
    fire('StartChat', email, text, type);
    const view = await started.finally(() => { isStarting = false; });
    invitation = null;
    chat = { key: view.chat, after: 0, type, isOn: true };
    sessionStorage.setItem(STORED, JSON.stringify({ key: chat.key, type, widgetId }));
    show('chat');
    apply(view);
    follow(chat);
  }

  const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

  async function follow(mine) {
    while (chat === mine && mine.isOn) {
      try {
        apply(await call(`/chats/${mine.key}?after=${mine.after}&wait=${document.hidden ? 0 : 20}`), mine);
        // A browser has six connections to a host: a tab that nobody sees does not hold one.
        if (document.hidden) await pause(5000);
      } catch (error) {
        if (error.status === 404) return forget(mine);
        await pause(2000);
      }
    }
  }

  function forget(mine) {
    mine.isOn = false;
    sessionStorage.removeItem(STORED);
  }

  /** Shows the lines that are new; two answers may bring the same. */
  function apply(view, mine = chat) {
    if (!mine || mine !== chat) return;
    mine.alias = view.agent ?? mine.alias;
    for (const line of view.lines.filter(({ n }) => n > mine.after)) {
      mine.after = line.n;
      mine.alias = line.from === 'bot' ? line.alias : mine.alias;
      log.append(lineNode(line));
      if (line.from === 'visitor') for (const button of log.querySelectorAll('.choice')) button.disabled = true;
      if (['bot', 'agent'].includes(line.from) && line.text !== undefined && mine.type !== 'resumed') received(line);
    }
    log.scrollTop = log.scrollHeight;
    if (view.state === 'closed' && mine.isOn) ended(view.ended_by === 'visitor');
  }

  function received({ alias, text }) {
    if (settings.sound && navigator.userActivation?.hasBeenActive) beep();
    fire('ChatMessageReceived', alias ?? '', text);
  }

  function beep() {
    const audio = new AudioContext();
    const tone = audio.createOscillator();
    tone.connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.08);
    tone.onended = () => audio.close();
  }

  function ended(endedByUser) {
    forget(chat);
    if (shown === 'chat') show('survey');
    fire('ChatEnded', { endedByUser });
  }

  async function leave() {
    if (!chat?.isOn) return;
    const path = `/chats/${chat.key}/leave`;
    ended(true);
    await call(path, {}).catch(complain);
  }

  // The box. What a bot says is text in it, and never markup.

  function el(tag, props, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props ?? {})) {
      if (name in node) node[name] = value;
      else node.setAttribute(name, value);
    }
    node.append(...children.filter(Boolean));
    return node;
  }

  function link(address) {
    if (!/^https?:\/\//i.test(address) || !URL.canParse(address)) return el('span', {}, String(address));
    return el('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, address);
  }

  function linked(text) {
    const parts = text.split(/(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]}])/i);
    return parts.map((part, n) => (n % 2 ? link(part) : part));
  }

  function lineNode({ from, alias, text, buttons = [], cards, goto: address }) {
    const node = el('div', { className: `row ${from}`, dir: 'auto' });
    if (address !== undefined) node.append('→ ', link(address));
    if (text !== undefined) node.append(el('p', { className: 'text', dir: 'auto' }, ...linked(text)));
    for (const { title, excerpt, link: target } of cards?.cards ?? []) {
      const rest = [excerpt && el('span', {}, excerpt), target && link(target)];
      node.append(el('p', { className: 'card' }, el('b', {}, title), ...rest));
    }
    for (const button of buttons) {
      const onclick = () => choose(button, alias);
      node.append(el('button', { type: 'button', className: 'choice', onclick }, button.text));
    }
    return node;
  }

  function choose(button, botName) {
    const { text, id = text } = button;
    fire('InlineButtonClicked', { botName: botName ?? '', buttonLabel: text, buttonValue: id });
    ofChat('click', button).catch(complain);
  }

  const log = el('div', { className: 'log', role: 'log', tabIndex: 0, 'aria-label': 'Conversation' });
  const content = el('div', { className: 'content' });
  const problem = el('p', { className: 'problem', role: 'alert' });
  const minimise = el('button', { type: 'button', 'aria-label': 'Minimize', onclick: toggle }, '–');
  const title = el('h2', {}, 'Chat');
  const closer = el('button', { type: 'button', 'aria-label': 'Close', onclick: close }, '×');
  const box = el('section', { role: 'dialog', className: 'box', hidden: true, 'aria-label': 'Chat' },
    el('header', {}, title, minimise, closer), content, problem);
  const launch = el('button', { type: 'button', className: 'launch', onclick: () => api.startLink() }, 'Chat with us');

  function complain(error) {
    problem.textContent = error.message;
  }

  function field(label, name, props = {}) {
    const input = el(props.tag ?? 'input', { name, value: fields[name] ?? '', dir: 'auto', ...props });
    return el('label', {}, el('span', {}, label), input);
  }

  function form(handler, send, ...nodes) {
    const made = el('form', {}, ...nodes, el('button', { type: 'submit', className: 'main' }, send));
    made.onsubmit = (event) => {
      event.preventDefault();
      problem.textContent = '';
      Promise.resolve(handler(Object.fromEntries(new FormData(made)), made)).catch(complain);
    };
    return made;
  }

  function customFields() {
    const names = Object.keys(fields).filter((name) => !['email', 'name', 'text'].includes(name));
    return names.map((name) => field(name, name, { oninput: ({ target }) => { fields[name] = target.value; } }));
  }

  function person(isEmailRequired) {
    const email = { type: 'email', required: isEmailRequired, readOnly: settings.locked, autocomplete: 'email' };
    return [field('Name', 'name', { autocomplete: 'name' }), field('Email', 'email', email), ...customFields()];
  }

  const message = (required) => field('Message', 'text', { tag: 'textarea', rows: 3, required });

  function remember({ email, name }) {
    if (email) setCookie(COOKIES.email, fields.email = email);
    if (name) setCookie(COOKIES.name, fields.name = name);
  }

  function selector() {
    if (info.widgets.length < 2) return null;
    const list = el('select', {}, ...info.widgets.map(({ id, name }) => el('option', { value: id }, name || id)));
    list.value = widgetId;
    list.onchange = () => {
      fire('SwitchWidget', list.value);
      switchWidget(list.value);
    };
    return el('label', {}, el('span', {}, 'Department'), list);
  }

  function composer(handler) {
    const made = form(handler, 'Send', field('Message', 'message', { required: true, autocomplete: 'off' }));
    made.className = 'composer';
    return made;
  }

  const small = (text, onclick) => el('button', { type: 'button', className: 'small', onclick }, text);

  const VIEWS = {
    prechat: () => [form(({ text, email, name }) => {
      remember({ email, name });
      return start(text, email, name);
    }, 'Start chat', selector(), ...person(info.email_required),
    message(Boolean(info.message_required))), small('Call me', () => show('callme'))],
    offline: () => [form(async ({ text, email, name }) => {
      remember({ email, name });
      await call(ofWidget('/offline'), { email, text, name, page_url: location.href, variables: variables() });
      fire('MessageSubmit', email, text);
      thank('Thank you. Your message is sent.');
    }, 'Send message', selector(), ...person(true), message(true))],
    callme: () => [form(({ phone }) => {
      fire('StartCallme', phone);
      thank('A simulator calls nobody, but the page was told.');
    }, 'Call me', field('Phone', 'phone', { type: 'tel', required: true }))],
    proactiveInvite: () => [el('p', { className: 'text', dir: 'auto' }, invitation.message), composer(({ message }) =>
      start(message, fields.email ?? '', fields.name ?? ''))],
    chat: () => [log, composer(({ message }, made) => {
      made.reset();
      fire('ChatMessageSent', message);
      return ofChat('say', { text: message });
    }), small('End chat', leave)],
    survey: () => [log, el('fieldset', {}, el('legend', {}, 'Were you helped?'), ...[1, 2, 3, 4, 5].map(star))],
  };
  const TITLES = {
    prechat: 'Chat with us',
    offline: 'Leave a message',
    callme: 'Call me',
    survey: 'The chat has ended',
  };

  function star(stars) {
    const onclick = () => rate(stars);
    return el('button', { type: 'button', className: 'star', 'aria-label': `${stars} of 5`, onclick }, '★');
  }

  const thank = (text) => content.replaceChildren(el('p', { role: 'status' }, text));

  function rate(stars) {
    fire('RatingPromptClicked', chat.alias ?? '', 'STAR', stars);
    const { key } = chat;
    const done = form(async ({ comment }) => {
      await call(`/chats/${key}/survey`, { score: stars * 20, ...(comment && { comment }) });
      thank('Thank you.');
    }, 'Send', field('Comment', 'comment'));
    content.replaceChildren(done);
    done.querySelector('input').focus();
  }

  function show(view) {
    clearTimeout(closing);
    shown = view;
    problem.textContent = '';
    box.hidden = false;
    launch.setAttribute('aria-expanded', 'true');
    box.classList.remove('small-box');
    title.textContent = TITLES[view] ?? 'Chat';
    content.replaceChildren(...VIEWS[view]());
    log.scrollTop = log.scrollHeight;
  }

  const focus = () => content.querySelector('input, textarea, button')?.focus();

  function open() {
    if (!chat?.isOn) log.replaceChildren();
    show(chat?.isOn ? 'chat' : info.online ? 'prechat' : 'offline');
    focus();
    fire('Open', status());
  }

  async function close() {
    const isForm = ['prechat', 'offline', 'callme'].includes(shown);
    const isInvited = shown === 'proactiveInvite' || chat?.type === 'proactive';
    hide();
    launch.focus();
    setCookie(COOKIES.quiet, '1', settings.quietMinutes);
    await leave();
    fire('Close', isForm ? 'form' : isInvited ? 'proactive' : 'chat', status());
  }

  function hide() {
    clearTimeout(closing);
    box.hidden = true;
    shown = '';
    launch.removeAttribute('aria-expanded');
  }

  function toggle() {
    const isSmall = box.classList.toggle('small-box');
    minimise.setAttribute('aria-label', isSmall ? 'Maximize' : 'Minimize');
    const isProactive = shown === 'proactiveInvite' || chat?.type === 'proactive';
    const boxType = ['chat', 'survey'].includes(shown) ? (isProactive ? 'proactive' : 'chatManual') : shown;
    fire('Minimize', isSmall, isProactive ? 'proactive' : 'manual', boxType);
  }

  function invite(message, type) {
    invitation = { message, type };
    log.replaceChildren();
    show('proactiveInvite');
  }

  // The methods.

  function deprecated(name, instead) {
    return (...values) => {
      if (!warned.has(name)) console.warn(`SnapEngage.${name}() is deprecated`);
      warned.add(name);
      return instead?.(...values);
    };
  }

  function setCallback(name, callback) {
    const key = String(name).toLowerCase();
    if (!CALLBACKS.some((each) => each.toLowerCase() === key)) console.warn(`SnapEngage: there is no callback ${name}`);
    if (typeof callback === 'function') listeners.set(key, callback);
    else listeners.delete(key);
  }

  async function openProactiveChat(forced, offlineFallback, message, minimizedView) {
    if (chat?.isOn || (!forced && (!settings.proactive || cookie(COOKIES.quiet)))) return;
    await look();
    if (!info.online) {
      if (offlineFallback) open();
      return;
    }
    const text = message || info.proactive?.message || 'Hello! How can I help you?';
    invite(text, 'proactive');
    if (minimizedView) box.classList.add('small-box');
    if (settings.closeMinutes) closing = setTimeout(hide, settings.closeMinutes * 60000);
    fire('OpenProactive', info.agent ?? '', text);
  }

  function sendTextToChat(text, to) {
    if (!chat?.isOn) return false;
    if (to !== 'visitor') ofChat('say', { text, hidden: true }).catch(complain);
    else log.append(lineNode({ from: 'agent', alias: chat.alias, text }));
    return to !== 'visitor';
  }

  function switchWidget(id, callback) {
    if (!id) {
      console.warn('SnapEngage.switchWidget() needs the id of a widget');
      return false;
    }
    widgetId = id;
    look().then(() => {
      if (shown === 'prechat' || shown === 'offline') show(info.online ? 'prechat' : 'offline');
      callback?.();
    });
    return undefined;
  }

  function setCustomField(name, value) {
    const known = { email: 'email', name: 'name', description: 'text', message: 'text' }[name.toLowerCase()];
    fields[known ?? name] = value;
  }

  const setCloseDelay = (minutes) => { settings.closeMinutes = minutes; };

  const api = {
    callbacks: Object.fromEntries(CALLBACKS.map((name) => [name.replace(/\B[A-Z]/g, '_$&').toUpperCase(), name])),
    setCallback,
    allowChatSound: (allow) => { settings.sound = Boolean(allow); },
    allowProactiveChat: (allow) => { settings.proactive = Boolean(allow); },
    clearAllCookies: () => { for (const name of Object.values(COOKIES)) setCookie(name, '', -1); },
    endChat: async ({ closeChatBox } = {}) => {
      if (closeChatBox && shown) hide();
      await leave();
    },
    getAgentStatusAsync: (callback) => { look().then(({ online }) => callback(Boolean(online))); },
    getWidgetId: () => widgetId,
    hideButton: () => { launch.hidden = true; },
    showButton: () => { launch.hidden = false; },
    openProactiveChat,
    sendTextToChat,
    setCustomField,
    setDescription: (text) => { fields.text = text; },
    setLocale: (code) => {
      settings.locale = code;
      // Hebrew is `rw` in the vendor's table.
      box.lang = code === 'rw' ? 'he' : code.replace('_', '-');
      box.dir = ['ar', 'rw', 'he'].includes(code) ? 'rtl' : 'ltr';
    },
    setNoProactiveChatDelay: (minutes) => { settings.quietMinutes = minutes; },
    setProactiveAutoCloseDelay: setCloseDelay,
    setProactiveAutocloseDelay: setCloseDelay,
    setUserEmail: (email, locked) => {
      fields.email = email;
      settings.locked = Boolean(locked);
    },
    setUserName: (name) => { fields.name = name; },
    startChat: (message) => { look().then(() => { invite(message, 'manual'); fire('Open', status()); }); },
    startLink: () => { look().then(open); },
    switchWidget,
    allowPageChangeNotification: deprecated('allowPageChangeNotification'),
    allowScreenshot: deprecated('allowScreenshot'),
    disableLightbox: deprecated('disableLightbox'),
    setButtonEffect: deprecated('setButtonEffect'),
    setChatFormPosition: deprecated('setChatFormPosition'),
    setWidgetId: deprecated('setWidgetId', switchWidget),
  };
  window.SnapEngage = api;
  window.SnapABug = api;
  window.SnapEngageChat = {
    reInitProactiveRules: ({ force } = {}) => { if (info.proactive) openProactiveChat(Boolean(force), false); },
  };

  async function load() {
    const host = el('div', { id: 'snapengage-simulator' });
    const root = host.attachShadow({ mode: 'open' });
    // A style sheet made this way is allowed under any policy of the page.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('{{style}}');
    root.adoptedStyleSheets = [sheet];
    root.append(box, launch);
    box.addEventListener('keydown', ({ key }) => { if (key === 'Escape' && !box.classList.contains('small-box')) toggle(); });
    document.body.append(host);
    fields.email ??= cookie(COOKIES.email);
    fields.name ??= cookie(COOKIES.name);
    const stored = JSON.parse(sessionStorage.getItem(STORED) ?? 'null');
    if (stored) widgetId = stored.widgetId;
    await look();
    if (stored) resume(stored);
    else if (info.proactive) openProactiveChat(false, false);
  }

  /** Goes on with the chat that was on before the visitor went to this page. */
  function resume({ key, type }) {
    const mine = { key, type, after: 0, isOn: true };
    chat = { ...mine, type: 'resumed' };
    call(`/chats/${key}/page`, { page_url: location.href }).then((view) => {
      show('chat');
      apply(view);
      chat.type = type;
      follow(chat);
    }).catch(() => forget(chat));
  }

  if (document.body) load();
  else document.addEventListener('DOMContentLoaded', load);
})();
