// Body of the component's js_on_load. What comes before the player is there waits in a list:
// a message that arrives before `watch` is registered would be lost.
const waiting = [];
let receive = (lines) => waiting.push(lines);
let inOrder = Promise.resolve(); // inflating takes time: one after another, as they came
watch('value', () => {
  const value = props.value;
  if (value) inOrder = inOrder.then(async () => receive(await inflated(value))).catch(console.error);
});
// The messages of a run travel deflated, in base64 behind "z:".
async function inflated(value) {
  if (!value.startsWith('z:')) return value;
  const bytes = Uint8Array.from(atob(value.slice(2)), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).text();
}
import(new URL('own/player/player.js', document.baseURI).href).then(({ Player }) => {
  const player = new Player(element);
  receive = (lines) => player.receive(lines);
  document.addEventListener('speculoscope:open', ({ detail }) => receive(detail)); // a run that another tab has
  waiting.forEach(receive);
  const ready = player.begin();
  import(new URL('own/player/lessons.js', document.baseURI).href).then(async ({ teach }) => { await ready; teach(player); });
});
