// Body of a view's js_on_load: what comes before its module is there waits in a list. What comes is
// a value, or something to do once the values before it are shown.
const waiting = [];
let receive = (value) => waiting.push(value);
watch('value', () => { if (props.value) receive(props.value); });
Promise.all(['VIEW', 'inflate', 'queue'].map((name) => import(new URL(`own/player/${name}.js`, document.baseURI).href)))
  .then(([{ View }, { inflated }, { watchQueue }]) => {
    const view = new View(element);
    watchQueue(element.closest('#VIEW'), element.closest('.house').querySelector('.rail .queue'));
    let inOrder = Promise.resolve(); // inflating takes time: one after another, as they came
    receive = (value) => {
      inOrder = inOrder
        .then(async () => {
          if (typeof value === 'function') return value();
          for (const line of (await inflated(value)).split('\n')) if (line) view.apply(JSON.parse(line));
        })
        .catch(console.error);
    };
    waiting.forEach(receive);
  })
  .catch((error) => {
    const line = element.closest('.house').querySelector('.rail .notice');
    line.textContent = `This tab could not be loaded (${error.message}); reload the page to try again.`;
    line.classList.add('problem');
  });
