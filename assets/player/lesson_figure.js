// A figure of the Numbers tab on the stage, where a stop of a lesson speaks of it.
const MARKUP = '<h4 aria-level="2"><span></span> <em></em></h4><ul class="legend" aria-label="legend of the figure"></ul><div class="plot" role="img"></div>';

export class LessonFigure {
  constructor(stage, numbers) {
    this.numbers = numbers;
    this.section = Object.assign(document.createElement('section'), { className: 'panel figure', hidden: true, innerHTML: MARKUP });
    stage.prepend(this.section); // where panels stand one below the other it comes first
    numbers.add(this.section);
  }

  // `figure` is its name and title, or null.
  show(figure) {
    this.section.hidden = !figure;
    this.section.classList.toggle('spot', Boolean(figure));
    if (!figure) return;
    this.section.dataset.number = figure.name;
    this.section.querySelector('h4 span').textContent = figure.title;
    this.numbers.refresh();
  }
}
