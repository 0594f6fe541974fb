// The transport bar: shows where the player is and asks it to go elsewhere.
import { SPEEDS } from './clock.js';

export const TRUE = 'true'; // the speed at which the decoder really ran

export class Bar {
  constructor(root, player) {
    const part = (name) => root.querySelector(`.${name}`);
    this.root = root;
    this.parts = Object.fromEntries(['play', 'where', 'scrub', 'speed', 'loop', 'live', 'save'].map((name) => [name, part(name)]));
    const press = (name, action) => part(name).addEventListener('click', action);
    press('first', () => player.seek(0));
    press('round-back', () => player.stepRound(-1));
    press('back', () => player.stepPhase(-1));
    press('play', () => player.toggle());
    press('next', () => player.stepPhase(1));
    press('round-next', () => player.stepRound(1));
    press('end', () => player.seek(Infinity));
    press('loop', () => player.loop());
    press('live', () => player.follow());
    press('open', () => document.querySelector('#open').click());
    press('save', () => player.save());
    this.parts.scrub.addEventListener('input', () => player.scrub(Number(this.parts.scrub.value)));
    this.parts.speed.append(...SPEEDS.map((speed) => new Option(`${speed}×`, speed)), new Option('true time', TRUE));
    this.parts.speed.addEventListener('change', () => player.setSpeed(this.parts.speed.value));
  }

  show({ tape, position, state, isFollowing, isLooping, speed }) {
    const { play, where, scrub, loop, live, save } = this.parts;
    const words = place(tape, position);
    const isPlaying = state === 'playing';
    play.textContent = isPlaying ? '❚❚' : '▶';
    play.setAttribute('aria-label', isPlaying ? 'pause' : 'play');
    where.textContent = words;
    scrub.max = Math.max(0, (tape?.length ?? 1) - 1);
    scrub.value = Math.max(0, position);
    scrub.style.setProperty('--done', `${scrub.max > 0 ? (100 * scrub.value) / scrub.max : 0}%`);
    scrub.setAttribute('aria-valuetext', words);
    loop.setAttribute('aria-pressed', isLooping);
    live.hidden = !tape?.isLive;
    live.setAttribute('aria-pressed', isFollowing);
    live.classList.toggle('running', Boolean(tape?.isLive && !tape.end));
    save.disabled = !tape?.size;
    this.parts.speed.value = speed;
    this.root.classList.toggle('idle', !tape?.size);
  }
}

function place(tape, position) {
  if (!tape?.size) return 'no run yet';
  const at = Math.max(0, position);
  return `round ${tape.locate(at).index + 1} of ${tape.size} · ${tape.step(at).label}`;
}
