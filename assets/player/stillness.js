// Who wants nothing to move by itself: asked whenever something would.
export const stillness = matchMedia('(prefers-reduced-motion: reduce)');
