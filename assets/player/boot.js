// Body of the component's js_on_load. What comes before the player is there waits in a list:
// a message that arrives before `watch` is registered would be lost.
const waiting = [];
let receive = (lines) => waiting.push(lines);
watch('value', () => props.value && receive(props.value));
import(new URL('own/player/player.js', document.baseURI).href).then(({ Player }) => {
  const player = new Player(element);
  receive = (lines) => player.receive(lines);
  waiting.forEach(receive);
  player.begin();
});
