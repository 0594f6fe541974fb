// Plain decoding is measured after a live run: no longer, where another one is wished for.
export function spareMeasuring(player) {
  document.addEventListener('click', ({ target }) => {
    const { isLive, end } = player.tape ?? {};
    if (isLive && end && !end.record?.plain && target.closest('#go')) document.querySelector('#spare').click();
  }, true);
}
