// In the lecture view the buttons are seen while a hand moves the pointer, and a while after.
const STAY_MS = 2500;

export function showByPointer(nav) {
  let timer = 0;
  addEventListener('pointermove', () => {
    nav.classList.add('near');
    clearTimeout(timer);
    timer = setTimeout(() => nav.classList.remove('near'), STAY_MS);
  });
}
