// Ask again: the prompt, method and settings of the run on the stage go into the form, where there is one.
export function offerAgain(button, player) {
  const form = document.querySelector('#ask');
  button.hidden = !form;
  button.addEventListener('click', () => form.click());
  return { show: () => button.toggleAttribute('disabled', !player.tape) };
}

// What the server says to it; runs that wait are none of its business.
export function answer(player, line) {
  const { kind, text } = JSON.parse(line);
  player.notice(text, kind === 'problem');
}

// What Gradio's event tells the server of it.
export function asked(tape) {
  if (!tape) return '';
  const { prompt, method, config } = tape.header.header;
  return JSON.stringify({ prompt, method, config });
}
