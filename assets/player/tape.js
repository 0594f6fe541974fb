// A run as the browser holds it: its header, its rounds, its end, and where its steps lie.
// A position counts the steps of all rounds in one line; position -1 is before the first.
const NONE = [];
export const PENDING = '…'; // a figure of a round that only the end of the run knows

export class Tape {
  constructor(header) {
    this.header = header;
    this.rounds = [];
    this.end = null;
    this.lack = ''; // what is missing of it, in a sentence
    this.isPast = false; // it was left, and stands here again as it was then
    this.starts = [0]; // of every round, and one more: the number of positions
  }

  get size() { return this.rounds.length; }
  get length() { return this.starts[this.size]; }
  get isLive() { return this.header.source === 'live'; }

  // Whether more is to come: rounds, or a figure that is measured after them.
  get isAwaited() {
    const { isLive, end } = this;
    return isLive && (!end || Boolean(end.panels?.facts?.some(({ value }) => value === PENDING)));
  }

  // Says what is wrong with the order of rounds, or nothing.
  add(round) {
    if (round.index < this.size) return `round ${round.index + 1} came twice`;
    if (round.index > this.size) return `rounds ${this.size + 1} to ${round.index} did not arrive`;
    this.starts.push(this.length + round.steps.length);
    this.rounds.push(round);
    return '';
  }

  // The end, or the same again with more known: what rounds could not know yet is told now.
  close(end) {
    const known = end.panels?.facts ?? NONE, before = this.end?.panels?.facts ?? NONE;
    this.end = end;
    for (const { panels } of this.rounds) {
      panels.facts = panels.facts?.map((fact, at) => (fact.value === PENDING || fact === before[at] ? known[at] ?? fact : fact));
    }
  }

  locate(position) {
    let low = 0, high = this.size - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= position) low = middle; else high = middle - 1;
    }
    return { index: low, step: position - this.starts[low] };
  }

  first(index) { return this.starts[Math.max(0, Math.min(index, this.size - 1))]; }
  last(index) { return this.starts[Math.max(0, Math.min(index, this.size - 1)) + 1] - 1; }

  step(position) {
    const { index, step } = this.locate(position);
    return this.rounds[index].steps[step];
  }

  // How long a step took by the decoder's clock: its phase's share of the round, in milliseconds.
  // What is emitted takes no time of its own; a phase without a step goes with the verify pass.
  milliseconds(position) {
    const { index } = this.locate(position);
    const { steps, record } = this.rounds[index];
    const { phase } = this.step(position);
    const stepsOf = (name) => steps.filter((step) => step.phase === (name === 'accept' ? 'judge' : name)).length;
    const own = phase === 'judge' ? 'accept' : phase;
    const names = Object.keys(record.seconds).filter((name) => name === own || (phase === 'verify' && !stepsOf(name)));
    const seconds = names.reduce((sum, name) => sum + record.seconds[name], 0);
    return (1000 * seconds) / steps.filter((step) => step.phase === phase).length;
  }

  isLastOfRound(position) {
    const { index, step } = this.locate(position);
    return step === this.rounds[index].steps.length - 1;
  }

  // The figures that matter: of all rounds before one that is still shown, or it included.
  facts(index, isOver) {
    const { rounds, end } = this;
    const isWhole = isOver && end && index === rounds.length - 1;
    return (isWhole && end.panels?.facts) || (rounds[isOver ? index : index - 1]?.panels.facts ?? NONE);
  }

  // The trace file: the records as they came, one JSON line each.
  lines() {
    const records = [this.header.header, ...this.rounds.map((round) => round.record)];
    if (this.end?.record) records.push(this.end.record);
    return records.map((record) => `${JSON.stringify(record)}\n`).join('');
  }
}
