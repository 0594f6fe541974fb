// The keyboard while the race is in sight: it comes before the stage's, which is hidden then.
const KEYS = {
  ' ': (race) => race.toggle(),
  ArrowRight: (race) => race.step(1),
  ArrowLeft: (race) => race.step(-1),
  Home: (race) => race.seek(0),
  End: (race) => race.seek(Infinity),
  '+': (race) => race.changeSpeed(1),
  '-': (race) => race.changeSpeed(-1),
  t: (race) => race.change(),
};
const TYPED = 'input:not(.scrub), textarea, select, [contenteditable], [role="listbox"], [role="combobox"], dialog';

export function listen(race) {
  document.addEventListener('keydown', (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || race.root.offsetParent === null || target.closest(TYPED)) return;
    if ([' ', 'Enter'].includes(key) && target.closest('button, summary, a, [role="tab"]')) return;
    const action = KEYS[key];
    if (!action) return;
    event.preventDefault(); // what is prevented the stage leaves alone
    action(race);
  }, { capture: true });
}
