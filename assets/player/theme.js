// Dark and light: Gradio's class on <body>, the visitor's choice kept by the browser.
const KEY = 'speculoscope-theme';

export const theme = () => (document.body.classList.contains('dark') ? 'dark' : 'light');

export function follow(button, onChange) {
  const asked = new URLSearchParams(location.search).get('__theme');
  const kept = asked ?? localStorage.getItem(KEY);
  if (kept === 'dark' || kept === 'light') set(kept);
  button.addEventListener('click', () => {
    set(theme() === 'dark' ? 'light' : 'dark');
    localStorage.setItem(KEY, theme());
  });
  new MutationObserver(onChange).observe(document.body, { attributes: true, attributeFilter: ['class'] });
}

function set(name) { document.body.classList.toggle('dark', name === 'dark'); }
