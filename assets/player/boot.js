// Body of the component's js_on_load. What comes before the player is there waits in a list:
// a message that arrives before `watch` is registered would be lost.
const waiting = [];
let receive = (lines) => waiting.push(lines);
const load = (name) => import(new URL(`own/player/${name}.js`, document.baseURI).href);
const inflating = load('inflate');
let inOrder = Promise.resolve(); // inflating takes time: one after another, as they came
watch('value', () => {
  const value = props.value;
  if (value) inOrder = inOrder.then(async () => receive(await (await inflating).inflated(value))).catch(console.error);
});
load('player').then(({ Player }) => {
  const player = new Player(element);
  receive = (lines) => player.receive(lines);
  document.addEventListener('speculoscope:open', ({ detail }) => receive(detail)); // a run that another tab has
  waiting.forEach(receive);
  const ready = player.begin();
  load('lessons').then(async ({ teach }) => { await ready; teach(player); });
}).catch((error) => { element.querySelector('.says').textContent = `The player could not be loaded (${error.message}); reload the page to try again.`; });
