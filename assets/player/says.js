// What a step shows in a sentence, for those who do not see it; the round's own comes with it.
import { depths } from './nodes.js';
import { share } from './share.js';

const SIGN = /u (\S+) ([<≥])/;
const WORDS = { '<': 'below', '≥': 'not below' };

export function stepSays(round, step) {
  const { phase, label } = round.steps[step];
  if (phase === 'emit') return round.says;
  const told = { draft, judge, commit }[phase]?.(round, step) || label.split(' · ').slice(1).join(' · ');
  const level = phase === 'draft' ? ` level ${levelOf(round, step)}` : '';
  return `Round ${round.index + 1}, ${phase}${level}${told ? `: ${told}` : ''}`;
}

// Levels are drafted one a step, from the first step on.
const levelOf = (round, step) => step + 1;

// How many tokens, and the likeliest of them.
function draft(round, step) {
  const { token, draft_prob: q } = round.record.nodes;
  const level = depths(round.record.nodes).flatMap((each, node) => (each === levelOf(round, step) ? [node] : []));
  if (!level.length) return '';
  const best = level.reduce((one, other) => (q[other] > q[one] ? other : one));
  const known = q[best] === null ? '' : ` draft probability ${share(q[best]).replace(/^0/, '')}`;
  const name = `“${round.record.pieces[token[best]] ?? ''}”${known}`;
  return level.length === 1 ? name : `${level.length} tokens, likeliest ${name}`;
}

// The judgement's heading, its signs in words.
function judge(round, step) {
  const title = round.panels.judgement?.titles?.[step] ?? '';
  return title.replaceAll('␣', ' ').replace(SIGN, (_, u, sign) => `u ${u} ${WORDS[sign]}`);
}

function commit(round) {
  return round.record.caches.map(({ name, written, kept }) => `${name} cache keeps ${kept.length} of ${written} slots written`).join(', ');
}
