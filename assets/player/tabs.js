// The tab in sight by its name, as it stands in an address: ?tab=compare. The stage needs none.
const STRIP = '#tabs > .tab-wrapper';

// Gradio's own buttons, also those that it folds away; a hidden copy is there to be measured.
const buttons = () => [...document.querySelectorAll(`${STRIP} > :not([aria-hidden]) button`)].filter(nameOf);
const nameOf = ({ textContent }) => textContent.trim().toLowerCase();

// The name of the tab in sight, or nothing for the first: the stage.
export function tabInSight() {
  const at = buttons().findIndex(({ classList }) => classList.contains('selected'));
  return at > 0 ? nameOf(buttons()[at]) : '';
}

export const hasTab = (name) => buttons().some((button) => nameOf(button) === name);

// Without a name the first.
export function openTab(name) {
  const button = name ? buttons().find((each) => nameOf(each) === name) : buttons()[0];
  if (button && !button.classList.contains('selected')) button.click();
}

export function watchTabs(onTurn) {
  let shown = tabInSight();
  const strip = document.querySelector(STRIP);
  if (!strip) return;
  new MutationObserver(() => {
    const now = tabInSight();
    if (now !== shown) onTurn();
    shown = now;
  }).observe(strip, { subtree: true, childList: true, attributeFilter: ['class'] });
}
