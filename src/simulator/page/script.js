// A chat as a `.chat` script: what the bot was sent, and what it answered. See the module `testing`.

const line = (keyword, rest) => `${keyword} ${rest.trim()}`.trimEnd();
const escaped = (text) => text.replaceAll('\n', '\\n');
const target = (text, to) => `[${text}]${to ? `(${to})` : ''}`;

function said(keyword, text) {
  const [first, ...rows] = text.split('\n');
  return [line(keyword, first), ...rows.map((row) => line('  |', row))];
}

/** A field below `chat opens`: as it is if it would be read as that text, and as JSON if not. */
function field([name, value]) {
  const isPlain = typeof value === 'string' && !/^[{["]/.test(value) && value.trim() === value && !value.includes('\n');
  return `  ${name}: ${isPlain ? value : JSON.stringify(value)}`;
}

function click(text, id, buttons) {
  if (id) return [`visitor clicks: ${target(text, id)}`];
  return buttons.some((each) => each.text === text) ? [`visitor clicks: ${text}`] : said('visitor:', text);
}

function happens({ widget_id, case_id, timestamp, context_id, event, ...fields }, buttons) {
  const { text, from, id, failedCommands, ...rest } = fields;
  const isBare = Object.keys(rest).length === 0;
  if (event === 'chatStarted') return ['chat opens', ...Object.entries(fields).map(field)];
  if (event === 'chatClosed' && !Object.keys(fields).length) return ['chat closes'];
  if (event === 'message' && from === 'visitor' && typeof text === 'string' && isBare) return click(text, id, buttons);
  if (event === 'commandResult' && failedCommands?.length === 1 && isBare) {
    return [`transfer fails: ${failedCommands[0].error}`];
  }
  return [`event: ${event} ${JSON.stringify(fields)}`];
}

const OPERATIONS = ['BYE', 'BAN', 'BAN_IP', 'HUMAN_TRANSFER', 'TRANSFER', 'TAG_TRANSFER', 'WIDGET_TRANSFER',
  'WIDGET_HUMAN_TRANSFER', 'GOTO', 'LABEL', 'CARDS'];

function command({ operation, parameters }) {
  if (operation === 'CARDS' && Array.isArray(parameters?.cards)) {
    const card = ({ title = '', link, excerpt = '' }) => line(`  ${target(title, link)}`, escaped(excerpt));
    return [line('bot does:', `CARDS ${parameters.layout ?? ''}`), ...parameters.cards.map(card)];
  }
  const isText = typeof parameters === 'string' && OPERATIONS.includes(operation);
  const rest = isText ? escaped(parameters) : JSON.stringify(parameters) ?? '';
  return [line('bot does:', `${operation} ${rest}`)];
}

function content(each) {
  if (each.type === 'message' && typeof each.text === 'string') {
    const buttons = each.display_responses ?? [];
    return [...said('bot:', each.text), ...buttons.map(({ text, id }) => `  ${target(text, id)}`)];
  }
  if (each.type === 'command' && typeof each.operation === 'string') return command(each);
  return [line('bot sends:', JSON.stringify(each))];
}

const read = (text) => {
  try { return JSON.parse(text); } catch { return null; }
};

/** Writes the deliveries to the bot of one chat, in their order. */
export function chatScript(deliveries) {
  const rows = [];
  let buttons = [];
  let last = '';
  for (const { request, response, error } of deliveries) {
    const event = read(request.body);
    if (!event) continue;
    rows.push(...(request.body === last ? ['same again'] : happens(event, buttons)));
    last = request.body;
    const reply = response?.status === 200 ? read(response.body) : null;
    const isAnswer = reply || (response?.status < 300 && !response.body);
    if (!isAnswer) rows.push(`# no answer that could be read: ${error ?? response?.status ?? 'none'}`);
    const contents = Array.isArray(reply?.content) ? reply.content : [];
    rows.push(...contents.flatMap(content));
    if (reply?.context_id) rows.push(`bot context: ${reply.context_id}`);
    const texts = contents.filter(({ type }) => type === 'message');
    if (texts.length) buttons = texts.flatMap(({ display_responses }) => display_responses ?? []);
  }
  return `${rows.join('\n')}\n`;
}
