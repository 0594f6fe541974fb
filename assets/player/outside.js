// What tests, lessons and the console may know of a player.
import { answer, asked } from './again.js';

export function outside(player) {
  return {
    get size() { return player.tape?.size ?? 0; },
    get length() { return player.tape?.length ?? 0; },
    get position() { return player.position; },
    get at() { return player.position < 0 ? -1 : player.tape.locate(player.position).index; },
    get phase() { return player.position < 0 ? '' : player.tape.step(player.position).phase; },
    get state() { return player.state; },
    get isLive() { return Boolean(player.tape?.isLive); },
    get isDone() { return Boolean(player.tape?.end); },
    get isSettled() { return player.board.isSettled && player.numbers.isSettled; },
    get drawings() { return player.board.drawings; },
    get problems() { return player.problems; },
    get pause() { return player.pauses.wanted; },
    get asked() { return asked(player.tape); },
    answer(line) { answer(player, line); },
    get run() { return player.tape?.header.run ?? ''; },
  };
}
