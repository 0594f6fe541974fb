// What a view says of its work, in the rail beside it: under the buttons one has just pressed.
export function say(root, text, isProblem) {
  const line = root.closest('.house').querySelector('.rail .notice');
  line.textContent = text;
  line.classList.toggle('problem', isProblem);
  if (isProblem) line.scrollIntoView({ block: 'nearest' });
}
