// What play can pause at: a condition on a round, and the step of the round that shows it.
import { tested } from './nodes.js';

const ROUND = /^round\.([1-9]\d{0,5})$/;
const last = ({ steps }) => steps.length - 1;
const has = ({ record }, verdict) => record.nodes.verdict.includes(verdict);
const isFull = ({ record }) => record.emitted.origin.at(-1) === 'bonus';

export const RULES = {
  rejected: ['a rejection', (round) => has(round, 'rejected') && judgeOf(round, 'rejected')],
  nothing: ['nothing accepted', (round) => has(round, 'rejected') && !has(round, 'accepted') && last(round)],
  everything: ['all accepted', (round) => isFull(round) && last(round)],
  hole: ['a cache’s hole', (round) => isFull(round) && hasHole(round) && stepOf(round, 'commit')],
};

// The number in "round.12", or nothing.
export const roundIn = (wanted) => Number(ROUND.exec(wanted)?.[1] ?? 0);

export const isKnown = (wanted) => wanted === '' || Object.hasOwn(RULES, wanted) || roundIn(wanted) > 0;

// The step of a round at which play pauses, or -1.
export function pauseIn(round, wanted) {
  if (roundIn(wanted)) return round.index + 1 === roundIn(wanted) ? 0 : -1;
  const step = RULES[wanted]?.[1](round) ?? false;
  return step === false ? -1 : step;
}

const stepOf = ({ steps }, phase) => steps.findIndex((step) => step.phase === phase);

// Nodes are judged one a step.
const judgeOf = (round, verdict) => {
  const { nodes } = round.record;
  return stepOf(round, 'judge') + tested(nodes).findIndex((node) => nodes.verdict[node] === verdict);
};

// A cache may hold all committed tokens but the last, which is the next root.
const hasHole = ({ record: { caches, start, emitted } }) => caches.some(({ before, kept }) => before + kept.length < start + emitted.token.length - 1);
