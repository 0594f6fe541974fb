// Letters in sight whose contrast with what lies behind them is below WCAG AA, in SVG as well:
// axe reads `color` where a figure's letters are drawn with `fill`.
(() => {
  const parts = (css) => {
    const [r, g, b, alpha = 1] = css.match(/[\d.]+/g).map(Number);
    return css.startsWith('color(srgb') ? [255 * r, 255 * g, 255 * b, alpha] : [r, g, b, alpha];
  };
  const over = (top, below) => top.slice(0, 3).map((value, i) => value * top[3] + below[i] * (1 - top[3]));
  const linear = (value) => (value <= 10.31475 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const filled = (element) => {
    const { fill, fillOpacity, opacity } = getComputedStyle(element);
    const [r, g, b, alpha] = parts(fill);
    return [r, g, b, alpha * fillOpacity * opacity];
  };

  function grounds(element) {
    const found = [];
    const bar = element.closest('.bartext-inside') && element.closest('.point').querySelector('path');
    if (bar) found.push(filled(bar));
    for (let at = element; at && found.at(-1)?.[3] !== 1; at = at.parentElement) {
      if (!(at instanceof SVGElement)) found.push(parts(getComputedStyle(at).backgroundColor));
    }
    return found.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  }

  function ink(element) {
    let [r, g, b, alpha] = element instanceof SVGElement ? filled(element) : parts(getComputedStyle(element).color);
    for (let at = element; at; at = at.parentElement) alpha *= getComputedStyle(at).opacity;
    return [r, g, b, alpha];
  }

  function isRead(text) {
    const element = text.parentElement;
    const range = document.createRange();
    range.selectNodeContents(text);
    const { width, height } = range.getBoundingClientRect();
    const isShown = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const isPart = !element.closest('option, .visually-hidden, :disabled');
    return text.data.trim() && width >= 1 && height >= 1 && isShown && isPart;
  }

  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    if (!isRead(text)) continue;
    const element = text.parentElement, behind = grounds(element);
    const { fontSize, fontWeight } = getComputedStyle(element), size = parseFloat(fontSize);
    const least = size >= 24 || (size >= 18.66 && fontWeight >= 700) ? 3 : 4.5;
    const ratio = contrast(over(ink(element), behind), behind);
    if (ratio < least) found.push(`“${text.data.trim().slice(0, 40)}” ${ratio.toFixed(2)}`);
  }
  return found;
})()
