// In place of the page's own: plotly.js out of the file itself.
import { inflated } from './unpack.js';

let loading = null;

export function plotly() {
  loading ??= inflated('library').then((code) => {
    const script = document.createElement('script');
    script.textContent = code;
    document.head.append(script);
    window.Plotly.setPlotConfig({ logging: 0 }); // as the page's own
    return window.Plotly;
  });
  return loading;
}
