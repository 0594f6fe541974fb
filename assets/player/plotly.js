// plotly.js, fetched once, and the player's own reference to it.
let loading = null;

export function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = new URL(`own/plotly/plotly.min.js?v=${document.querySelector('[data-plotly]').dataset.plotly}`, document.baseURI).href;
    script.onload = () => {
      // Gradio's base is "./", where a page without one stands too; with one Plotly refers to its
      // patterns by this very address, and they are gone once the address names the next step
      document.querySelector('base')?.removeAttribute('href');
      window.Plotly.setPlotConfig({ logging: 0 }); // it warns of every pair that the mask has no cell for
      resolve(window.Plotly);
    };
    script.onerror = () => {
      loading = null; // the next drawing asks again
      reject(new Error('plotly.js did not load'));
    };
    document.head.append(script);
  });
  return loading;
}
