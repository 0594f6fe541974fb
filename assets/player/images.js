// Any figure as a picture: two small buttons in the corner of its panel.
import { plotly } from './plotly.js';

const ROOM = 34; // pixels above the figure for its name

export function addImages(root, look) {
  for (const section of root?.querySelectorAll('.panel:has(> .plot)') ?? []) {
    if (section.querySelector('.image')) continue;
    const name = section.querySelector('h4').firstChild.textContent.trim();
    const corner = document.createElement('span');
    corner.className = 'image';
    corner.append(...['svg', 'png'].map((format) => button(section, name, format, look)));
    section.append(corner);
  }
}

function button(section, name, format, look) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = format;
  made.title = `save as ${format.toUpperCase()}`;
  made.setAttribute('aria-label', `save ${name} as ${format.toUpperCase()}`);
  made.addEventListener('click', () => save(section, name, format, look()));
  return made;
}

// The figure as it is drawn, on its theme's ground, with its name above it.
async function save(section, name, format, palette) {
  const plot = section.querySelector('.plot');
  if (!plot.data || section.classList.contains('empty')) return;
  const library = await plotly();
  const { width, height } = plot.layout;
  const { l = 8, r = 8, t = 8, b = 8 } = { ...plot.layout.template?.layout?.margin, ...plot.layout.margin };
  const text = escaped([name, section.querySelector('h4 em').textContent].filter(Boolean).join(' · '));
  const layout = {
    ...plot.layout,
    title: { text, x: 0.02, y: 1, yanchor: 'top', pad: { t: 10 }, font: { size: 13, color: palette.ink } },
    margin: { l, r, t: t + ROOM, b },
    paper_bgcolor: palette.panel,
  };
  await library.downloadImage({ data: plot.data, layout }, {
    format, width, height: height + ROOM, scale: format === 'png' ? 2 : 1,
    filename: `speculoscope-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')}`,
  });
}

// Plotly reads its texts as markup; a heading may hold a token.
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
