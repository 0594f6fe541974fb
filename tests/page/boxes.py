"""Where the words of the tree's picture stand, in pixels of the window."""

# both edges of the panel, then left, top, right and bottom of every line of its labels and axis
LABELS = """(panel => {
    const { left, right } = panel.getBoundingClientRect();
    const lines = [...panel.querySelectorAll('.textpoint tspan, .xtick text')];
    const boxes = lines.filter(line => line.textContent.trim())
        .map(line => line.getBoundingClientRect());
    return [left, right, ...boxes.map(b => [b.left, b.top, b.right, b.bottom])];
})(document.querySelector('.stage .tree'))"""


def overlap(one: list[float], other: list[float]) -> float:
    """Pixels by which two boxes lie over each other, the less of both directions."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    return min(wide, min(one[3], other[3]) - max(one[1], other[1]))
