// In place of the page's own: plotly.js out of the file itself.
import { inflated } from './unpack.js';

let loading = null;

export function plotly() {
  loading ??= inflated('library').then((code) => {
    const script = document.createElement('script');
    script.textContent = code;
    document.head.append(script);
    return window.Plotly;
  });
  return loading;
}
