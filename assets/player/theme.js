// Dark and light: Gradio's class on <body>, the visitor's choice kept by the browser.
const KEY = 'speculoscope-theme';

export const theme = () => (document.body.classList.contains('dark') ? 'dark' : 'light');

export function follow(button, onChange) {
  const asked = new URLSearchParams(location.search).get('__theme');
  const kept = asked ?? stored();
  if (kept === 'dark' || kept === 'light') set(kept);
  button.addEventListener('click', () => {
    set(theme() === 'dark' ? 'light' : 'dark');
    store(theme());
  });
  new MutationObserver(onChange).observe(document.body, { attributes: true, attributeFilter: ['class'] });
}

// A browser that keeps nothing for this page (cookies blocked, a foreign frame) throws.
function stored() { try { return localStorage.getItem(KEY); } catch { return null; } }
function store(name) { try { localStorage.setItem(KEY, name); } catch { /* kept for this visit only */ } }

function set(name) { document.body.classList.toggle('dark', name === 'dark'); }
