// What of the page in sight cannot be reached or is cut off: controls outside the page or covered
// by others after scrolling to them, boxes that hide part of their content and do not scroll,
// words that end in an ellipsis and show the rest nowhere.
(() => {
  const found = [];
  const name = (element) => {
    const own = element.getAttribute('aria-label') || element.textContent.trim().slice(0, 30);
    return `${element.tagName.toLowerCase()}.${element.className.baseVal ?? element.className} “${own}”`;
  };
  const isShown = (element) => {
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
  const scrolls = (element) => element && (/auto|scroll/.test(getComputedStyle(element).overflowX) || scrolls(element.parentElement));

  if (document.documentElement.scrollWidth > innerWidth) found.push(`the page is ${document.documentElement.scrollWidth} px wide`);

  const controls = 'button, select, input, textarea, [tabindex="0"], [role="tab"]';
  for (const control of document.querySelectorAll(controls)) {
    if (!isShown(control) || control.closest('.visually-hidden, .image')) continue;
    control.scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
    const { left, right, top, bottom } = control.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) { found.push(`beside the page: ${name(control)}`); continue; }
    const at = document.elementFromPoint((left + right) / 2, (Math.max(0, top) + Math.min(innerHeight, bottom)) / 2);
    const isHit = at && (control.contains(at) || at.contains(control) || control.parentElement.contains(at));
    if (!isHit && control.type !== 'file') found.push(`covered or out of reach: ${name(control)}`);
  }
  scrollTo(0, 0);

  for (const box of document.querySelectorAll('body *:not(svg, svg *, option)')) {
    if (!isShown(box) || box.closest('.visually-hidden, .plot, .road, textarea, input, select')) continue;
    const { overflowX, overflowY, textOverflow } = getComputedStyle(box);
    const isWide = /hidden|clip/.test(overflowX) && box.scrollWidth > box.clientWidth + 2;
    const isHigh = /hidden|clip/.test(overflowY) && box.scrollHeight > box.clientHeight + 2 && box.clientHeight > 1;
    const tells = textOverflow === 'ellipsis' && box.closest('[title]:not([title=""])');
    const inner = textOverflow === 'ellipsis' && [...box.children].some((child) => child.title);
    if ((isWide || isHigh) && !tells && !inner) found.push(`cut off (${box.scrollWidth}x${box.scrollHeight} in ${box.clientWidth}x${box.clientHeight}): ${name(box)}`);
  }
  return found;
})()
