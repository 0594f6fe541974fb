// The prompt outlives a reload: what was typed or asked last in this tab stands in the box again.
const KEY = 'speculoscope:prompt';
const box = () => document.querySelector('#prompt textarea');

export function keepPrompt() {
  if (!box()) return; // an exported run
  const kept = read();
  if (kept && kept !== box().value) {
    box().value = kept;
    box().dispatchEvent(new Event('input', { bubbles: true })); // as if typed: Gradio takes it over
  }
  document.addEventListener('input', ({ target }) => { if (target === box()) write(target.value); });
  document.addEventListener('click', ({ target }) => { if (target.closest('#go')) write(box().value); }, true);
}

// A browser that keeps nothing says so by throwing.
function read() { try { return sessionStorage.getItem(KEY); } catch { return null; } }
function write(text) { try { sessionStorage.setItem(KEY, text); } catch { /* it is lost with the tab, as before */ } }
