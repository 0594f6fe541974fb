// The switch of the mask: whether a row of the prefix is the paler the more the tree is looked at.
// The header brings the patch that takes the attention's mass away: nothing is asked of a server.
const TOLD = 'A pale row of the prefix: this node attends mostly to the tree. A strong one: mostly to the prefix.';
const UNTOLD = 'This run does not tell where the attention fell: nothing was drafted, its target uses an attention that cannot be recorded, or its record is an older one.';

export class Mass {
  constructor(button, onTurn) {
    this.button = button;
    this.isOn = true;
    this.isTold = false;
    button.addEventListener('click', () => {
      if (!this.isTold) return;
      this.isOn = !this.isOn;
      onTurn();
    });
  }

  // Enabled for the whole of a run some round of which has the mass: nothing jumps between rounds.
  show(tape) {
    this.isTold = Boolean(tape?.header.massless && tape.rounds.some(({ record }) => record.mass));
    this.button.title = this.isTold ? TOLD : UNTOLD;
    this.button.setAttribute('aria-disabled', !this.isTold); // its reason stays within reach of the keys
    this.button.setAttribute('aria-pressed', this.isTold && this.isOn);
  }
}
