// In place of the page's own: the reader's theme, and nothing kept, for a file may have no storage.
export const theme = () => (document.body.classList.contains('dark') ? 'dark' : 'light');

export function follow(button, onChange) {
  const asked = new URLSearchParams(location.search).get('__theme');
  const isDark = asked ? asked === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.body.classList.toggle('dark', isDark);
  button.addEventListener('click', () => {
    document.body.classList.toggle('dark');
    onChange();
  });
}
