// What arrives of a run: its header, its rounds, its end, and what is said beside them.
import { keepUp } from './course.js';
import { meaning } from './legend.js';
import { showMachine } from './machine.js';
import { stillness } from './stillness.js';
import { Tape } from './tape.js';
import { wordOnArrival } from './waiting.js';

const LEGENDS = [['tree', 'legend'], ['judgement', 'bars'], ['caches', 'slots'], ['timeline', 'phases']];

export function receive(player, lines) {
  for (const line of lines.split('\n')) if (line) apply(player, JSON.parse(line));
  player.silence.heard();
}

function apply(player, message) {
  const { kind, text, run } = message, isLeft = run !== player.tape?.header.run || player.tape?.isPast;
  if (kind === 'header') load(player, message);
  else if (kind === 'model') player.notice(text, message.is_problem, '.state');
  else if (kind === 'problem') refuse(player, text);
  else if (isLeft && !(kind === 'status' && !run)) return; // of a run that was left; some words are of none
  else if (kind === 'status') mention(player, text, !run);
  else if (kind === 'round') add(player, message);
  else if (kind === 'end') finish(player, message);
}

function load(player, header) {
  player.turn += 1;
  player.address.part();
  player.tape = new Tape(header);
  player.position = -1;
  player.text.clear(header);
  player.facts.show([]);
  player.board.clear();
  player.voice.tell('');
  player.notice(wordOnArrival(player), false);
  if (!player.tape.isLive) player.told.forget();
  player.stage.querySelector('.tree .how').textContent = header.how ?? '';
  for (const [panel, key] of LEGENDS) {
    player.stage.querySelector(`.${panel} .legend`).replaceChildren(...(header[key] ?? []).map(meaning));
  }
  player.showName();
  showMachine(document.querySelector('#header .model'), header.header);
  player.isFollowing = player.tape.isLive && (player.wantsLive || stillness.matches);
  player.clock.stop();
  if (!player.isFollowing && !stillness.matches) player.clock.start();
  player.show(false);
  player.onRun(header.run);
}

// The course of a run is no reason to take away what went wrong, of a file or of the run after it.
function mention(player, text, isNews) {
  if (isNews || !player.saysProblem) player.notice(text, false);
}

// A run that was refused does not wait any more.
function refuse(player, text) {
  player.waits = Math.max(0, player.waits - 1);
  player.notice(text, true);
}

function add(player, round) {
  const wrong = player.tape.add(round);
  if (wrong) return complain(player, wrong);
  player.text.add(round);
  if (player.isFollowing) keepUp(player, round);
  else if (player.position < 0 && !player.clock.isRunning) player.place(player.tape.last(0), false);
  else player.bar.show(player);
}

function finish(player, message) {
  player.tape.close(message);
  if (!player.tape.lack) mention(player, message.note ?? '', Boolean(message.note));
  player.show(false);
}

// What was lost stays lost: said until another run is loaded.
function complain(player, wrong) {
  const { tape } = player;
  player.problems.push(wrong);
  tape.lack ||= `Part of the run was lost on its way: ${wrong}. It cannot be saved; decode again.`;
  player.notice(tape.lack, true);
}
